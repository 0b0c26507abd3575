package chain_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// book is the accounts of a chain in the simplest words: every transaction of an address, and fractions added up.
type book map[string]*account

type account struct {
	balance big.Rat
	entries []chain.Entry // the newest first
}

// bookOf reads the blocks, which are a branch from the tip down to the genesis.
func bookOf(t testing.TB, branch []*consensus.Block) book {
	t.Helper()
	all := make(book)
	for _, b := range branch {
		for position, tx := range slices.Backward(b.Transactions()) {
			amount, ok := new(big.Rat).SetString(string(tx.Amount))
			if !ok {
				t.Fatalf("amount %s", tx.Amount)
			}
			e := chain.Entry{Spot: chain.Spot{Index: b.Index(), Position: position}, Block: b.Header(), Transaction: tx}
			all.note(tx.Recipient, amount, e)
			if tx.IsReward() {
				continue
			}
			if tx.Sender == tx.Recipient {
				all[tx.Sender].balance.Sub(&all[tx.Sender].balance, amount)
			} else {
				all.note(tx.Sender, new(big.Rat).Neg(amount), e)
			}
		}
	}
	return all
}

func (b book) note(address string, amount *big.Rat, e chain.Entry) {
	if b[address] == nil {
		b[address] = new(account)
	}
	b[address].balance.Add(&b[address].balance, amount)
	b[address].entries = append(b[address].entries, e)
}

// compareBook checks what the chain says of the addresses, by pages of up to limit.
func compareBook(t testing.TB, c *chain.Chain, want book, addresses []string, limit int) {
	t.Helper()
	for _, address := range addresses {
		w := want[address]
		if w == nil {
			w = new(account)
		}
		got, before, history := chain.Account{More: true}, chain.Spot{}, []chain.Entry(nil)
		for got.More {
			var err error
			if got, err = c.Address(address, before, limit); err != nil {
				t.Fatal(err)
			}
			if history = append(history, got.Entries...); len(got.Entries) > limit || got.More && len(got.Entries) < limit {
				t.Fatalf("%q: a page of %d, limit %d, more %v", address, len(got.Entries), limit, got.More)
			}
			if len(history) > 0 {
				before = history[len(history)-1].Spot
			}
		}
		if balance, ok := new(big.Rat).SetString(got.Balance); !ok || balance.Cmp(&w.balance) != 0 {
			t.Fatalf("%q has %s, want %s", address, got.Balance, w.balance.FloatString(20))
		}
		if got.Count != int64(len(w.entries)) || !slices.Equal(history, w.entries) || got.Tip != c.Tip() {
			t.Fatalf("%q: %d transactions, history %v, want %v", address, got.Count, history, w.entries)
		}
	}
}

// names are addresses that JSON spells in different ways; "0" cannot send, but can receive.
var names = []string{"alice", "bob", "0", "块 \"\\\u007f\n😀"}

// amounts are hard to add in floats.
var amounts = []canonical.Number{"0.1", "0.2", "5", "5.0", "9223372036854775807", "1e-05", "1.7976931348623157e+308", "5e-324"}

