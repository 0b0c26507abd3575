package chain_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
	"kuai/chain/wallet"
)

// has checks what an account has, and how much of that it can spend.
func has(t *testing.T, c *chain.Chain, name string, confirmed, spendable int64) {
	t.Helper()
	got, free, err := c.Balance(wallet.DevelopmentKey(name).Address())
	if err != nil || got != confirmed || free != spendable {
		t.Errorf("%s has %d and can spend %d, %v; want %d and %d", name, got, free, err, confirmed, spendable)
	}
}

// submitted hands c a payment as a peer does.
func submitted(t *testing.T, c *chain.Chain, from, to string, amount int64) consensus.Payment {
	t.Helper()
	p := chaintest.Pay(c.Rules(), from, to, amount)
	if _, err := c.Submit(p, "peer"); err != nil {
		t.Fatalf("%d from %s to %s: %v", amount, from, to, err)
	}
	return p
}

func TestSecurePaymentIsMined(t *testing.T) {
	r := chaintest.SecureRules()
	c := chaintest.Open(t, r)
	has(t, c, "alice", 1000, 1000)
	submitted(t, c, "alice", "bob", 600)
	has(t, c, "alice", 1000, 400)
	if _, err := c.Submit(chaintest.Pay(r, "alice", "carol", 401), "peer"); !errors.Is(err, chain.ErrFunds) {
		t.Errorf("more than is left: %v", err)
	}
	if _, err := c.Pay(chaintest.Pay(r, "alice", "carol", 400)); err != nil {
		t.Fatal(err)
	}
	b := chaintest.MineOn(t, c, 1)[0]
	has(t, c, "alice", 0, 0)
	has(t, c, "bob", 1600, 1600)
	has(t, c, "carol", 1400, 1400)
	has(t, c, "miner", 1, 1)
	if n, _ := c.PoolSize(); n != 0 || len(b.Transactions()) != 3 {
		t.Errorf("%d pending, %d in the block", n, len(b.Transactions()))
	}
	if s := c.State(); s.Work.Compare(consensus.Work{}) <= 0 {
		t.Errorf("work %s", s.Work)
	}
	sound(t, c)
}

// uncovered is a tree whose trunk has 10 blocks, and whose branch of 25, with more work, pays in its second block what nobody has.
func uncovered(t *testing.T) (tree *chaintest.Builder, trunk, branch []*consensus.Block) {
	tree = chaintest.NewSecure(t).Paying().Mine(10)
	trunk = tree.Branch()
	tree.Fork(8).Mine(1).Pay(chaintest.Signed(tree.Rules(), "dave", "erin", 1001)).Mine(24)
	return tree, trunk, tree.Blocks()[len(trunk):]
}

// TestUncoveredBranch: a branch with more work whose payments do not add up is refused when it would win, stays refused, and is dropped.
func TestUncoveredBranch(t *testing.T) {
	tree, trunk, branch := uncovered(t)
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, trunk)
	tip := c.Tip()
	first := -1
	for i, b := range branch {
		if _, err := c.Add(b, "peer"); err != nil {
			if refusal(err) != consensus.RuleParentInvalid {
				t.Fatal(err)
			}
			first = i
			break
		}
	}
	if first < 8 || c.Tip() != tip {
		t.Fatalf("refused from block %d of the branch on, the tip is %d", first, c.Tip().Index)
	}
	has(t, c.Chain, "dave", 1000, 1000)
	run, _, err := tree.Rules().LinkBlocks(branch[first:])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddBlocks(run, "peer"); refusal(err) != consensus.RuleParentInvalid {
		t.Errorf("the rest of the branch: %v", err)
	}
	other := chaintest.Block(t, tree.Rules(), branch[first-1].Header(), "gina")
	if _, err := c.Add(other, "peer"); refusal(err) != consensus.RuleParentInvalid {
		t.Errorf("another block on it: %v", err)
	}
	if err := c.Trim(); err != nil {
		t.Fatal(err)
	}
	if !c.Has(branch[0].Hash()) || countHeld(c.Chain, branch) != 1 {
		t.Errorf("%d blocks of the branch are held; its first is covered", countHeld(c.Chain, branch))
	}
	if _, err := c.Add(branch[1], "peer"); refusal(err) != consensus.RuleBalance {
		t.Errorf("the block that pays too much, again: %v", err)
	}
	sound(t, c.Chain)
	c.restart()
	if _, err := c.Add(branch[1], "peer"); err != nil { // not remembered: balances are checked when the branch would win
		t.Errorf("after a restart: %v", err)
	}
	valid := chaintest.NewOn(t, tree.Rules()).Mine(12).Branch()
	addAll(t, c.Chain, valid)
	if c.Tip() != valid[11].Header() {
		t.Errorf("the tip is %d", c.Tip().Index)
	}
	has(t, c.Chain, "alice", 1000, 990) // ten payments of the trunk are pending again
	sound(t, c.Chain)
}

