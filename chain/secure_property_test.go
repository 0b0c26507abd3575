package chain_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

// payers are who pays and mines in the properties. Only the first five have something in the genesis block.
var payers = []string{"alice", "bob", "carol", "dave", "erin", "fred", "gina"}

// opinion is a block with what an implementation that shares nothing with the program thinks of it.
type opinion struct {
	block    *consensus.Block // nil for the genesis block
	parent   *opinion
	header   consensus.Header
	valid    bool             // with all below it
	balances map[string]int64 // after it, by name
	ids      map[consensus.ID]bool
	work     *big.Int
}

// orchard is a tree of random blocks on a secure network, valid and not.
type orchard struct {
	t     testing.TB
	rt    *rapid.T // fails and shrinks
	rules *consensus.Rules
	all   []*opinion // the genesis first, parents before children
	paid  []paid
}

func newOrchard(t testing.TB, rt *rapid.T) *orchard {
	r := chaintest.SecureRules()
	root := &opinion{header: r.Genesis.Header(), valid: true, balances: make(map[string]int64), ids: make(map[consensus.ID]bool), work: new(big.Int)}
	for _, name := range wallet.DevelopmentNames {
		root.balances[name] = 1000
	}
	return &orchard{t: t, rt: rt, rules: r, all: []*opinion{root}}
}

// aserti is the target after a block, from the text of the rule, as a number.
func aserti(r *consensus.Rules, h consensus.Header) *big.Int {
	blockTime := int64(r.BlockTime / time.Second)
	drift := int64(math.Floor(h.Timestamp)) - int64(math.Floor(r.Genesis.Header().Timestamp)) - blockTime*(h.Index-1)
	e := new(big.Int).Quo(new(big.Int).Mul(big.NewInt(drift), big.NewInt(65536)), big.NewInt(20*blockTime))
	shifts, rest := new(big.Int).DivMod(e, big.NewInt(65536), new(big.Int)) // rounded down, as the rest is not below 0
	factor := new(big.Int).Mul(big.NewInt(195766423245049), rest)
	factor.Add(factor, new(big.Int).Mul(big.NewInt(971821376), new(big.Int).Exp(rest, big.NewInt(2), nil)))
	factor.Add(factor, new(big.Int).Mul(big.NewInt(5127), new(big.Int).Exp(rest, big.NewInt(3), nil)))
	factor.Add(factor, new(big.Int).Exp(big.NewInt(2), big.NewInt(47), nil))
	factor.Div(factor, new(big.Int).Exp(big.NewInt(2), big.NewInt(48), nil)).Add(factor, big.NewInt(65536))
	target := new(big.Int).Mul(new(big.Int).SetBytes(r.First[:]), factor)
	if s := shifts.Int64() - 16; s >= 0 {
		target.Mul(target, new(big.Int).Exp(big.NewInt(2), big.NewInt(s), nil))
	} else {
		target.Div(target, new(big.Int).Exp(big.NewInt(2), big.NewInt(-s), nil))
	}
	easiest := new(big.Int).SetBytes(r.Easiest[:])
	switch {
	case target.Sign() == 0:
		return big.NewInt(1)
	case target.Cmp(easiest) > 0:
		return easiest
	}
	return target
}

// grow adds a block on parent with these payments.
func (o *orchard) grow(parent *opinion, step float64, miner string, payments []consensus.Transaction, transfers []transfer) *opinion {
	b := chaintest.BlockAt(o.t, o.rules, parent.header, parent.header.Timestamp+step, miner, payments...)
	n := &opinion{block: b, parent: parent, header: b.Header(), valid: parent.valid, balances: maps.Clone(parent.balances), ids: maps.Clone(parent.ids)}
	for i, p := range payments {
		tr := transfers[i]
		if n.balances[tr.from] < tr.amount || n.ids[p.ID] {
			n.valid = false
		}
		n.ids[p.ID] = true
		n.balances[tr.from] -= tr.amount
		n.balances[tr.to] += tr.amount
	}
	n.balances[miner]++
	target := aserti(o.rules, parent.header)
	n.work = new(big.Int).Add(parent.work, new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 256), target.Add(target, big.NewInt(1))))
	o.all = append(o.all, n)
	return n
}

type transfer struct {
	from, to string
	amount   int64
}

// paid is a payment of some block.
type paid struct {
	payment consensus.Transaction
	transfer
}

