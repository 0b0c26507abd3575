package api

import "time"

// Node is who a node is and how to reach it.
type Node struct {
	Addresses   []string   `json:"addresses" description:"Multiaddrs that end in /p2p/ and the peer id."`
	Agent       string     `json:"agent"`
	Dialable    *Dialable  `json:"dialable,omitempty" description:"Whether it can be dialled from outside its local network; left out without --nat."`
	Genesis     string     `json:"genesis" pattern:"^[0-9a-f]{64}$"`
	Height      int64      `json:"height" minimum:"1"`
	Mining      NodeMining `json:"mining"`
	Name        string     `json:"name" description:"What its operator calls it, \"\" for no name. Peers show it as claimed, not proved."`
	Network     string     `json:"network" description:"Its id: of the first block and the rules."`
	NetworkName string     `json:"network_name" description:"For people; others may have the same."`
	Pace        *NodePace  `json:"pace,omitempty" description:"Of a secure network."`
	PeerID      string     `json:"peer_id"`
	Peers       int        `json:"peers" minimum:"0" description:"Connected ones."`
	Pool        NodePool   `json:"pool"`
	Profile     string     `json:"profile" enum:"classic,secure" description:"Of the network's rules."`
	Rewards     string     `json:"rewards,omitempty" description:"The address that gets the rewards of the blocks that this node mines; left out on a classic network."`
	Split       *NodeSplit `json:"split,omitempty" description:"Of the network in two sides, on purpose; left out if it is not split, and on a node without a lab."`
	Sync        NodeSync   `json:"sync"`
	Target      string     `json:"target" pattern:"^[0-9a-f]{64}$" description:"What the hash of the next proof is at most."`
	Tip         string     `json:"tip" pattern:"^[0-9a-f]{64}$"`
	Version     string     `json:"version"`
}

// NodeSplit is the side that a lab node is on.
type NodeSplit struct {
	Side    int       `json:"side" minimum:"1" maximum:"2" description:"1: the teacher's, 2: the other one."`
	Teacher string    `json:"teacher" description:"Peer id of the node that has split the network."`
	Until   time.Time `json:"until" description:"When it ends by itself."`
}

// NodePace is how fast a secure network's blocks come.
type NodePace struct {
	BlockSeconds int64    `json:"block_seconds" minimum:"1" description:"That a block takes in the mean."`
	Recent       *float64 `json:"recent_seconds" description:"That the last blocks took in the mean, up to 20 of them; null before the third block."`
	Tries        float64  `json:"tries" description:"That the next proof takes in the mean."`
}

// Dialable is whether a node can be dialled from outside its local network, as the peer found that tried last.
type Dialable struct {
	Address string    `json:"address" description:"The multiaddr that was tried, \"\" if none was."`
	At      time.Time `json:"at,omitzero" description:"When; left out if none was tried."`
	By      string    `json:"by" description:"The id of the peer that tried, \"\" if none has."`
	ByName  string    `json:"by_name,omitempty" description:"What that peer calls itself: claimed, not proved; left out if it has no name."`
	State   string    `json:"state" enum:"yes,no,unknown" description:"yes: at the address. no: not there, or there is no address that could be tried. unknown: nobody has tried yet."`
}

// NodeMining is what the node's miner is at.
type NodeMining struct {
	Mode      string  `json:"mode"`
	Rate      float64 `json:"rate" description:"Tries per second."`
	Searching bool    `json:"searching"`
}

// NodePool is the size of the pending payments.
type NodePool struct {
	Bytes        int `json:"bytes" minimum:"0"`
	Transactions int `json:"transactions" minimum:"0"`
}

// NodeSync is what the node's sync is at.
type NodeSync struct {
	Active bool    `json:"active"`
	Height int64   `json:"height"`
	Peer   string  `json:"peer" description:"Its id, \"\" if there is none."`
	Rate   float64 `json:"rate" minimum:"0" description:"Blocks per second over the last seconds, 0 if not known."`
	Target int64   `json:"target" description:"The height of that peer."`
}

