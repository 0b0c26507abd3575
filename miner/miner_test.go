package miner_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/miner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a chain in memory and a miner on what around makes of it.
func open(t *testing.T, around func(*chain.Chain) miner.Chain, mode miner.Mode) (*chain.Chain, *miner.Miner) {
	t.Helper()
	c := chaintest.Open(t, chaintest.Rules())
	m := miner.New(around(c), "me", miner.Options{Mode: mode, Cores: 2}, slog.New(slog.DiscardHandler))
	return c, m
}

func plain(c *chain.Chain) miner.Chain { return c }

// run starts m.Run and returns what ends it and waits.
func run(t *testing.T, m *miner.Miner) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// submit adds a fresh payment to the pool.
func submit(t *testing.T, c *chain.Chain) consensus.Transaction {
	t.Helper()
	payment := chaintest.Payment()
	if _, err := c.Submit(payment, ""); err != nil {
		t.Fatal(err)
	}
	return payment.Transaction()
}

func TestMineSealsThePendingPayments(t *testing.T) {
	c, m := open(t, plain, miner.Manual)
	parent := c.Tip()
	payments := []consensus.Transaction{submit(t, c), submit(t, c)}
	before := time.Now()
	b, err := m.Mine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Tip() != b.Header() || b.Header().Previous != parent.Hash || b.Header().Proof != chaintest.Proof(c.Rules(), parent) {
		t.Errorf("mined %+v, which is not the tip on %+v with the smallest proof", b.Header(), parent)
	}
	if got, want := b.Transactions(), append(payments, chaintest.Reward(c.Rules(), "me")); !slices.Equal(got, want) {
		t.Errorf("the block holds %v, want %v", got, want)
	}
	if at := b.Header().Timestamp; at < float64(before.UnixNano())/1e9 || at > float64(time.Now().UnixNano())/1e9 {
		t.Errorf("the block's time is %v, not now", at)
	}
	if s := m.Status(); s.Searching || s.Blocks != 1 || s.Total == 0 || s.Tries != s.Total || s.Rate <= 0 || s.Expected <= 0 {
		t.Errorf("status %+v", s)
	}
}

// hard is a chain whose miner searches without end, until easy is set and the search starts anew.
type hard struct {
	*chain.Chain
	easy atomic.Bool
}

func (h *hard) Rules() *consensus.Rules {
	r := *h.Chain.Rules()
	if !h.easy.Load() {
		r.Zeros = 16
	}
	return &r
}

// openHard returns a chain whose search does not end.
func openHard(t *testing.T) (*hard, *miner.Miner) {
	t.Helper()
	h := new(hard)
	_, m := open(t, func(c *chain.Chain) miner.Chain { h.Chain = c; return h }, miner.Manual)
	return h, m
}

// until waits for something that other goroutines bring about soon.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("waited a minute for ", what)
		}
	}
}

type result struct {
	block *consensus.Block
	err   error
}

// mine starts m.Mine.
func mine(ctx context.Context, m *miner.Miner) <-chan result {
	done := make(chan result, 1)
	go func() {
		b, err := m.Mine(ctx)
		done <- result{b, err}
	}()
	return done
}

// TestTimestampsAreOfTheChainsClock: a node whose clock is wrong stamps what it accepts itself.
func TestTimestampsAreOfTheChainsClock(t *testing.T) {
	ahead := time.Now().Add(3 * time.Hour).Truncate(time.Second)
	c := chaintest.OpenAt(t, chaintest.Rules(), func() time.Time { return ahead })
	m := miner.New(c, "me", miner.Options{Cores: 1}, slog.New(slog.DiscardHandler))
	b, err := m.Mine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Header().Timestamp; got != float64(ahead.Unix()) {
		t.Errorf("timestamp %v, not %v", got, ahead.Unix())
	}
}

func TestNewTipRestartsTheSearch(t *testing.T) {
	h, m := openHard(t)
	done := mine(t.Context(), m)
	until(t, "tries", func() bool { return m.Status().Tries > 0 })
	submit(t, h.Chain) // wakes, and the tip stays
	chaintest.MineOn(t, h.Chain, 1)
	until(t, "the second search", func() bool { s := m.Status(); return s.Stale == 1 && s.Searching && s.Tries > 0 })
	h.easy.Store(true)
	tip := chaintest.MineOn(t, h.Chain, 1)[0]
	if r := <-done; r.err != nil || r.block.Header().Previous != tip.Hash() {
		t.Errorf("got %v, %v, want a block on the newest tip", r.block, r.err)
	}
	if s := m.Status(); s.Stale != 2 || s.Blocks != 1 {
		t.Errorf("%d searches stale and %d blocks, want 2 and 1", s.Stale, s.Blocks)
	}
}

// beaten is a chain on which another block comes first, between search and seal or between seal and Add.
type beaten struct {
	*chain.Chain
	t             *testing.T
	before, after bool
}

func (b *beaten) Draft(recipient string) consensus.Draft {
	if b.before {
		b.before = false
		chaintest.MineOn(b.t, b.Chain, 1)
	}
	return b.Chain.Draft(recipient)
}

func (b *beaten) AddMined(block *consensus.Block) error {
	if b.after {
		b.after = false
		chaintest.MineOn(b.t, b.Chain, 1)
	}
	return b.Chain.AddMined(block)
}

