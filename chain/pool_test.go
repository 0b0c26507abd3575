package chain_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

func submit(t testing.TB, c *chain.Chain, from string, n int) []consensus.Payment {
	t.Helper()
	ps := make([]consensus.Payment, n)
	for i := range ps {
		ps[i] = chaintest.Payment()
		if _, err := c.Submit(ps[i], from); err != nil {
			t.Fatalf("payment %d from %q: %v", i, from, err)
		}
	}
	return ps
}

func TestSubmit(t *testing.T) {
	c := openRestartable(t, chaintest.Rules())
	p := chaintest.Payment()
	if next, err := c.Submit(p, ""); err != nil || next != 2 {
		t.Errorf("the first payment goes to block %d, %v", next, err)
	}
	for range 2 {
		if _, err := c.Submit(p, "peer"); !errors.Is(err, chain.ErrKnown) {
			t.Errorf("pending, again: %v", err)
		}
		c.restart()
	}
	chaintest.MineOn(t, c.Chain, 1)
	if _, err := c.Submit(p, ""); !errors.Is(err, chain.ErrKnown) {
		t.Errorf("mined, again: %v", err)
	}
	if count, bytes := c.PoolSize(); count != 0 || bytes != 0 {
		t.Errorf("after all was mined the pool has %d and %d bytes", count, bytes)
	}
	if l, err := c.Transaction(p.ID()); err != nil || l.Pending || l.Transaction != p.Transaction() || l.Block != c.Tip() {
		t.Errorf("found as %+v, %v", l, err)
	}
	if _, err := c.Transaction(chain.NewID()); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("an id that is nowhere: %v", err)
	}
}

func TestPoolBounds(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	greedy := submit(t, c, "greedy", chain.MaxPoolTransactions/chain.PoolShare)
	if _, err := c.Submit(chaintest.Payment(), "greedy"); !errors.Is(err, chain.ErrPoolFull) {
		t.Errorf("one peer past its share: %v", err)
	}
	submit(t, c, "other", 1)
	submit(t, c, "", chain.MaxPoolTransactions-len(greedy)-1)
	if _, err := c.Submit(chaintest.Payment(), ""); !errors.Is(err, chain.ErrPoolFull) {
		t.Errorf("past the pool's count: %v", err)
	}
	if _, err := c.Submit(greedy[0], "x"); !errors.Is(err, chain.ErrKnown) {
		t.Errorf("pending already, while the pool is full: %v", err)
	}
	chaintest.MineOn(t, c, 1)
	submit(t, c, "greedy", 1)
}

func TestPoolBytes(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	fill := func(from string) (bytes int) {
		for {
			p := chaintest.Payment().Transaction()
			p.Sender, p.Recipient = strings.Repeat("s", 256), strings.Repeat("\u5757", 85) // escaped to 510 bytes
			if _, err := c.Submit(chaintest.Checked(p), from); errors.Is(err, chain.ErrPoolFull) {
				return bytes
			} else if err != nil {
				t.Fatal(err)
			}
			bytes += len(p.AppendCanonical(nil))
		}
	}
	if n := fill("greedy"); n > chain.MaxPoolBytes/chain.PoolShare || n < chain.MaxPoolBytes/chain.PoolShare-1000 {
		t.Errorf("one peer fills %d bytes", n)
	}
	fill("")
	if _, n := c.PoolSize(); n > chain.MaxPoolBytes || n < chain.MaxPoolBytes-1000 {
		t.Errorf("the full pool has %d bytes", n)
	}
}

func TestPoolExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openRestartable(t, chaintest.Rules())
		old := submit(t, c.Chain, "", 2)
		time.Sleep(chain.MaxPoolAge / 2)
		young := submit(t, c.Chain, "", 1)
		time.Sleep(chain.MaxPoolAge/2 - time.Second)
		if count, _ := c.PoolSize(); count != 3 {
			t.Errorf("a second before its time: %d pending", count)
		}
		time.Sleep(time.Second)
		for range 2 {
			count, _ := c.PoolSize()
			_, found := c.PendingByID(old[0].ID())
			if _, err := c.Transaction(old[0].ID()); count != 1 || found || !errors.Is(err, chain.ErrNotFound) {
				t.Errorf("a day later: %d pending, the old one found %v, %v", count, found, err)
			}
			if got := c.Pending(); !slices.Equal(got, young) || len(c.Draft("m").Payments) != 1 {
				t.Errorf("a day later are pending %v", got)
			}
			c.restart()
		}
		if _, err := c.Submit(old[0], "peer"); err != nil {
			t.Errorf("an expired payment that comes again: %v", err)
		}
		if count, _ := c.PoolSize(); count != 2 {
			t.Errorf("%d pending", count)
		}
	})
}

