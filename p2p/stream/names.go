package stream

// The stream protocols, one request each.
const (
	Status = "status"
	Sync   = "sync"
	Blocks = "blocks"
	Pool   = "pool"
	Peers  = "peers"
)
