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

// Config is the configuration of a Node. The zero value of every field but Identity is usable.
type Config struct {
	Identity crypto.PrivKey       // Ed25519: the node's id is derived from it
	Listen   []string             // multiaddrs to listen on
	Announce []string             // multiaddrs to announce in place of the ones listened on: behind NAT or Docker
	Peers    []string             // static peers: multiaddrs that end in /p2p/<id>, URLs of daemons or host:port
	MDNS     bool                 // find neighbours on the local network
	DHT      bool                 // find peers by a distributed hash table
	NAT      bool                 // map a port at the router, ask peers whether this node can be dialled, and dial back for them
	QUIC     bool                 // QUIC beside TCP; not together with SwarmKey
	SwarmKey []byte               // a swarm key file's contents, as Kubo's; nil: none
	Dir      string               // where peers.json lives; "": nothing is remembered
	Agent    string               // program and version, told to peers
	Lab      *Lab                 // fault injection; nil: none
	Teacher  func(id string) bool // reports whether a node may put this one on a side of a split network; nil: none may
	Name     string               // what its operator calls this node, told to peers; see CheckName

	// Local returns the multiaddrs of nodes on this machine, possibly this one, too. It is called again and
	// again, and its result is checked like any other address. Nil: none are looked for.
	Local func() []string
	// AskURL asks what answers at an http URL. Its error wraps ErrFlask or ErrNoNode if something does that is
	// not a kuai node, and addrpolicy.ErrRefused if the address must not be asked. Nil: URLs are refused.
	AskURL func(ctx context.Context, url string) (Answer, error)
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer

	dialsNobody bool // except static peers: benchmarks choose their own topology
	mapsNoPort  bool // even with NAT: tests must not change routers
	natPrivate  bool // private addresses count for NAT: tests have no others
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

// CheckPeer returns an error if s is not an address as Config.Peers and Node.Connect take it.
func CheckPeer(s string) error { return peers.CheckPeer(s) }

// CheckName returns an error if name is not a valid Config.Name.
func CheckName(name string) error { return wire.CheckName(name) }

// Peer is a peer as this node sees it.
type Peer struct {
	ID        string // "" for a URL that leads to no peer
	Name      string // that the peer gives itself, "" for none: not proved, and not unique
	Agent     string
	Address   string // a multiaddr with /p2p/; others can dial it, unless the peer is behind a NAT. The URL if ID is ""
	Direction string // "inbound" or "outbound", "" while not connected
	Connected bool
	State     string        // in words: "connected", "unreachable, next try in 12 s: connection refused", "other network", "Flask node", …
	Reason    string        // the part of State that says why the peer is not connected; "": it is, or was not dialled yet
	Static    bool          // asked for by Config.Peers, Connect or Register
	Latency   time.Duration // 0: not measured yet
	Height    int64         // that the peer last claimed; 0 if it has not yet
	Tip       consensus.Hash
	Score     float64  // gossip score: negative is bad
	Knows     []string // ids of the peers that it last said to be connected with, at most 32; see Node.RefreshPeerLists

	ClockAhead time.Duration // of ours at its last status, to the second; negative: behind; 0 also if not known

	LastError string    // why the last dial failed, or which other network the peer is of; "" while connected and before the first dial
	NextDial  time.Time // time of the next dial; zero while connected, and if none is due

	LeftHeight int64          // of the tip of the last branch that it left for ours; 0 if none since it connected
	LeftTip    consensus.Hash // that tip
	LeftFork   int64          // last common block of that branch and our chain; 0 if not known
	LeftAt     time.Time
}

// SyncStatus is what the sync is doing.
type SyncStatus = chainsync.Progress
