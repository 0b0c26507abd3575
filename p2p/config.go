package p2p

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/prometheus/client_golang/prometheus"

	"kuai/chain/consensus"
	"kuai/p2p/chainsync"
	"kuai/p2p/peers"
	"kuai/p2p/wire"
)

// Config is what a Node is told. The zero value of every field but Identity is usable.
type Config struct {
	Identity crypto.PrivKey       // Ed25519: the node's id is derived from it
	Listen   []string             // multiaddrs to listen on
	Announce []string             // multiaddrs to announce in place of the ones listened on: behind NAT or Docker
	Peers    []string             // static peers: multiaddrs that end in /p2p/<id>, URLs of daemons or host:port
	MDNS     bool                 // find neighbours on the local network
	DHT      bool                 // find peers by a distributed hash table
	NAT      bool                 // have the router open a port, find out whether this node can be dialled, and do so for peers
	QUIC     bool                 // QUIC beside TCP; not together with SwarmKey
	SwarmKey []byte               // a swarm key file's contents, as Kubo's; nil: none
	Dir      string               // where peers.json lives; "": nothing is remembered
	Agent    string               // program and version, told to peers
	Lab      *Lab                 // faults on purpose; nil: none can be made
	Teacher  func(id string) bool // whose node may put this one on a side of a split network; nil: nobody's
	Name     string               // what its operator calls this node, told to peers; see CheckName

	// Local returns the multiaddrs of other nodes on this machine, this one may be among them. It is called again and again; what it
	// returns is checked like any peer. Nil: none are looked for.
	Local func() []string
	// AskURL asks what answers at an http URL. Its error wraps ErrFlask or ErrNoNode if something does that is not a kuai node, and
	// addrpolicy.ErrRefused if the address must not be asked. Nil: URLs are refused.
	AskURL func(ctx context.Context, url string) (Answer, error)
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer

	dialsNobody bool // but the static peers: benchmarks draw their own networks
	mapsNoPort  bool // whatever NAT says: tests leave routers alone
	natPrivate  bool // private addresses count: tests have no others
	mostPeers   int  // at most; 0: maxPeers
}

// Answer is what a kuai node at a URL says of itself.
type Answer = peers.Answer

// Errors of Config.AskURL.
var (
	ErrFlask  = peers.ErrFlask
	ErrNoNode = peers.ErrNoNode
)

// Registered is an address that a client registered.
type Registered = peers.Registered

// RefusedError says which address Register refused, and why.
type RefusedError = peers.RefusedError

// ErrTooMany is returned by Register if more nodes would be registered than are kept.
var ErrTooMany = peers.ErrTooMany

// CheckPeer says what is wrong with the form of what Config.Peers and Node.Connect take.
func CheckPeer(s string) error { return peers.CheckPeer(s) }

// CheckName says what is wrong with the form of Config.Name.
func CheckName(name string) error { return wire.CheckName(name) }

// Peer is a peer as this node sees it.
type Peer struct {
	ID        string // "" for a URL that leads to no peer
	Name      string // what the peer last called itself, "" for no name: claimed, not proved, and others may have the same
	Agent     string
	Address   string // a multiaddr with /p2p/; others can dial it, unless the peer is behind a NAT. The URL if ID is ""
	Direction string // "inbound" or "outbound", "" while not connected
	Connected bool
	State     string        // in words: "connected", "unreachable, next try in 12 s: connection refused", "other network", "Flask node", …
	Reason    string        // the part of State that says why the peer is not connected; "": it is, or was not dialled yet
	Static    bool          // asked for by Config.Peers, Connect or Register
	Latency   time.Duration // 0: not measured yet
	Height    int64         // what the peer last claimed, 0: nothing yet
	Tip       consensus.Hash
	Score     float64  // gossip score: negative is bad
	Knows     []string // ids of the peers that it said last to be connected with, at most 32; see Node.LookAround

	ClockAhead time.Duration // how far its clock was ahead of ours at its last status, to the second; negative: behind, 0: or not known

	LastError string    // why the last dial failed, or which other network the peer is of; else "" while connected, and before the first dial
	NextDial  time.Time // when it is dialled next; zero while connected, and if no dial is due

	LeftHeight int64          // where the branch ended that it has left for ours last, 0: none since it connected
	LeftTip    consensus.Hash // its last block
	LeftFork   int64          // the last block of it that is on our chain, too, 0: not known
	LeftAt     time.Time
}

// SyncStatus says what the sync is doing.
type SyncStatus = chainsync.Progress