// draw adds a random block. Some pay what they cannot, or a payment of a block before or beside it again.
func (o *orchard) draw() {
	rt := o.rt
	parent := rapid.SampledFrom(o.all[max(0, len(o.all)-rapid.SampledFrom([]int{1, 3, 8}).Draw(rt, "behind")):]).Draw(rt, "parent")
	step := rapid.SampledFrom([]float64{0.25, 1, 10, 40, 300}).Draw(rt, "step")
	var payments []consensus.Transaction
	var transfers []transfer
	for range rapid.IntRange(0, 3).Draw(rt, "payments") {
		tr := transfer{rapid.SampledFrom(payers).Draw(rt, "from"), rapid.SampledFrom(payers).Draw(rt, "to"), rapid.SampledFrom([]int64{1, 2, 500, 990, 1000}).Draw(rt, "amount")}
		if rapid.IntRange(0, 7).Draw(rt, "covered") > 0 {
			tr.amount = max(1, min(tr.amount, parent.balances[tr.from]))
		}
		payments, transfers = append(payments, chaintest.Signed(o.rules, tr.from, tr.to, tr.amount)), append(transfers, tr)
	}
	if len(o.paid) > 0 && rapid.IntRange(0, 4).Draw(rt, "again") == 0 {
		again := rapid.SampledFrom(o.paid).Draw(rt, "paid") // on this branch, or on another one
		payments, transfers = append(payments, again.payment), append(transfers, again.transfer)
	}
	for i, p := range payments {
		o.paid = append(o.paid, paid{p, transfers[i]})
	}
	o.grow(parent, step, rapid.SampledFrom(payers).Draw(rt, "miner"), payments, transfers)
}

// deliver gives all blocks to a new chain in a random order, with payments in between, and checks its state after each.
func (o *orchard) deliver(random *rand.Rand) *chain.Chain {
	c := chaintest.OpenAt(o.t, o.rules, func() time.Time { return time.Unix(1_800_000_000, 0) })
	byHash := make(map[consensus.Hash]*opinion)
	for _, n := range o.all {
		byHash[n.header.Hash] = n
	}
	waiting := slices.Clone(o.all[1:])
	random.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	for before := -1; before != len(waiting); {
		before = len(waiting)
		waiting = slices.DeleteFunc(waiting, func(n *opinion) bool {
			if random.IntN(2) == 0 {
				o.pay(c, n)
			}
			_, err := c.Add(n.block, "peer")
			var invalid *consensus.InvalidError
			switch {
			case errors.Is(err, chain.ErrOrphan):
				return false
			case errors.As(err, &invalid) && n.valid:
				o.rt.Fatalf("block %d is valid, but refused: %v", n.header.Index, err)
			case err != nil && invalid == nil && !errors.Is(err, chain.ErrKnown):
				o.rt.Fatal(err)
			}
			o.check(c, byHash[c.Tip().Hash])
			if random.IntN(8) == 0 {
				if err := c.Trim(); err != nil {
					o.rt.Fatal(err)
				}
			}
			return true
		})
	}
	for _, n := range waiting {
		if n.valid {
			o.rt.Fatalf("valid block %d is never taken", n.header.Index)
		}
	}
	o.heaviest(c)
	return c
}

// pay submits the payments of a block, which may be of another branch.
func (o *orchard) pay(c *chain.Chain, n *opinion) {
	for _, tx := range n.block.Transactions() {
		if tx.IsReward() {
			continue
		}
		p, err := o.rules.NewPayment(tx)
		if err == nil {
			_, err = c.Submit(p, "peer")
		}
		if err != nil && !errors.Is(err, chain.ErrFunds) && !errors.Is(err, chain.ErrKnown) {
			o.rt.Fatal(err)
		}
	}
}

// check compares the state of a chain with what its tip must leave.
func (o *orchard) check(c *chain.Chain, tip *opinion) {
	if !tip.valid {
		o.rt.Fatalf("the tip, block %d, is on an invalid branch", tip.header.Index)
	}
	if got, want := c.State().Work.String(), tip.work.String(); got != want {
		o.rt.Fatalf("block %d: work %s, want %s", tip.header.Index, got, want)
	}
	total := int64(0)
	for _, name := range payers {
		confirmed, spendable, err := c.Balance(wallet.DevelopmentKey(name).Address())
		if err != nil || confirmed != tip.balances[name] || confirmed < 0 || spendable < 0 {
			o.rt.Fatalf("block %d: %s has %d and can spend %d, want %d: %v", tip.header.Index, name, confirmed, spendable, tip.balances[name], err)
		}
		total += confirmed
	}
	if want := int64(1000*len(wallet.DevelopmentNames)) + tip.header.Index - 1; total != want {
		o.rt.Fatalf("block %d: %d in all accounts, %d was endowed and mined", tip.header.Index, total, want)
	}
}