func TestAddressOfNobody(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	a, err := c.Address("nobody", chain.Spot{}, 10)
	if err != nil || a.Balance != "0" || a.Count != 0 || len(a.Entries) != 0 || a.More || a.Tip != c.Tip() {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []string{"", strings.Repeat("x", 257), "\xff"} {
		if _, err := c.Address(bad, chain.Spot{}, 10); refusal(err) != consensus.RuleRecipient {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestExactBalance(t *testing.T) {
	tree := chaintest.New(t)
	for _, amount := range []canonical.Number{"0.1", "0.2", "1e+16", "1e-05"} {
		p := chaintest.Payment().Transaction()
		p.Amount = amount
		tree.Pay(p)
	}
	self := chaintest.Payment().Transaction()
	self.Recipient = self.Sender
	tree.Pay(self)
	c := chaintest.Open(t, tree.Rules())
	addRuns(t, c, tree.Blocks())
	for address, want := range map[string]string{
		"bob": "10000000000000000.30001", "alice": "-10000000000000000.30001", "miner-0": "5",
	} {
		if a, err := c.Address(address, chain.Spot{}, 0); err != nil || a.Balance != want {
			t.Errorf("%s has %s, %v; want %s", address, a.Balance, err, want)
		}
	}
	compareBook(t, c, bookOf(t, slices.Concat(reversed(tree.Branch()), []*consensus.Block{tree.Rules().Genesis})), []string{"alice", "bob"}, 2)
}

func reversed(blocks []*consensus.Block) []*consensus.Block {
	blocks = slices.Clone(blocks)
	slices.Reverse(blocks)
	return blocks
}

// TestAddressesThroughSwitches switches between branches in which the same addresses stand at other places, with blocks that fill
// more than one part of a history, and reads all addresses after each.
func TestAddressesThroughSwitches(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	pay := func(n int) (all []consensus.Transaction) {
		for range n {
			p := chaintest.Payment().Transaction()
			p.Sender, p.Recipient = names[[]int{0, 1, 3}[random.IntN(3)]], names[random.IntN(len(names))]
			p.Amount = amounts[random.IntN(len(amounts))]
			all = append(all, p)
		}
		return all
	}
	tree := chaintest.New(t)
	for _, step := range []struct{ fork, blocks, payments int }{{0, 3, 1}, {0, 3, 700}, {4, 6, 1}, {3, 2, 900}, {2, 9, 2}, {5, 7, 0}} {
		tree.Fork(step.fork)
		for range step.blocks {
			tree.Pay(pay(step.payments)...)
		}
	}
	c := openRestartable(t, tree.Rules())
	parents := map[consensus.Hash]*consensus.Block{tree.Rules().Genesis.Hash(): tree.Rules().Genesis}
	branch := func(h consensus.Header) (all []*consensus.Block) {
		for b := parents[h.Hash]; b != nil; b = parents[b.Header().Previous] {
			all = append(all, b)
		}
		return all
	}
	for i, b := range tree.Blocks() {
		parents[b.Hash()] = b
		addAll(t, c.Chain, []*consensus.Block{b})
		if i%7 == 0 {
			c.restart()
		}
		compareBook(t, c.Chain, bookOf(t, branch(c.Tip())), slices.Concat(names, []string{"miner-0", "miner-1", "miner-2", "miner-3"}), 300)
	}
	sound(t, c.Chain)
}

// TestHistoryOfALongChain pages through what came in large runs: parts of a history of all lengths.
func TestHistoryOfALongChain(t *testing.T) {
	const long = 5000
	tree := chaintest.New(t).Mine(long)
	c := chaintest.Open(t, tree.Rules())
	addRuns(t, c, tree.Blocks()[:3])
	addRuns(t, c, tree.Blocks()[3:])
	compareBook(t, c, bookOf(t, reversed(tree.Branch())), []string{"miner-0"}, 999)
	for _, before := range []int64{2, 3, 500, 513, 514, 515, 516, 2047, long, long + 1} {
		a, err := c.Address("miner-0", chain.Spot{Index: before}, 1)
		if before == 2 {
			if err != nil || len(a.Entries) != 0 || a.More {
				t.Errorf("before the first: %+v, %v", a, err)
			}
			continue
		}
		if err != nil || len(a.Entries) != 1 || a.Entries[0].Spot.Index != before-1 || a.More != (before > 3) {
			t.Errorf("before block %d: %+v, %v", before, a.Entries, err)
		}
	}
}

// TestIndexOfAddressesIsMadeAnew: whatever happens to the index, missing, spoilt or behind a branch that was dropped, it is made from
// the blocks again, and nothing else suffers.
func TestIndexOfAddressesIsMadeAnew(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(3000).Fork(3).Mine(2)
	for name, spoil := range map[string]func(st *store.Store, b *store.Batch){
		"no position": func(_ *store.Store, b *store.Batch) { b.SetMeta("addresses", nil) },
		"a block that is not held": func(_ *store.Store, b *store.Batch) {
			b.SetMeta("addresses", []byte("\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x05"))
		},
		"an account that cannot be read": func(st *store.Store, b *store.Batch) {
			b.SetMeta("addresses", nil)
			for _, kind := range []byte("ac") {
				b.Set(append([]byte{kind}, make([]byte, 30)...), []byte("?"))
			}
		},
	} {
		st := openStore(t)
		c, err := chain.Open(st, tree.Rules(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		addRuns(t, c, tree.Blocks()[:3000])
		addAll(t, c, tree.Blocks()[3000:])
		sound(t, c)
		b := st.NewBatch()
		b.ForgetAddresses()
		b.AddAccount(store.Address{1}, &store.Account{Count: 7})
		spoil(st, b)
		if err := st.Apply(b); err != nil {
			t.Fatal(err)
		}
		b.Close()
		if c, err = chain.Open(st, tree.Rules(), time.Now); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sound(t, c)
		compareBook(t, c, bookOf(t, reversed(tree.Blocks()[:3000])), []string{"alice", "bob", "miner-0", "miner-1"}, 1000)
	}
}

// BenchmarkInsertAddresses is BenchmarkInsert where all payments are between addresses that were never seen: the most that the index
// can cost.
func BenchmarkInsertAddresses(b *testing.B) {
	r := benchRules()
	insert(b, r, sealRun(b, r, b.N, func(parent consensus.Header) *consensus.Block {
		p := chaintest.Payment().Transaction()
		p.Sender, p.Recipient = "s"+p.ID.String(), "r"+p.ID.String()
		return chaintest.Block(b, r, parent, fmt.Sprint("miner-", parent.Index%7), p)
	}))
}