func TestMineTriesAgainWhenBeaten(t *testing.T) {
	for _, where := range []beaten{{before: true}, {after: true}, {before: true, after: true}} {
		c, m := open(t, func(c *chain.Chain) miner.Chain {
			where.Chain, where.t = c, t
			return &where
		}, miner.Manual)
		b, err := m.Mine(t.Context())
		if err != nil || c.Tip().Hash != b.Hash() {
			t.Errorf("got %v, %v, want the tip", b, err)
		}
	}
}

func TestCallerWhoHangsUpEndsItsOwnSearch(t *testing.T) {
	h, m := openHard(t)
	gone := errors.New("the caller hung up")
	first, hangUp := context.WithCancelCause(t.Context())
	second, leave := context.WithCancelCause(t.Context())
	searching := mine(first, m)
	until(t, "the search", func() bool { return m.Status().Searching })
	waiting, third := mine(second, m), mine(t.Context(), m)
	leave(gone)
	if r := <-waiting; r.err != gone {
		t.Errorf("the one who waited got %v", r.err)
	}
	h.easy.Store(true)
	hangUp(gone)
	if r := <-searching; r.err != gone {
		t.Errorf("the one who searched got %v", r.err)
	}
	if r := <-third; r.err != nil {
		t.Errorf("the one who stayed got %v", r.err)
	}
}

func TestQueueIsBounded(t *testing.T) {
	h, m := openHard(t)
	var callers []<-chan result
	for range 1 + miner.MaxQueue {
		callers = append(callers, mine(t.Context(), m))
	}
	until(t, "the queue behind a hard search", func() bool { s := m.Status(); return s.Callers == len(callers) && s.Tries > 0 })
	if _, err := m.Mine(t.Context()); !errors.Is(err, miner.ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	h.easy.Store(true)
	chaintest.MineOn(t, h.Chain, 1)
	seen := map[consensus.Hash]bool{}
	for _, done := range callers {
		r := <-done
		if r.err != nil {
			t.Fatal(r.err)
		}
		seen[r.block.Hash()] = true
	}
	if index := h.Tip().Index; len(seen) != len(callers) || index != int64(2+len(callers)) {
		t.Errorf("%d callers got %d blocks, and the tip is %d", len(callers), len(seen), index)
	}
}

func TestManyCallersGetOneBlockEach(t *testing.T) {
	c, m := open(t, plain, miner.Manual)
	var blocks, busy atomic.Int64
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			switch b, err := m.Mine(t.Context()); {
			case err == nil:
				blocks.Add(1)
				if at, err := c.At(b.Index()); err != nil || at.Block.Hash() != b.Hash() {
					t.Errorf("block %d is not on the chain: %v", b.Index(), err)
				}
			case errors.Is(err, miner.ErrBusy):
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if blocks.Load()+busy.Load() != 64 || c.Tip().Index != 1+blocks.Load() {
		t.Errorf("%d blocks and %d refused of 64, tip %d", blocks.Load(), busy.Load(), c.Tip().Index)
	}
}

func TestSubmitSealsProofsFoundElsewhere(t *testing.T) {
	c, m := open(t, plain, miner.Manual)
	work := m.Work()
	proof := chaintest.Proof(c.Rules(), work.Parent)
	var invalid *consensus.InvalidError
	for wrong := range proof {
		if _, err := m.Submit(work.Parent.Hash, consensus.Hash{}, wrong); !errors.As(err, &invalid) {
			t.Errorf("a proof without the zeros: %v", err)
		}
	}
	payment := submit(t, c)
	b, err := m.Submit(work.Parent.Hash, consensus.Hash{}, proof)
	if err != nil || c.Tip().Hash != b.Hash() || b.Transactions()[0] != payment {
		t.Errorf("got %v, %v, want a tip with the payment", b, err)
	}
	if _, err := m.Submit(work.Parent.Hash, consensus.Hash{}, proof); !errors.Is(err, chain.ErrStale) {
		t.Errorf("the same again: %v", err)
	}
	if s := m.Status(); s.Blocks != 1 || s.Stale != 1 {
		t.Errorf("%d blocks and %d stale, want one of each", s.Blocks, s.Stale)
	}
}

func TestCoresCanBeChanged(t *testing.T) {
	_, m := open(t, plain, miner.Manual)
	for _, n := range []int{1, 2} {
		m.SetCores(n)
		if _, err := m.Mine(t.Context()); err != nil || m.Status().Cores != n {
			t.Errorf("%d cores, want %d: %v", m.Status().Cores, n, err)
		}
	}
	if m.SetCores(0); m.Status().Cores != runtime.GOMAXPROCS(0) {
		t.Errorf("0 stands for %d cores", m.Status().Cores)
	}
}

func TestProgressOfALongSearch(t *testing.T) {
	h, m := openHard(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := mine(ctx, m)
	until(t, "a rate", func() bool { s := m.Status(); return s.Rate > 0 && s.Tries > 0 })
	s := m.Status()
	if years := s.Expected.Hours() / 24 / 365; !s.Searching || s.Cores != 2 || years < 10 {
		t.Errorf("status %+v: 16^16 tries take longer than %.0f years", s, years)
	}
	cancel()
	<-done
	if s := m.Status(); s.Searching || s.Tries == 0 || h.Tip().Index != 1 {
		t.Errorf("status after the search: %+v", s)
	}
}
