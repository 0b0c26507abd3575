package miner

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain/consensus"
)

// still is a secure chain that stays as it is.
type still struct {
	Chain
	rules *consensus.Rules
}

func (s still) Rules() *consensus.Rules      { return s.rules }
func (s still) Tip() consensus.Header        { return s.rules.Genesis.Header() }
func (s still) PoolSize() (count, bytes int) { return 0, 0 }
func (s still) Now() time.Time               { return time.Now() }
func (s still) Draft(to string) consensus.Draft {
	return consensus.Draft{Parent: s.Tip(), Recipient: to}
}
func (w *works) roots() (roots []consensus.Hash) {
	for _, h := range w.list {
		roots = append(roots, h.root)
	}
	return roots
}

// TestWorksAreBounded: however long a tip stays and however often somebody asks, the newest works are remembered, and no more.
func TestWorksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := consensus.Dev()
		m := New(still{rules: r}, "12D3KooWPjrxd2vHyuSXgT6qFMgFpw6uKGqZcuA8yFptRDoVXo6K", Options{}, slog.New(slog.DiscardHandler))
		for range maxWorks + 10 {
			for range 3 {
				m.Work()
			}
			time.Sleep(draftAge)
		}
		last := m.Work()
		if n := len(m.works.roots()); n != maxWorks {
			t.Errorf("%d works are remembered, want %d", n, maxWorks)
		}
		if _, ok := m.works.find(last.Parent.Hash, r.Puzzle(last).Root); !ok {
			t.Error("the newest work is not remembered")
		}
	})
}