// heaviest checks that no valid branch has more work than the active chain.
func (o *orchard) heaviest(c *chain.Chain) {
	most := new(big.Int)
	for _, n := range o.all {
		if n.valid && n.work.Cmp(most) > 0 {
			most = n.work
		}
	}
	if got := c.State().Work.String(); got != most.String() {
		o.rt.Fatalf("the tip has the work %s, the heaviest valid branch %s", got, most)
	}
}

// TestSecureBranches: whatever the order of delivery, the tip is one of the most work among valid branches, balances are those of its
// branch and never below 0, money is conserved, the pool holds what can be paid, and the next block takes all of it.
func TestSecureBranches(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOrchard(t, rt)
		for range rapid.IntRange(5, 30).Draw(rt, "blocks") {
			o.draw()
		}
		seed := rapid.Uint64().Draw(rt, "order")
		for i := range uint64(2) {
			c := o.deliver(rand.New(rand.NewPCG(seed, i)))
			pending, _ := c.PoolSize()
			if b := chaintest.MineOn(t, c, 1)[0]; len(b.Transactions()) != pending+1 {
				rt.Fatalf("%d pending, the next block holds %d", pending, len(b.Transactions())-1)
			}
			sound(t, c)
			if t.Failed() {
				rt.Fatal("unsound")
			}
		}
	})
}

// TestSecureRevertIsIdentity: to apply a block and take it back leaves all accounts as they were.
func TestSecureRevertIsIdentity(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOrchard(t, rt)
		for range 8 {
			o.draw()
		}
		for _, n := range o.all[1:] {
			if !n.valid {
				continue
			}
			a := purse{}
			for name, balance := range n.parent.balances {
				a[wallet.DevelopmentKey(name).Address()] = balance
			}
			before := maps.Clone(a)
			if err := n.block.ApplyTo(a); err != nil {
				rt.Fatal(err)
			}
			after := fmt.Sprint(a)
			if err := n.block.RevertFrom(a); err != nil {
				rt.Fatal(err)
			}
			for account, balance := range a {
				if balance != before[account] {
					rt.Fatalf("%s had %d, and has %d after %s", account, before[account], balance, after)
				}
			}
		}
	})
}

// TestSecureBranchRevertIsIdentity: to apply the blocks of a branch in order, and take them back in any order, leaves all accounts as they
// were before it.
func TestSecureBranchRevertIsIdentity(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOrchard(t, rt)
		for range 12 {
			o.draw()
		}
		for _, n := range o.all[1:] {
			if !n.valid {
				continue
			}
			a := purse{}
			for name, balance := range o.all[0].balances {
				a[wallet.DevelopmentKey(name).Address()] = balance
			}
			before := maps.Clone(a)
			var branch []*consensus.Block
			for at := n; at.block != nil; at = at.parent {
				branch = append(branch, at.block)
			}
			for _, b := range slices.Backward(branch) {
				if err := b.ApplyTo(a); err != nil {
					rt.Fatal(err)
				}
			}
			for name, balance := range n.balances {
				if got := a[wallet.DevelopmentKey(name).Address()]; got != balance {
					rt.Fatalf("%s has %d, want %d", name, got, balance)
				}
			}
			for _, b := range rapid.Permutation(branch).Draw(rt, "order") {
				if err := b.RevertFrom(a); err != nil {
					rt.Fatal(err)
				}
			}
			for account, balance := range a {
				if balance != before[account] {
					rt.Fatalf("%s had %d, and has %d after %d blocks were taken back", account, before[account], balance, len(branch))
				}
			}
		}
	})
}

// purse is accounts in memory.
type purse map[consensus.Address]int64

func (b purse) Balance(a consensus.Address) (int64, error) { return b[a], nil }

func (b purse) SetBalance(a consensus.Address, n int64) { b[a] = n }
