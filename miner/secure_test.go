package miner_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/miner"
)

// openSecure returns a secure chain in memory, and a miner for carol on what around makes of it.
func openSecure(t *testing.T, around func(*chain.Chain) miner.Chain) (*chain.Chain, *miner.Miner) {
	t.Helper()
	c := chaintest.Open(t, chaintest.SecureRules())
	return c, miner.New(around(c), chaintest.Account("carol"), miner.Options{Cores: 2}, slog.New(slog.DiscardHandler))
}

// pend adds a payment to the pool.
func pend(t *testing.T, c *chain.Chain) consensus.Transaction {
	t.Helper()
	p := chaintest.Pay(c.Rules(), "alice", "bob", 1)
	if _, err := c.Submit(p, ""); err != nil {
		t.Fatal(err)
	}
	return p.Transaction()
}

// holds checks that b is the tip of c, meets its target, and holds these payments and carol's reward.
func holds(t *testing.T, c *chain.Chain, parent consensus.Header, b *consensus.Block, payments ...consensus.Transaction) {
	t.Helper()
	if err := c.Rules().CheckLink(parent, b); err != nil || c.Tip() != b.Header() {
		t.Errorf("mined %+v, the tip is %+v: %v", b.Header(), c.Tip(), err)
	}
	if got, want := b.Transactions(), append(payments, chaintest.Reward(c.Rules(), chaintest.Account("carol"))); !slices.Equal(got, want) {
		t.Errorf("the block holds %v, want %v", got, want)
	}
}

func TestSecureBlocks(t *testing.T) {
	c, m := openSecure(t, plain)
	for range 5 { // faster than the clock ticks, so that a time follows from the parent's
		parent, payment, before := c.Tip(), pend(t, c), time.Now()
		b, err := m.Mine(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		holds(t, c, parent, b, payment)
		if at := b.Header().Timestamp; at < float64(before.UnixNano())/1e9-1e-6 || at > float64(time.Now().UnixNano())/1e9+1e-6 {
			t.Errorf("the block's time is %v, not now", at)
		}
	}
	if s := m.Status(); s.Blocks != 5 || s.Expected <= 0 {
		t.Errorf("status %+v", s)
	}
}

// hardSecure is hard for a secure network.
type hardSecure struct {
	*chain.Chain
	easy atomic.Bool
}

func (h *hardSecure) Rules() *consensus.Rules {
	r := *h.Chain.Rules()
	if !h.easy.Load() {
		r.First, r.Easiest = consensus.Target{31: 1}, consensus.Target{31: 1}
	}
	return &r
}

// openHardSecure returns a secure chain whose search does not end until it starts anew with easy set, once it has begun.
func openHardSecure(t *testing.T) (*hardSecure, *miner.Miner, <-chan result) {
	t.Helper()
	h := new(hardSecure)
	_, m := openSecure(t, func(c *chain.Chain) miner.Chain { h.Chain = c; return h })
	done := mine(t.Context(), m)
	until(t, "a search", func() bool { return m.Status().Tries > 0 })
	h.easy.Store(true)
	return h, m, done
}

// A proof seals the payments, so the search for one starts anew when a payment comes.
func TestSecureSearchTakesNewPayments(t *testing.T) {
	h, m, done := openHardSecure(t)
	parent := h.Tip()
	payment := pend(t, h.Chain)
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	holds(t, h.Chain, parent, r.block, payment)
	if s := m.Status(); s.Stale != 0 || s.Blocks != 1 {
		t.Errorf("status %+v: a new draft is not a stale one", s)
	}
}

// It starts anew when time passes, too: the proof seals the block's time.
func TestSecureSearchFollowsTheClock(t *testing.T) {
	h, _, done := openHardSecure(t)
	began, parent := time.Now(), h.Tip()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	holds(t, h.Chain, parent, r.block)
	if at := r.block.Header().Timestamp; at < float64(began.UnixNano())/1e9 {
		t.Errorf("the block's time is %v, before the search was made easy", at)
	}
}

func TestSecureSearchFollowsTheTip(t *testing.T) {
	h, m, done := openHardSecure(t)
	other := chaintest.MineOn(t, h.Chain, 1)[0].Header()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	holds(t, h.Chain, other, r.block)
	if s := m.Status(); s.Stale != 1 || s.Blocks != 1 {
		t.Errorf("status %+v", s)
	}
}

// solve finds the nonce of a draft.
func solve(r *consensus.Rules, d consensus.Draft) (root consensus.Hash, nonce int64) {
	puzzle := r.Puzzle(d)
	for !puzzle.Solves(nonce) {
		nonce++
	}
	return puzzle.Root, nonce
}

func TestSecureWorkForMinersElsewhere(t *testing.T) {
	c, m := openSecure(t, plain)
	early := m.Work()
	payment := pend(t, c)
	var late consensus.Draft
	until(t, "work with the payment", func() bool { late = m.Work(); return len(late.Payments) == 1 })
	if again := m.Work(); again.Timestamp != late.Timestamp || late.Timestamp <= early.Timestamp {
		t.Errorf("work of %v, then of %v, then of %v", early.Timestamp, late.Timestamp, again.Timestamp)
	}
	root, nonce := solve(c.Rules(), late)
	var invalid *consensus.InvalidError
	wrong := nonce + 1
	for c.Rules().Puzzle(late).Solves(wrong) {
		wrong++
	}
	if _, err := m.Submit(late.Parent.Hash, root, wrong); !errors.As(err, &invalid) || invalid.Rule != consensus.RuleTarget {
		t.Errorf("a wrong nonce: %v", err)
	}
	if _, err := m.Submit(late.Parent.Hash, consensus.Hash{1}, nonce); !errors.Is(err, chain.ErrStale) {
		t.Errorf("an unknown root: %v", err)
	}
	if _, err := m.Submit(consensus.Hash{1}, root, nonce); !errors.Is(err, chain.ErrStale) {
		t.Errorf("an unknown parent: %v", err)
	}
	b, err := m.Submit(late.Parent.Hash, root, nonce)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, c, late.Parent, b, payment)
	root, nonce = solve(c.Rules(), early) // it was remembered, and its parent is not the tip any more
	if _, err := m.Submit(early.Parent.Hash, root, nonce); !errors.Is(err, chain.ErrStale) {
		t.Errorf("work on the block before: %v", err)
	}
}

