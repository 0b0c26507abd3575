package chain_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// wideRules is a network whose payments and blocks may be so large that a few fill the pool.
func wideRules() *consensus.Rules {
	r := benchRules()
	r.MaxBlockBytes, r.MaxTransactionBytes, r.MaxNameBytes = 64<<20, 8<<20, 8<<20
	return r
}

// sized returns a payment of so many canonical bytes.
func sized(t *testing.T, r *consensus.Rules, size int) consensus.Payment {
	t.Helper()
	tx := consensus.Transaction{Sender: "s", Recipient: "r", Amount: "1", ID: chain.NewID(), HasID: true}
	tx.Sender = strings.Repeat("s", 1+size-len(tx.AppendCanonical(nil)))
	p, err := r.NewPayment(tx)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPoolBytesExactly: the pool, and the share of one peer, take what fits to the byte, and not one byte more.
func TestPoolBytesExactly(t *testing.T) {
	const large, rest = 4 << 20, 200
	for from, bound := range map[string]int{"": chain.MaxPoolBytes, "peer": chain.MaxPoolBytes / chain.PoolShare} {
		r := wideRules()
		c := chaintest.Open(t, r)
		fill := func(size int) {
			t.Helper()
			if _, err := c.Submit(sized(t, r, size), from); err != nil {
				t.Fatal(err)
			}
		}
		for range bound/large - 1 {
			fill(large)
		}
		fill(large - rest)
		if _, err := c.Submit(sized(t, r, rest+1), from); !errors.Is(err, chain.ErrPoolFull) {
			t.Errorf("a byte more than the bound of %q: %v", from, err)
		}
		fill(rest)
		if _, bytes := c.PoolSize(); bytes != bound {
			t.Errorf("%d bytes are pending, not %d", bytes, bound)
		}
	}
}

// reorgWithPool returns what is pending after a reorg whose old branch held one block for each of the returned payments, with others
// pending before, of which the new branch mines some.
func reorgWithPool(t *testing.T, r *consensus.Rules, pending, mined []consensus.Payment, returned ...[]consensus.Payment) []consensus.Payment {
	t.Helper()
	c := openRestartable(t, r)
	parent := r.Genesis.Header()
	for _, payments := range returned {
		b := chaintest.Block(t, r, parent, "old", chaintest.Transactions(payments...)...)
		addAll(t, c.Chain, []*consensus.Block{b})
		parent = b.Header()
	}
	for _, p := range pending {
		if _, err := c.Submit(p, ""); err != nil {
			t.Fatal(err)
		}
	}
	parent = r.Genesis.Header()
	for i := range len(returned) + 1 {
		b := chaintest.Block(t, r, parent, "new")
		if i == 0 {
			b = chaintest.Block(t, r, parent, "new", chaintest.Transactions(mined...)...)
		}
		addAll(t, c.Chain, []*consensus.Block{b})
		parent = b.Header()
	}
	if c.Tip() != parent {
		t.Fatal("no reorg")
	}
	after := c.Pending()
	lost := make(map[consensus.Payment]chain.UnpaidReason)
	for _, p := range slices.Concat(returned...) {
		lost[p] = chain.UnpaidRoom
	}
	for _, p := range after {
		delete(lost, p)
	}
	if got := unpaid(t, c.Chain); !maps.Equal(got, lost) {
		t.Errorf("%d are told to have no room, %d had none", len(got), len(lost))
	}
	c.restart()
	if !slices.Equal(c.Pending(), after) {
		t.Error("a restart changes what is pending")
	}
	return after
}

// TestReturnedBytes: of what a reorg returns the first are kept, as many as have room, in front of the others.
func TestReturnedBytes(t *testing.T) {
	const large = 4 << 20
	r := wideRules()
	pool := []consensus.Payment{sized(t, r, large), sized(t, r, large), sized(t, r, large), sized(t, r, large)} // fills the pool
	for name, tc := range map[string]struct {
		last, mined, kept int
	}{
		"the last byte":                  {large, 0, 4},
		"a byte more":                    {large + 1, 0, 3},
		"the bytes of what is mined":     {large, 1, 5},
		"a byte more than what is mined": {large + 1, 1, 4},
	} {
		var returned [][]consensus.Payment
		for range 3 + tc.mined {
			returned = append(returned, []consensus.Payment{sized(t, r, large)})
		}
		returned = append(returned, []consensus.Payment{sized(t, r, tc.last)})
		want := append(slices.Concat(returned...)[:tc.kept], pool[tc.mined:]...)
		if got := reorgWithPool(t, r, pool, pool[:tc.mined], returned...); !slices.Equal(got, want) {
			t.Errorf("%s: %d payments are pending, want %d", name, len(got), len(want))
		}
	}
}

// TestReturnedCount: the same with many small payments.
func TestReturnedCount(t *testing.T) {
	r := wideRules()
	r.MaxBlockTransactions = chain.MaxPoolReturned + 10
	payments := func(n int) (all []consensus.Payment) {
		for range n {
			all = append(all, sized(t, r, 90))
		}
		return all
	}
	pool, returned := payments(chain.MaxPoolTransactions), payments(chain.MaxPoolReturned+5)
	want := append(returned[:chain.MaxPoolReturned+3:chain.MaxPoolReturned+3], pool[3:]...)
	if got := reorgWithPool(t, r, pool, pool[:3], returned); !slices.Equal(got, want) {
		t.Errorf("%d payments are pending, want %d", len(got), len(want))
	}
}
