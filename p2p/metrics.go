package p2p

import (
	"errors"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/prometheus/client_golang/prometheus"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/gossip"
)

// metrics are the metrics of a node. Without a registerer they are not exported.
type metrics struct {
	messages    *prometheus.CounterVec // by outcome and topic
	rejected    *prometheus.CounterVec // by reason
	dropped     prometheus.Counter     // RPCs, for a full queue
	orphans     prometheus.Counter
	reorgs      prometheus.Counter
	depth       prometheus.Histogram
	propagation prometheus.Histogram
	syncs       *prometheus.CounterVec // by result
}

// newMetrics registers the metrics with reg, unless it is nil.
func newMetrics(reg prometheus.Registerer, h host.Host, c *chain.Chain) (*metrics, error) {
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kuai_gossip_messages_total",
			Help: "Messages by what became of them."}, []string{"outcome", "topic"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kuai_gossip_rejected_total",
			Help: "Messages not passed on, by reason."}, []string{"reason"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "kuai_gossip_dropped_rpcs_total",
			Help: "Sendings dropped because a peer's queue was full."}),
		orphans: prometheus.NewCounter(prometheus.CounterOpts{Name: "kuai_gossip_orphans_total",
			Help: "Blocks heard before their parent."}),
		reorgs: prometheus.NewCounter(prometheus.CounterOpts{Name: "kuai_reorgs_total", Help: "Switches to another branch."}),
		depth: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "kuai_reorg_depth_blocks",
			Help: "Blocks that a reorg dropped.", Buckets: prometheus.ExponentialBuckets(1, 4, 8)}),
		propagation: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "kuai_block_propagation_seconds",
			Help: "From a block's timestamp to its arrival by gossip; wrong where clocks are.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}),
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kuai_syncs_total",
			Help: "Syncs by result: adopted, part (adopted until a fault), nothing (new), failed."}, []string{"result"}),
	}
	m.begin()
	return m, m.register(reg, h, c)
}

// begin exports all counters as 0, so that their first increment is visible as a change.
func (m *metrics) begin() {
	for _, outcome := range []string{"published", "delivered", "duplicate", "undeliverable"} {
		m.messages.WithLabelValues(outcome, "block")
		m.messages.WithLabelValues(outcome, "transaction")
	}
	for _, reason := range []string{pubsub.RejectValidationFailed, pubsub.RejectValidationIgnored, gossip.AboveRate} {
		m.rejected.WithLabelValues(reason)
	}
	for _, result := range []string{"adopted", "part", "nothing", "failed"} {
		m.syncs.WithLabelValues(result)
	}
}

func (m *metrics) register(reg prometheus.Registerer, h host.Host, c *chain.Chain) error {
	if reg == nil {
		return nil
	}
	all := []prometheus.Collector{m.messages, m.rejected, m.dropped, m.orphans, m.reorgs, m.depth, m.propagation, m.syncs,
		heightOf(c), peersBy(h, network.DirInbound, "inbound"), peersBy(h, network.DirOutbound, "outbound")}
	var errs error
	for _, c := range all {
		errs = errors.Join(errs, reg.Register(c))
	}
	return errs
}

// peersBy counts peers, not connections: simultaneous dials leave two. A peer counts by its oldest connection.
func peersBy(h host.Host, dir network.Direction, name string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kuai_peers", Help: "Connected peers by who dialled.",
		ConstLabels: prometheus.Labels{"direction": name}}, func() float64 {
		n := 0
		for _, p := range h.Network().Peers() {
			if conns := h.Network().ConnsToPeer(p); len(conns) > 0 && conns[0].Stat().Direction == dir {
				n++
			}
		}
		return float64(n)
	})
}

func heightOf(c *chain.Chain) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kuai_tip_height", Help: "Index of the tip."},
		func() float64 { return float64(c.Tip().Index) })
}

// Happened counts a chain event.
func (m *metrics) Happened(e chain.Event) {
	if e.Kind == chain.EventReorg {
		m.reorgs.Inc()
		m.depth.Observe(float64(e.Dropped))
	}
}

// synced counts a sync by its result: whether it moved the tip, and its error.
func (m *metrics) synced(moved bool, err error) {
	result := "adopted"
	switch {
	case moved && err != nil:
		result = "part"
	case err != nil:
		result = "failed"
	case !moved:
		result = "nothing"
	}
	m.syncs.WithLabelValues(result).Inc()
}

// Arrived observes the age of b.
func (m *metrics) Arrived(b *consensus.Block) {
	now := float64(time.Now().UnixMicro()) / 1e6
	m.propagation.Observe(max(0, now-b.Header().Timestamp))
}

// Message counts a message by outcome and topic.
func (m *metrics) Message(outcome, topic string) { m.messages.WithLabelValues(outcome, topic).Inc() }

// Rejected counts a message that was not relayed.
func (m *metrics) Rejected(reason string) { m.rejected.WithLabelValues(reason).Inc() }

// Dropped counts an RPC that a full queue dropped.
func (m *metrics) Dropped() { m.dropped.Inc() }

// Orphan counts a block that arrived before its parent.
func (m *metrics) Orphan() { m.orphans.Inc() }
