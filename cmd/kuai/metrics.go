package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"kuai/chain"
	"kuai/miner"
	"kuai/rpc/api"
)

// poolMetrics shows how full the pool is.
func poolMetrics(c *chain.Chain) []prometheus.Collector {
	gauge := func(name, help string, read func(count, bytes int) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read(c.PoolSize())) })
	}
	return []prometheus.Collector{
		gauge("kuai_pool_transactions", "Transactions that wait for a block.", func(count, _ int) int { return count }),
		gauge("kuai_pool_bytes", "Canonical bytes of the transactions that wait for a block.", func(_, bytes int) int { return bytes }),
	}
}

// paceMetrics shows how hard proofs are and how fast blocks come on a secure network.
func paceMetrics(pace func() *api.NodePace) []prometheus.Collector {
	gauge := func(name, help string, read func(api.NodePace) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return read(*pace()) })
	}
	return []prometheus.Collector{
		gauge("kuai_proof_tries", "Tries that the next proof takes in the mean, by the target.", func(p api.NodePace) float64 { return p.Tries }),
		gauge("kuai_block_time_seconds", "What a block takes by the schedule.", func(p api.NodePace) float64 { return float64(p.BlockSeconds) }),
		gauge("kuai_recent_block_seconds", "What the last blocks took in the mean, 20 at most; 0 before the third block.", func(p api.NodePace) float64 {
			if p.Recent == nil {
				return 0
			}
			return *p.Recent
		}),
	}
}

// miningMetrics shows what a miner counts itself.
func miningMetrics(m *miner.Miner) []prometheus.Collector {
	counter := func(name, help string, read func(miner.Status) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read(m.Status())) })
	}
	gauge := func(name, help string, read func(miner.Status) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return read(m.Status()) })
	}
	kernel := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kuai_mining_kernel_info", Help: "1; the label says which inner loop searches use on this processor.",
		ConstLabels: prometheus.Labels{"kernel": m.Status().Kernel},
	}, func() float64 { return 1 })
	return []prometheus.Collector{
		kernel,
		counter("kuai_mining_tries_total", "Proofs tried.", func(s miner.Status) uint64 { return s.Total }),
		counter("kuai_mining_blocks_total", "Blocks mined by this node, or with a proof submitted to it.", func(s miner.Status) uint64 { return s.Blocks }),
		counter("kuai_mining_stale_total", "Searches and blocks given up because another block came first.", func(s miner.Status) uint64 { return s.Stale }),
		gauge("kuai_mining_searching", "1 while a search runs.", func(s miner.Status) float64 {
			if s.Searching {
				return 1
			}
			return 0
		}),
		gauge("kuai_mining_tries_per_second", "Rate of recent searching, all cores together.", func(s miner.Status) float64 { return s.Rate }),
	}
}