// TestUncoveredBranchInRuns is the same for pages of a sync.
func TestUncoveredBranchInRuns(t *testing.T) {
	tree, trunk, branch := uncovered(t)
	c := chaintest.Open(t, tree.Rules())
	addAll(t, c, trunk)
	run, _, err := tree.Rules().ParseBlocks(chaintest.Raws(branch))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddBlocks(run, "peer"); refusal(err) != consensus.RuleParentInvalid {
		t.Errorf("refused with %v", err)
	}
	if c.Tip() != trunk[9].Header() {
		t.Errorf("the tip is %d", c.Tip().Index)
	}
	ontop := chaintest.Block(t, tree.Rules(), c.Tip(), "miner", chaintest.Signed(tree.Rules(), "dave", "erin", 1000))
	bad := chaintest.Block(t, tree.Rules(), ontop.Header(), "miner", chaintest.Signed(tree.Rules(), "dave", "erin", 1))
	run, _, err = tree.Rules().ParseBlocks([][]byte{ontop.Canonical(), bad.Canonical()})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.AddBlocks(run, "peer"); n != 1 || refusal(err) != consensus.RuleBalance {
		t.Errorf("%d blocks were added, %v", n, err)
	}
	has(t, c, "erin", 2000, 2000)
	sound(t, c)
}

// TestUnsignedRunStopsAtTheFault: blocks that were read one by one, as from a Flask node, are taken up to the first bad signature.
func TestUnsignedRunStopsAtTheFault(t *testing.T) {
	tree := chaintest.NewSecure(t).Paying().Mine(20)
	r := tree.Rules()
	forged := chaintest.Signed(r, "alice", "bob", 5)
	forged.Signature[5] ^= 1
	blocks := tree.Pay(forged).Mine(3).Branch()
	c := chaintest.Open(t, r)
	run, _, err := r.LinkBlocks(blocks)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{20, 0} { // the second time all before it are known
		if n, err := c.AddBlocks(run, "peer"); n != want || refusal(err) != consensus.RuleSignature {
			t.Errorf("%d blocks were added, want %d: %v", n, want, err)
		}
	}
	if _, n, err := r.ParseBlocks(chaintest.Raws(blocks)); n != 20 || refusal(err) != consensus.RuleSignature {
		t.Errorf("a page is valid up to %d: %v", n, err)
	}
}

