package api

// Miner is what the miner is at.
type Miner struct {
	Blocks    uint64   `json:"blocks" description:"Mined since the start."`
	Callers   int      `json:"callers" minimum:"0" description:"Requests to mine: one has the turn, the others wait."`
	Cores     int      `json:"cores" description:"That a search uses."`
	Expected  *float64 `json:"expected" description:"Mean seconds to a block, null while the rate is unknown."`
	Kernel    string   `json:"kernel" example:"sha" description:"The inner loop that searches use on this processor, the fastest that it has: sha, avx512, avx2, library or portable."`
	Mode      string   `json:"mode"`
	Rate      float64  `json:"rate" description:"Tries per second."`
	Searching bool     `json:"searching"`
	Share     int      `json:"share" description:"Of the cores' time, in percent."`
	Stale     uint64   `json:"stale" description:"Searches and blocks given up because another block came first."`
	Total     uint64   `json:"total" description:"Tries since the start."`
	Tries     uint64   `json:"tries" description:"Of the running search, or of the last one."`
}

// MinerChange changes how the node mines; what is nil stays.
type MinerChange struct {
	Cores *int    `json:"cores,omitempty" minimum:"0" maximum:"1024" description:"0: all. From the next search on."`
	Mode  *string `json:"mode,omitempty" example:"instant" description:"manual, instant, interval=5s or continuous. At once."`
	Share *int    `json:"share,omitempty" minimum:"1" maximum:"100" description:"Of the cores' time, in percent. From the next search on."`
}

// Work is what a miner elsewhere needs. A number is right if the SHA-256 of Text.Before, the number in decimal and Text.After, read as a
// number of 256 bits, is at most Target. On a classic network the number is the proof, on a secure one its nonce.
type Work struct {
	ID           string     `json:"id" pattern:"^[0-9a-f]{32}$" description:"Changes with the parent and the transactions."`
	Index        int64      `json:"index" minimum:"2"`
	Parent       WorkParent `json:"parent"`
	Root         string     `json:"root,omitempty" pattern:"^[0-9a-f]{64}$" description:"Of the block on a secure network. The proof is \"<root>.<nonce>\"."`
	Target       string     `json:"target" pattern:"^[0-9a-f]{64}$"`
	Text         WorkText   `json:"text"`
	Transactions []Payment  `json:"transactions" description:"That a block would hold now, the reward last. A classic network's proof does not cover them."`
	Zeros        int        `json:"zeros" minimum:"0" description:"Hex zeros that every hash at most the target starts with. On a classic network they are all that is asked for."`
}

// WorkParent is the block to mine on.
type WorkParent struct {
	Hash  string `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Index int64  `json:"index" minimum:"1"`
	Proof Proof  `json:"proof"`
}

// WorkText is what stands before and after a proof in the text that is hashed.
type WorkText struct {
	After  string `json:"after"`
	Before string `json:"before"`
}

// Submit is a proof that was found elsewhere.
type Submit struct {
	Parent string `json:"parent" pattern:"^[0-9a-f]{64}$" description:"parent.hash of the work."`
	Proof  Proof  `json:"proof" description:"From 0 and below 2^53; on a secure network \"<root>.<nonce>\"."`
}