// Peers are the connected, registered and remembered peers, and the registered nodes by the names that they were given.
type Peers struct {
	Count int              `json:"count" minimum:"0" description:"Of all peers."`
	Nodes []RegisteredNode `json:"nodes"`
	Peers []Peer           `json:"peers"`
}

// RegisteredNode is an entry of POST /nodes/register.
type RegisteredNode struct {
	Address string    `json:"address"`
	Kind    string    `json:"kind" enum:"kuai,flask,unknown" description:"What it was when it answered last."`
	NextAsk time.Time `json:"next_ask,omitzero" description:"When it is tried again; left out while it is connected."`
	PeerID  string    `json:"peer_id" description:"\"\" if not known."`
	Reason  string    `json:"reason,omitempty" description:"Why it is not connected, in words: state without the time of the next try. Of a multiaddr it is what was found there; its peer may have been tried at others, too."`
	State   string    `json:"state" description:"In words, as of a peer: connected, or why not and when it is tried again."`
	Status  int       `json:"status,omitempty" description:"Of its answer to GET /node; left out if there was none."`
	URL     string    `json:"url" description:"\"\" if it was registered by multiaddr."`
}

// Peer is a peer. An address that was asked for or registered and leads to no peer has no ID.
type Peer struct {
	Address    string    `json:"address"`
	Agent      string    `json:"agent"`
	ClockAhead int64     `json:"clock_ahead_seconds,omitempty" description:"How far its clock was ahead of this node's at its last status, negative: behind; left out if 0 or not known." example:"10800"`
	Connected  bool      `json:"connected"`
	Direction  string    `json:"direction" enum:"inbound,outbound," description:"\"\" if not connected."`
	Height     int64     `json:"height"`
	ID         string    `json:"id"`
	Knows      []string  `json:"knows,omitempty" maxItems:"32" description:"Ids of peers that it said last to be connected with; left out if not known. Asking for this list has the connected peers asked, each at most every 6 seconds."`
	LastError  string    `json:"last_error,omitempty" description:"Why the last dial failed, or which other network the peer is of."`
	LatencyMS  *float64  `json:"latency_ms" description:"null if not measured."`
	Name       string    `json:"name" description:"What it calls itself, \"\" for no name: claimed, not proved, and others may have the same."`
	NextDial   time.Time `json:"next_dial,omitzero" description:"When it is dialled again; left out if no dial is due."`
	Reason     string    `json:"reason,omitempty" description:"Why it is not connected, or soon will not be, or is not heard, in words: state without the time of the next try; left out if all is well, or it was not dialled yet."`
	Score      float64   `json:"score"`
	State      string    `json:"state" description:"In words: connected, or why not and when it is dialled again."`
	Static     bool      `json:"static" description:"It was asked for, by --peer or a registration."`
	Tip        *string   `json:"tip" description:"null if not known."`
}

// Register lists nodes to register.
type Register struct {
	Nodes []string `json:"nodes" maxItems:"64" description:"URLs, host:port, or multiaddrs that end in /p2p/ and a peer id."`
}

// Registered lists all registered nodes.
type Registered struct {
	Message string   `json:"message" example:"New nodes have been added"`
	Nodes   []string `json:"total_nodes" description:"Sorted."`
}

// Health says that the process answers.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

// Readiness reports whether the node has caught up with its peers.
type Readiness struct {
	Error  string `json:"error,omitempty" description:"Of a disk that failed."`
	Height int64  `json:"height" minimum:"1"`
	Peers  int    `json:"peers" minimum:"0" description:"Connected ones."`
	Ready  bool   `json:"ready"`
	Target int64  `json:"target" description:"The greatest height that is known of."`
}

// LogLevel is the least level of what a node logs.
type LogLevel struct {
	Level string `json:"level" enum:"debug,info,warn,error"`
}

// Problem is an error, as in RFC 9457.
type Problem struct {
	Detail string `json:"detail" description:"What was wrong this time."`
	Hint   string `json:"hint" description:"What to do."`
	ID     string `json:"id,omitempty" description:"Of a payment that may be pending or not, as the disk failed."`
	Status int    `json:"status"`
	Title  string `json:"title" description:"The kind, the same for every problem of that kind."`
}