// TestBlockLeavesPaymentsUncovered: what is pending leaves when its sender pays elsewhere, the last first.
func TestBlockLeavesPaymentsUncovered(t *testing.T) {
	r := chaintest.SecureRules()
	c := openRestartable(t, r)
	first, second := submitted(t, c.Chain, "alice", "bob", 300), submitted(t, c.Chain, "alice", "bob", 300)
	third, other := submitted(t, c.Chain, "alice", "bob", 100), submitted(t, c.Chain, "carol", "bob", 1000)
	addAll(t, c.Chain, []*consensus.Block{chaintest.Block(t, r, c.Tip(), "miner", chaintest.Signed(r, "alice", "dave", 500))})
	for p, want := range map[consensus.Payment]bool{first: true, second: false, third: true, other: true} {
		if _, ok := c.PendingByID(p.ID()); ok != want {
			t.Errorf("%s is pending: %t", p.Canonical(), ok)
		}
	}
	has(t, c.Chain, "alice", 500, 100)
	c.restart()
	if ids := chaintest.PendingIDs(c.Chain); len(ids) != 3 {
		t.Errorf("%d are pending after a restart", len(ids))
	}
	has(t, c.Chain, "alice", 500, 100)
	chaintest.MineOn(t, c.Chain, 1)
	has(t, c.Chain, "alice", 100, 100)
	has(t, c.Chain, "bob", 2400, 2400)
	sound(t, c.Chain)
}

// TestReorgReturnsWhatCanBePaid: payments of the dropped branch are pending again if the new branch covers them.
func TestReorgReturnsWhatCanBePaid(t *testing.T) {
	r := chaintest.SecureRules()
	rich, poor := chaintest.Pay(r, "fred", "bob", 1), chaintest.Pay(r, "alice", "bob", 700)
	again, both := chaintest.Pay(r, "carol", "bob", 10), chaintest.Pay(r, "dave", "bob", 20)
	tree := chaintest.NewOn(t, r)
	c := openRestartable(t, r)
	b := chaintest.Block(t, r, c.Tip(), "fred")
	addAll(t, c.Chain, []*consensus.Block{b, chaintest.Block(t, r, b.Header(), "miner", chaintest.Transactions(rich, poor, again, both)...)})
	has(t, c.Chain, "bob", 1731, 1731)
	waiting := submitted(t, c.Chain, "bob", "erin", 1700)
	tree.Pay(chaintest.Signed(r, "alice", "gina", 400), both.Transaction()).Mine(2)
	addAll(t, c.Chain, tree.Branch())
	if c.Tip() != tree.Tip() {
		t.Fatal("no switch")
	}
	for p, want := range map[consensus.Payment]bool{
		rich:    false, // the reward that it spends is gone
		poor:    false, // alice has 600
		again:   true,
		both:    false, // mined
		waiting: false, // bob has 1020
	} {
		if _, ok := c.PendingByID(p.ID()); ok != want {
			t.Errorf("%s is pending: %t", p.Canonical(), ok)
		}
	}
	events, _ := c.Events(c.LastEvent() - 1)
	if e := events[0]; e.Kind != chain.EventReorg || e.Returned != 1 || e.Unpaid.Count != 3 { // rich, poor and waiting
		t.Errorf("the event tells of %d returned and %d unpaid payments, want 1 and 3", e.Returned, e.Unpaid.Count)
	}
	side, err := c.SideBlock(poor.ID())
	if err != nil || side.Index != 3 {
		t.Errorf("the dropped payment is in the side block %+v, %v", side, err)
	}
	if _, err := c.SideBlock(waiting.ID()); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("a side block holds what was never mined: %v", err)
	}
	has(t, c.Chain, "bob", 1020, 1020)
	has(t, c.Chain, "carol", 1000, 990)
	has(t, c.Chain, "fred", 0, 0)
	sound(t, c.Chain)
	c.restart()
	has(t, c.Chain, "carol", 1000, 990)
	chaintest.MineOn(t, c.Chain, 1)
	has(t, c.Chain, "carol", 990, 990)
	sound(t, c.Chain)
}

