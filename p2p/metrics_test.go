package p2p_test

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// sample returns a metric's value, the labels' values given in order of their names; 0 if it was never counted.
func sample(t *testing.T, reg prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			same := len(m.GetLabel()) == len(labels)
			for i, l := range m.GetLabel() {
				same = same && l.GetValue() == labels[i]
			}
			if same {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

func TestWhatTheOperatorSees(t *testing.T) {
	r := chaintest.Rules()
	regA, regB := prometheus.NewRegistry(), prometheus.NewRegistry()
	a := runNode(t, r, func(c *p2p.Config) { c.Registerer = regA })
	b := runNode(t, r, func(c *p2p.Config) { c.Registerer = regB })
	chaintest.MineOn(t, a.c, 3)
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
	if _, err := a.c.Submit(chaintest.Payment(), ""); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "a block arrives by gossip", func() bool { // the first ones may come by sync
		mined := chaintest.MineOn(t, a.c, 1)[0]
		hosttest.Eventually(t, "the block arrives", func() bool { return b.c.Tip().Hash == mined.Hash() })
		return sample(t, regB, "kuai_block_propagation_seconds") > 0
	})
	for _, c := range []struct {
		reg    *prometheus.Registry
		name   string
		labels []string
	}{
		{regA, "kuai_gossip_messages_total", []string{"published", "block"}},
		{regA, "kuai_gossip_messages_total", []string{"published", "transaction"}},
		{regB, "kuai_gossip_messages_total", []string{"delivered", "block"}},
		{regB, "kuai_block_propagation_seconds", nil},
		{regB, "kuai_syncs_total", []string{"adopted"}},
		{regA, "kuai_peers", []string{"inbound"}},
		{regB, "kuai_peers", []string{"outbound"}},
	} {
		hosttest.Eventually(t, c.name, func() bool { return sample(t, c.reg, c.name, c.labels...) >= 1 })
	}
	hosttest.Eventually(t, "the height is shown", func() bool {
		height := float64(a.c.Tip().Index)
		return sample(t, regA, "kuai_tip_height") == height && sample(t, regB, "kuai_tip_height") == height
	})
	if sample(t, regA, "kuai_peers", "outbound") != 0 {
		t.Error("an inbound peer counts as outbound")
	}
}

func TestWhatHappensBeforeRunIsPublished(t *testing.T) {
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	reg, c := prometheus.NewRegistry(), chaintest.Open(t, chaintest.Rules())
	n, err := p2p.New(p2p.Config{Identity: key, Registerer: reg}, c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(chaintest.Payment(), ""); err != nil {
		t.Fatal(err)
	}
	running(t, n)
	hosttest.Eventually(t, "the payment is published", func() bool {
		return sample(t, reg, "kuai_gossip_messages_total", "published", "transaction") == 1
	})
}

func TestResultsOfSyncs(t *testing.T) {
	reg := prometheus.NewRegistry()
	a := runNode(t, chaintest.Rules(), func(c *p2p.Config) { c.Registerer = reg })
	fault := errors.New("a fault")
	for i, c := range []struct {
		moved  bool
		err    error
		result string
	}{{true, nil, "adopted"}, {true, fault, "part"}, {false, nil, "nothing"}, {false, fault, "failed"}} {
		a.Synced(c.moved, c.err)
		if got := sample(t, reg, "kuai_syncs_total", c.result); got != 1 {
			t.Errorf("case %d: %v syncs with result %s, want 1", i, got, c.result)
		}
	}
}