// TestExpiryIsTold while nothing else happens, once, and tells of no block.
func TestExpiryIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := chaintest.Open(t, chaintest.Rules())
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		old := submit(t, c, "", chain.MaxUnpaid+2)
		before := c.LastEvent()
		time.Sleep(chain.MaxPoolAge + time.Minute)
		events, _ := c.Events(before)
		if len(events) != 1 || events[0].Kind != chain.EventExpired || events[0].Header != c.Tip() || events[0].Unpaid.Count != len(old) || len(events[0].Unpaid.First) != chain.MaxUnpaid {
			t.Fatalf("a day later it tells %+v", events)
		}
		if first := events[0].Unpaid.First[0]; first.Payment != old[0] || first.Reason != chain.UnpaidExpired {
			t.Errorf("the first is %+v", first)
		}
		time.Sleep(chain.MaxPoolAge)
		if c.LastEvent() != events[0].Seq {
			t.Error("it is told again")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestDraftKeepsOrderAndLimits(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	r := c.Rules()
	all := submit(t, c, "", 2*r.MaxBlockTransactions)
	work := c.Draft("m")
	if n := len(work.Payments); !slices.Equal(work.Payments, all[:n]) || n > r.MaxBlockTransactions-1 {
		t.Errorf("%d were chosen, not the first ones", n)
	}
	for rest := len(all); rest > 0; {
		b := chaintest.MineOn(t, c, 1)[0]
		got := b.Transactions()
		n := len(got) - 1
		if !slices.Equal(got[:n], chaintest.Transactions(all[len(all)-rest:][:n]...)) {
			t.Fatal("a block does not hold the next payments in order")
		}
		full := n == r.MaxBlockTransactions-1 || len(b.Canonical())+200 > r.MaxBlockBytes
		if n < rest && !full {
			t.Fatalf("a block of %d bytes holds %d payments while %d wait", len(b.Canonical()), n, rest-n)
		}
		rest -= n
	}
}

// TestDraftFillsToTheByte: whatever the recipient, the block is within the limit, and the next payment would not have fitted.
func TestDraftFillsToTheByte(t *testing.T) {
	for _, recipient := range []string{"m", strings.Repeat("\u5757", 85)} {
		c := chaintest.Open(t, chaintest.Rules())
		for i := range 600 {
			p := chaintest.Payment().Transaction()
			p.Sender = strings.Repeat("s", 256)
			p.Recipient = fmt.Sprint(strings.Repeat("\u5757", 80), i%7)
			if _, err := c.Submit(chaintest.Checked(p), ""); err != nil {
				t.Fatal(err)
			}
		}
		work := c.Draft(recipient)
		b, err := c.Rules().NewBlock(work.Parent, 1<<53-1, 1700000000.1234567, append(chaintest.Transactions(work.Payments...), chaintest.Reward(c.Rules(), recipient)))
		if err != nil {
			t.Fatal(err)
		}
		next := c.Pending()[len(work.Payments)]
		room := c.Rules().MaxBlockBytes - len(b.Canonical())
		if need := len(next.Transaction().AppendCanonical(nil)) + len(", "); room >= need {
			t.Errorf("%d bytes are free, the next payment needs %d", room, need)
		}
	}
}

func TestPendingKeepsOrder(t *testing.T) {
	c := openRestartable(t, chaintest.Rules())
	all := submit(t, c.Chain, "a", 50)
	c.restart()
	all = append(all, submit(t, c.Chain, "b", 50)...)
	if got := c.Pending(); !slices.Equal(got, all) {
		t.Errorf("%d payments are pending, or not in order", len(got))
	}
}

// TestFullPoolLosesNothing: what a reorg returns finds room in a full pool, which then takes nothing else until it is within its
// bounds again.
func TestFullPoolLosesNothing(t *testing.T) {
	tree := chaintest.New(t)
	submitted := make(map[consensus.ID]bool)
	for range 3 {
		payments := make([]consensus.Transaction, 500)
		for i := range payments {
			payments[i] = chaintest.Payment().Transaction()
			submitted[payments[i].ID] = true
		}
		tree.Pay(payments...)
	}
	tree.Fork(3).Mine(4)
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, tree.Blocks()[:3])
	for _, p := range submit(t, c.Chain, "", chain.MaxPoolTransactions) {
		submitted[p.ID()] = true
	}
	addAll(t, c.Chain, tree.Blocks()[3:])
	if c.Tip() != tree.Tip() {
		t.Fatal("no switch")
	}
	for range 2 {
		if n, _ := c.PoolSize(); n != chain.MaxPoolTransactions+1500 {
			t.Errorf("%d pending", n)
		}
		if _, err := c.Submit(chaintest.Payment(), ""); !errors.Is(err, chain.ErrPoolFull) {
			t.Errorf("past the bounds: %v", err)
		}
		conserved(t, c.Chain, submitted)
		c.restart()
	}
	chaintest.MineOn(t, c.Chain, 1)
	conserved(t, c.Chain, submitted)
	if l, err := c.Transaction(tree.Blocks()[0].Transactions()[0].ID); err != nil || l.Block != c.Tip() {
		t.Errorf("the first returned payment is not in the next block: %+v, %v", l, err)
	}
	sound(t, c.Chain)
}

