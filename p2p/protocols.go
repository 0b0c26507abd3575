package p2p

import (
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// The stream protocols, one request each: /kuai/<network>/<name>/1.
const (
	statusName = "status"
	syncName   = "sync"
	blocksName = "blocks"
	poolName   = "pool"
	peersName  = "peers"
)

// protocolID returns the full name of a stream protocol.
func protocolID(network, name string) protocol.ID {
	return protocol.ID("/kuai/" + network + "/" + name + "/1")
}

// Codes that a stream is reset with. They are libp2p's own, in its own meaning.
const (
	codeBusy      = network.StreamResourceLimitExceeded // 0x1002: too many streams at once, ask later or elsewhere
	codeRate      = network.StreamRateLimited           // 0x1003: too many requests, ask later or elsewhere
	codeViolation = network.StreamProtocolViolation     // 0x1004: the request breaks the protocol
	codeShutdown  = network.StreamShutdown              // 0x1007: the node is stopping
)
