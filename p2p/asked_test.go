package p2p_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// TestOnlyListedProtocolsAreAsked lets a peer that lists status/1 alone claim the longest chain, and counts
// what is asked of it. It would answer the other protocols, too, under names that its identify does not show.
func TestOnlyListedProtocolsAreAsked(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 1}, func(t *testing.T, net *p2ptest.Net) {
		rules := net.Nodes[0].Chain.Rules()
		h, err := net.BareHost()
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		var mu sync.Mutex
		asked := make(map[protocol.ID]int)
		answer(h, rules, "status", func(s network.Stream, _ []byte) {
			mu.Lock()
			asked[s.Protocol()]++
			mu.Unlock()
			_, _ = s.Write(p2p.StatusFrame(rules.Genesis.Hash(), claimed, consensus.Hash{1}))
		})
		for _, name := range []string{"sync", "blocks", "pool", "peers"} {
			hidden := protocol.ID("/kuai/" + rules.Network() + "/" + name + "/1")
			h.SetStreamHandlerMatch(protocol.ID("/hidden/"+name), func(id protocol.ID) bool { return id == hidden }, func(s network.Stream) {
				mu.Lock()
				asked[hidden]++
				mu.Unlock()
				_ = s.Close()
			})
		}
		join(t, net, h, 0)
		net.Rest(3 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if len(asked) != 1 {
			t.Errorf("asked %v, want statuses alone", asked)
		}
	})
}

// TestMalformedPeerRecordIsPunished answers the peer exchange with bytes that are not a signed record.
func TestMalformedPeerRecordIsPunished(t *testing.T) {
	for name, raw := range map[string][]byte{
		"no record":        p2p.Frame([]byte("rubbish")),
		"too long":         p2p.Frame(make([]byte, 4097)),
		"a length too far": {0xff, 0xff, 0xff, 0xff, 0xff, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, p2ptest.Options{Nodes: 1}, func(t *testing.T, net *p2ptest.Net) {
				h, err := net.BareHost()
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				answer(h, net.Nodes[0].Chain.Rules(), "peers", func(s network.Stream, _ []byte) { _, _ = s.Write(raw) })
				join(t, net, h, 0)
				net.Await(10*time.Second, "the peer is refused", func() bool { return net.Nodes[0].Blamed()[h.ID().String()] != "" })
			})
		})
	}
}

// join connects a bare host with node i.
func join(t *testing.T, net *p2ptest.Net, h host.Host, i int) {
	t.Helper()
	at, err := peer.AddrInfoFromString(net.Nodes[i].Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), *at); err != nil {
		t.Fatal(err)
	}
}

// TestPeerThatResetsEveryStatusIsDisconnected lets a peer turn all statuses away: a reset does not count as an answer.
func TestPeerThatResetsEveryStatusIsDisconnected(t *testing.T) {
	for _, c := range []struct {
		name  string
		code  network.StreamErrorCode
		most  time.Duration
		asked int // at least
	}{
		{name: "for no reason", most: 20 * time.Second, asked: 3},
		{name: "as busy", code: network.StreamResourceLimitExceeded, most: 80 * time.Second, asked: 20},
		{name: "as asked too often", code: network.StreamRateLimited, most: 80 * time.Second, asked: 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, p2ptest.Options{Nodes: 1}, func(t *testing.T, net *p2ptest.Net) {
				h, err := net.BareHost()
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				var asked atomic.Int64
				h.SetStreamHandler(protocol.ID("/kuai/"+net.Nodes[0].Chain.Rules().Network()+"/status/1"), func(s network.Stream) {
					asked.Add(1)
					_ = s.ResetWithError(c.code)
				})
				gone := make(chan struct{}, 16) // it is dialled again some time
				h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { gone <- struct{}{} }})
				join(t, net, h, 0)
				net.Await(c.most, "the peer is disconnected", func() bool { return len(gone) > 0 })
				if n := asked.Load(); n < int64(c.asked) {
					t.Errorf("disconnected after %d statuses, want at least %d", n, c.asked)
				}
				if why := net.Nodes[0].Blamed()[h.ID().String()]; why != "" {
					t.Errorf("it is blamed, too: %s", why)
				}
			})
		})
	}
}