// unpaid returns what the newest event says is dropped for good: the payments, and why.
func unpaid(t *testing.T, c *chain.Chain) map[consensus.Payment]chain.UnpaidReason {
	t.Helper()
	events, _ := c.Events(c.LastEvent() - 1)
	all := make(map[consensus.Payment]chain.UnpaidReason)
	for _, u := range events[0].Unpaid.First {
		all[u.Payment] = u.Reason
	}
	return all
}

// TestConflictIsTold: a block with another payment of a pending payment's id drops that one for good, and its event says so.
func TestConflictIsTold(t *testing.T) {
	for _, r := range []*consensus.Rules{chaintest.Rules(), chaintest.SecureRules()} {
		c := openRestartable(t, r)
		twice, once := chaintest.PaymentOn(r), chaintest.PaymentOn(r)
		for _, p := range []consensus.Payment{twice, once} {
			if _, err := c.Submit(p, "peer"); err != nil {
				t.Fatal(err)
			}
		}
		addAll(t, c.Chain, []*consensus.Block{chaintest.Block(t, r, c.Tip(), "miner", once.Transaction(), otherWithID(r, twice))})
		if got, want := unpaid(t, c.Chain), map[consensus.Payment]chain.UnpaidReason{twice: chain.UnpaidConflict}; !maps.Equal(got, want) {
			t.Errorf("dropped: %v, want %v", got, want)
		}
		if count, _ := c.PoolSize(); count != 0 {
			t.Errorf("%d are pending", count)
		}
		sound(t, c.Chain)
	}
}

// otherWithID returns another payment with the id of p.
func otherWithID(r *consensus.Rules, p consensus.Payment) consensus.Transaction {
	t := p.Transaction()
	t.Amount = "7"
	if r.IsSecure() {
		return chaintest.Sign(r, "alice", t)
	}
	return t
}

// TestUnpaidIsBounded: a reorg that makes more payments impossible than an event names counts them all.
func TestUnpaidIsBounded(t *testing.T) {
	r := chaintest.Rules()
	var mined, others []consensus.Transaction
	for range 2 * chain.MaxUnpaid {
		p := chaintest.Payment()
		mined, others = append(mined, p.Transaction()), append(others, otherWithID(r, p))
	}
	tree := chaintest.New(t).Pay(mined...).Fork(1).Pay(others...).Mine(1)
	c := openRestartable(t, r)
	addAll(t, c.Chain, tree.Blocks())
	events, _ := c.Events(c.LastEvent() - 1)
	if u := events[0].Unpaid; events[0].Kind != chain.EventReorg || u.Count != 2*chain.MaxUnpaid || len(u.First) != chain.MaxUnpaid {
		t.Errorf("%d are counted and %d named", u.Count, len(u.First))
	}
	sound(t, c.Chain)
}

// TestConflictInReorg: a branch that replaces the active one may hold other payments with the ids of those that were pending or mined.
func TestConflictInReorg(t *testing.T) {
	r := chaintest.Rules()
	mined, atTip, same, waiting := chaintest.Payment(), chaintest.Payment(), chaintest.Payment(), chaintest.Payment()
	tree := chaintest.New(t).Pay(mined.Transaction(), atTip.Transaction(), same.Transaction()).Fork(1).
		Pay(otherWithID(r, mined), same.Transaction(), otherWithID(r, waiting)).Pay(otherWithID(r, atTip))
	c := openRestartable(t, r)
	addAll(t, c.Chain, tree.Blocks()[:1])
	if _, err := c.Submit(waiting, "peer"); err != nil {
		t.Fatal(err)
	}
	addAll(t, c.Chain, tree.Blocks()[1:])
	if got, want := unpaid(t, c.Chain), map[consensus.Payment]chain.UnpaidReason{mined: chain.UnpaidConflict, atTip: chain.UnpaidConflict, waiting: chain.UnpaidConflict}; !maps.Equal(got, want) {
		t.Errorf("dropped: %v, want %v", got, want)
	}
	if count, _ := c.PoolSize(); count != 0 {
		t.Errorf("%d are pending", count)
	}
	sound(t, c.Chain)
}
