package p2p_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// bookEntry is a peer in peers.json.
type bookEntry struct {
	ID     string   `json:"id"`
	Addrs  []string `json:"addresses"`
	Stayed int64    `json:"connected_seconds"`
	Seen   int64    `json:"last_seen"`
}

// remembering makes a node know peers from an earlier run.
func remembering(t *testing.T, peers ...bookEntry) func(*p2p.Config) {
	t.Helper()
	raw, err := json.Marshal(peers)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "peers.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *p2p.Config) { c.Dir = dir }
}

// TestDeadPeersHoldUpNobody remembers one peer that lives and many that lived longer and are gone.
func TestDeadPeersHoldUpNobody(t *testing.T) {
	r := chaintest.Rules()
	living := runNode(t, r, func(*p2p.Config) {})
	info, err := peer.AddrInfoFromString(living.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	file := []bookEntry{{ID: living.ID(), Addrs: []string{info.Addrs[0].String()}, Stayed: 1, Seen: 1}}
	for i := range 50 {
		file = append(file, bookEntry{ID: hosttest.IDOf(t, hosttest.Key(t)), Addrs: []string{fmt.Sprintf("/ip4/127.0.%d.1/tcp/9", i+1)}, Stayed: 3600, Seen: 1})
	}
	n := runNode(t, r, remembering(t, file...))
	hosttest.Eventually(t, "the living peer is connected", func() bool { return n.connectedTo(living) })
}

// TestPeerThatClosesIsLeftAlone remembers a peer that accepts every connection and closes it at once.
func TestPeerThatClosesIsLeftAlone(t *testing.T) {
	var dials atomic.Int32
	h := hosttest.New(t)
	h.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		dials.Add(1)
		go c.Close()
	}})
	runNode(t, chaintest.Rules(), remembering(t, bookEntry{ID: h.ID().String(), Addrs: []string{h.Addrs()[0].String()}, Stayed: 3600, Seen: 1}))
	hosttest.Eventually(t, "the peer is dialled", func() bool { return dials.Load() > 0 })
	// On real sockets dials that must not come can only be waited for. A few may begin before the end of the
	// first one is known.
	time.Sleep(2 * time.Second)
	if n := dials.Load(); n > 10 {
		t.Errorf("dialled %d times within two seconds", n)
	}
}
