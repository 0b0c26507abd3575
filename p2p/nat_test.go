package p2p_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
	"kuai/p2p/stream"
)

// TestReachOfAHomeNode: a node with private addresses only asks nobody, but answers others. Its dials for them
// do not count as peers.
func TestReachOfAHomeNode(t *testing.T) {
	r := chaintest.Rules()
	nat := func(cfg *p2p.Config) { cfg.NAT = true; cfg.LeaveRouters() }
	home, other, plain := runNode(t, r, nat), runNode(t, r, nat), runNode(t, r, nil)
	if got, want := plain.Reach(), (p2p.Reach{}); got != want {
		t.Errorf("a node that was not told to find out: %+v", got)
	}
	if got, want := home.Reach(), (p2p.Reach{Asked: true}); got != want {
		t.Errorf("a node at home: %+v", got)
	}
	if err := home.Connect(other.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the two list AutoNATv2", func() bool {
		list, err := home.Host().Peerstore().SupportsProtocols(other.Host().ID(), "/libp2p/autonat/2/dial-request")
		return err == nil && len(list) == 1
	})
	hosttest.Eventually(t, "the other knows it as one of the network", func() bool {
		list, err := other.Host().Peerstore().SupportsProtocols(home.Host().ID(), stream.ID(home.Net(), stream.Status))
		return err == nil && len(list) == 1
	})
}

// TestDialerIsNoPeer dials a node as another one does that tries its address. The log does not speak of a peer
// that came.
func TestDialerIsNoPeer(t *testing.T) {
	n, other := runNode(t, chaintest.Rules(), nil), runNode(t, chaintest.Rules(), nil)
	dialer, err := p2p.NewDialer(p2p.Config{}, peers.NewGater("", "", nil, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer dialer.Close()
	if err := dialer.Connect(t.Context(), peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()}); err != nil {
		t.Fatal(err)
	}
	if err := other.Connect(n.Addresses()[0]); err != nil { // behind whom the dialer came
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the peer is there", func() bool { return n.connectedTo(other) })
	time.Sleep(100 * time.Millisecond) // for what must not come
	if strings.Contains(n.log.String(), dialer.ID().String()) {
		t.Errorf("the log names the dialer: %s", n.log)
	}
}

// TestFullHubIsDialledBack: a hub with as many peers as it takes has one of them try its address. The dial back
// comes in, others do not.
func TestFullHubIsDialledBack(t *testing.T) {
	r := chaintest.Rules()
	nat := func(c *p2p.Config) { c.NAT = true; c.LeaveRouters(); c.CountPrivate() }
	hub := runNode(t, r, func(c *p2p.Config) { nat(c); c.TakePeers(1) })
	spoke := runNode(t, r, func(c *p2p.Config) { nat(c); c.Peers = hub.Addresses() })
	hosttest.Eventually(t, "the hub is full", func() bool { return hub.connectedTo(spoke) })
	hosttest.Eventually(t, "the hub is told that it can be dialled", func() bool {
		found := hub.Reach()
		return found.Reached && found.Witness == spoke.ID()
	})
	late := runNode(t, r, func(c *p2p.Config) { c.Peers = hub.Addresses(); c.DialNobody() })
	hosttest.Eventually(t, "another one is refused", func() bool { return strings.Contains(hub.log.String(), "a peer too many") })
	if hub.connectedTo(late) {
		t.Error("it is let in")
	}
}