// An earlier draft of the same tip still counts: a miner elsewhere need not ask for each payment.
func TestSecureWorkIsRemembered(t *testing.T) {
	c, m := openSecure(t, plain)
	early := m.Work()
	pend(t, c)
	until(t, "other work", func() bool { return len(m.Work().Payments) == 1 })
	root, nonce := solve(c.Rules(), early)
	b, err := m.Submit(early.Parent.Hash, root, nonce)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, c, early.Parent, b)
}

// untilToday is from a test bubble's time to some time after the chain's first block.
const untilToday = 30 * 365 * 24 * time.Hour

// shiftedClock is a clock that can be set wrong.
type shiftedClock struct{ by atomic.Int64 }

func (s *shiftedClock) now() time.Time { return time.Now().Add(time.Duration(s.by.Load())) }

// TestSecureMinerNeedsTheClock: if no block can follow the tip yet, no search begins, and the error says by how much the clock is behind.
func TestSecureMinerNeedsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := new(shiftedClock)
		clock.by.Store(int64(untilToday))
		c := chaintest.OpenAt(t, chaintest.SecureRules(), clock.now)
		log := new(lockedBuffer)
		m := miner.New(c, chaintest.Account("carol"), miner.Options{Cores: 1, Mode: miner.Manual}, slog.New(slog.NewTextHandler(log, nil)))
		if _, err := m.Mine(t.Context()); err != nil {
			t.Fatal(err)
		}
		work := m.Work()
		root, nonce := solve(c.Rules(), work)
		tip, tries := c.Tip(), m.Status().Total
		clock.by.Store(int64(untilToday - time.Hour))

		var behind *consensus.ClockError
		if _, err := m.Mine(t.Context()); !errors.As(err, &behind) || behind.Seconds() != 3600 || !errors.Is(err, consensus.ErrFuture) {
			t.Errorf("Mine: %v", err)
		}
		if _, err := m.Submit(work.Parent.Hash, root, nonce); !errors.As(err, &behind) {
			t.Errorf("Submit: %v", err)
		}
		if err := m.SetMode(miner.Instant); err != nil {
			t.Fatal(err)
		}
		pend(t, c)
		defer run(t, m)()
		time.Sleep(10 * time.Second)
		if said := log.String(); strings.Count(said, "level=WARN") != 1 || strings.Contains(said, "level=ERROR") || !strings.Contains(said, "3600 s behind the chain") {
			t.Errorf("the log says:\n%s", said)
		}
		if now := m.Status().Total; now != tries || c.Tip() != tip {
			t.Errorf("%d tries in vain", now-tries)
		}
		clock.by.Store(int64(untilToday))
		time.Sleep(2 * time.Second)
		if c.Tip().Index != tip.Index+1 {
			t.Error("mining does not resume once the clock is right")
		}
	})
}

// lockedBuffer is a buffer for a log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// The work that is handed out again for a moment lacks the newest payment, which must not keep it from being mined.
func TestSecureInstantMinesBesideWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := new(shiftedClock)
		clock.by.Store(int64(untilToday))
		c := chaintest.OpenAt(t, chaintest.SecureRules(), clock.now)
		m := miner.New(c, chaintest.Account("carol"), miner.Options{Cores: 1, Mode: miner.Instant}, slog.New(slog.DiscardHandler))
		m.Work()
		pend(t, c)
		defer run(t, m)()
		time.Sleep(time.Second)
		if c.Tip().Index != 2 {
			t.Error("the payment is not mined")
		}
	})
}