// TestUncoveredAtABlock: a block that spends what a pending payment needs drops that one, and its event says so.
func TestUncoveredAtABlock(t *testing.T) {
	r := chaintest.SecureRules()
	c := chaintest.Open(t, r)
	large, small := submitted(t, c, "alice", "bob", 600), submitted(t, c, "alice", "carol", 300)
	addAll(t, c, []*consensus.Block{chaintest.Block(t, r, c.Tip(), "miner", chaintest.Signed(r, "alice", "gina", 500))})
	if got, want := unpaid(t, c), map[consensus.Payment]chain.UnpaidReason{large: chain.UnpaidFunds}; !maps.Equal(got, want) {
		t.Errorf("dropped: %v, want %v", got, want)
	}
	if _, ok := c.PendingByID(small.ID()); !ok {
		t.Error("what can still be paid is not pending")
	}
	chaintest.MineOn(t, c, 1)
	if got := unpaid(t, c); len(got) != 0 {
		t.Errorf("a block that drops nothing tells of %v", got)
	}
}

// TestSecureAddresses: the index of addresses knows the endowments of the genesis block.
func TestSecureAddresses(t *testing.T) {
	r := chaintest.SecureRules()
	c := chaintest.Open(t, r)
	addAll(t, c, []*consensus.Block{chaintest.Block(t, r, c.Tip(), "miner", chaintest.Signed(r, "alice", "bob", 5))})
	for name, want := range map[string]string{"alice": "995", "bob": "1005", "carol": "1000", "miner": "1", "gina": "0"} {
		a, err := c.Address(chaintest.Account(name), chain.Spot{}, 10)
		if err != nil || a.Balance != want {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if name == "alice" && (len(a.Entries) != 2 || !a.Entries[0].Transaction.HasSignature || a.Entries[1].Block != r.Genesis.Header()) {
			t.Errorf("alice's transactions: %+v", a.Entries)
		}
	}
	if _, err := c.Address("alice", chain.Spot{}, 10); refusal(err) != consensus.RuleRecipient {
		t.Errorf("a name: %v", err)
	}
}

// TestVerifyFindsWrongMoney: one mistake in what secure networks keep is enough.
func TestVerifyFindsWrongMoney(t *testing.T) {
	tree := chaintest.NewSecure(t).Paying().Mine(3)
	alice := wallet.DevelopmentKey("alice").Address()
	for name, c := range map[string]struct {
		spoil func(b *store.Batch)
		want  string
	}{
		"more":         {func(b *store.Batch) { b.SetBalance(alice, 998) }, "has 998, its payments leave 997"},
		"nothing":      {func(b *store.Batch) { b.SetBalance(alice, 0) }, "6 accounts have something, 5 are kept"},
		"of nobody":    {func(b *store.Batch) { b.SetBalance(consensus.Address{1}, 1) }, "has 1, its payments leave 0"},
		"another work": {func(b *store.Batch) { b.SetWork(store.Position{Index: 3}, [32]byte{31: 7}) }, "block 3: its chain has the work 32, its record says 7"},
		"no work":      {func(b *store.Batch) { b.DeleteWork(store.Position{Index: 3}) }, "block 3 of branch 0 has no work"},
	} {
		r := openRestartable(t, tree.Rules())
		addRuns(t, r.Chain, tree.Blocks())
		sound(t, r.Chain)
		r.put(c.spoil)
		if err := r.Verify(t.Context(), nil); !errors.Is(err, chain.ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecureDraft: a draft's time is later than the tip's, also if the tip's is ahead of the clock.
func TestSecureDraft(t *testing.T) {
	r := chaintest.SecureRules()
	now := time.Unix(1_800_000_000, 250e6)
	c := chaintest.OpenAt(t, r, func() time.Time { return now })
	if d := c.Draft(chaintest.Account("miner")); d.Timestamp != 1_800_000_000.25 {
		t.Errorf("%v", d.Timestamp)
	}
	at := 1_800_000_020.0
	addAll(t, c, []*consensus.Block{chaintest.BlockAt(t, r, c.Tip(), at, "miner")})
	for range 3 {
		d := c.Draft(chaintest.Account("miner"))
		if d.Timestamp <= at || d.Timestamp > at+0.0011 {
			t.Errorf("%v after %v", d.Timestamp, at)
		}
		at = chaintest.MineOn(t, c, 1)[0].Header().Timestamp
	}
}
