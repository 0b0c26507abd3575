package p2p

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"kuai/chain/consensus"
	"kuai/p2p/chainsync"
	"kuai/p2p/gossip"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// Raced reports whether the race detector looks on.
const Raced = hosttest.Raced

// Blamed says what n holds against which peers: provable faults, refusals and negative scores.
func (n *Node) Blamed() map[string]string {
	out := make(map[string]string)
	for _, e := range n.table.List() {
		p, err := peer.Decode(e.ID)
		if err == nil && (n.table.Score(p) < 0 || strings.HasPrefix(e.State, "refused") || strings.HasPrefix(e.State, "other network")) {
			out[e.ID] = e.State
		}
	}
	for p, score := range n.gossip.Scores() {
		if score < 0 {
			out[p.String()] += fmt.Sprintf(" score %v", score)
		}
	}
	return out
}

// What tests look at of a node.
func (n *Node) Host() host.Host              { return n.h }
func (n *Node) Table() *peers.Table          { return n.table }
func (n *Node) Server() *stream.Server       { return n.server }
func (n *Node) Sync() *chainsync.Syncer      { return n.sync }
func (n *Node) Gossip() *gossip.Gossip       { return n.gossip }
func (n *Node) Net() string                  { return n.net }
func (n *Node) Synced(moved bool, err error) { n.metrics.synced(moved, err) }

// What tests tell a node beside its settings.
func (c *Config) DialNobody()        { c.dialsNobody = true }
func (c *Config) TakePeers(most int) { c.mostPeers = most }
func (c *Config) LeaveRouters()      { c.mapsNoPort = true }
func (c *Config) CountPrivate()      { c.natPrivate = true }

// Hosts without a node.
var (
	NewHost   = newHost
	NewDialer = newDialer
)

// Frame is payload as it stands on a stream.
func Frame(payload []byte) []byte { return wire.AppendFrame(nil, payload) }

// StatusFrame is a status that claims a chain.
func StatusFrame(genesis consensus.Hash, height int64, tip consensus.Hash) []byte {
	return Frame(wire.Status{Version: wire.StatusVersion, Genesis: genesis, Height: height, Tip: tip, Time: time.Now(), Agent: "liar"}.Append(nil))
}

// HeadFrame begins the answer to a fresh node's chain request.
func HeadFrame(count uint32, height int64, tip consensus.Hash) []byte {
	return Frame(wire.SyncHead{Fork: 1, From: 2, Count: count, Height: height, Tip: tip}.Append(nil))
}

// HeadOfOne begins an answer of one block to a chain request of a fresh node, and says which block that is.
func HeadOfOne(request []byte, height int64, tip consensus.Hash) (head []byte, from int64) {
	payload, err := wire.ReadOne(bufio.NewReader(bytes.NewReader(request)), wire.MaxSyncRequest)
	if err != nil {
		return nil, 0
	}
	req, err := wire.ParseSyncRequest(payload)
	if err != nil {
		return nil, 0
	}
	msg := wire.SyncHead{From: req.From, Count: 1, Height: height, Tip: tip}
	if req.From == 0 {
		msg.Fork, msg.From = 1, 2
	}
	return Frame(msg.Append(nil)), msg.From
}

// RotateEvery is the least time between two turns of rotation.
const RotateEvery = peers.RotateEvery

// WantOutbound is how many peers a node dials.
const WantOutbound = peers.WantOutbound

// Hears tells n where other nodes are.
func (n *Node) Hears(others ...*Node) {
	for _, o := range others {
		n.table.AddHearsay(peer.AddrInfo{ID: o.h.ID(), Addrs: o.h.Addrs()}, false)
	}
}

// HearsNear tells n of other nodes on its local network.
func (n *Node) HearsNear(others ...*Node) {
	for _, o := range others {
		n.table.AddHearsay(peer.AddrInfo{ID: o.h.ID(), Addrs: o.h.Addrs()}, true)
	}
}

// OrphansJudged counts the orphans that gossip brought to n's chain.
func (n *Node) OrphansJudged() int {
	reg := prometheus.NewRegistry()
	reg.MustRegister(n.metrics.orphans)
	families, err := reg.Gather()
	if err != nil {
		panic(err)
	}
	return int(families[0].GetMetric()[0].GetCounter().GetValue())
}

// HeadFrameAt begins an answer of count blocks after a fork.
func HeadFrameAt(fork int64, count uint32, height int64, tip consensus.Hash) []byte {
	return Frame(wire.SyncHead{Fork: fork, From: fork + 1, Count: count, Height: height, Tip: tip}.Append(nil))
}
