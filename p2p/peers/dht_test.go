package peers

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/hosttest"
)

// TestDHTTakesNoSlots lets queries of the DHT dial more peers than there are outbound slots: static ones stay, others
// as far as there are slots. The number of its dials is bounded.
func TestDHTTakesNoSlots(t *testing.T) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	log := &hosttest.Log{}
	table := New(h, NewGater(h.ID(), "", nil, log.Logger()), Config{Network: "test", Outbound: 2}, log.Logger())
	d := &dhtHost{Host: h, t: table, dialled: make(map[peer.ID]struct{})}
	others := []host.Host{hosttest.New(t), hosttest.New(t), hosttest.New(t), hosttest.New(t)}
	static := others[0]
	if err := table.Connect(fmt.Sprintf("%s/p2p/%s", static.Addrs()[0], static.ID())); err != nil {
		t.Fatal(err)
	}
	for _, o := range others {
		if err := d.Connect(t.Context(), peer.AddrInfo{ID: o.ID(), Addrs: o.Addrs()}); err != nil {
			t.Fatal(err)
		}
	}
	if n := table.outbound(); n != len(others) {
		t.Fatalf("%d of %d peers were dialled", n, len(others))
	}
	d.closeSurplus()
	hosttest.Eventually(t, "surplus connections are closed", func() bool { return table.outbound() == table.wantOutbound })
	if !table.isConnected(static.ID()) {
		t.Error("the static peer was disconnected")
	}
	for i := range dhtDials + 1 {
		if took := d.take(peer.ID(fmt.Sprint(i))); took != (i < dhtDials) {
			t.Errorf("dial %d: %v", i, took)
		}
	}
	one := hosttest.New(t)
	if err := d.Connect(t.Context(), peer.AddrInfo{ID: one.ID(), Addrs: one.Addrs()}); err == nil || table.isConnected(one.ID()) {
		t.Errorf("one dial too many: %v", err)
	}
}
