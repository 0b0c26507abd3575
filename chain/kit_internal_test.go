package chain

import (
	"slices"
	"testing"
	"time"

	"kuai/chain/store"
)

// opened is a chain with a clock that stands still.
func opened(t testing.TB, st *store.Store, r *Rules) *Chain {
	t.Helper()
	c, err := Open(st, r, func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func inMemory(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() }) // memory: nothing can fail
	return st
}

func noZeros() *Rules {
	r := Classic()
	r.Zeros = 0
	return r
}

// sealed makes a block with these payments; the network has no zeros, so that every proof is valid.
func sealed(t testing.TB, r *Rules, parent Header, recipient string, payments ...Transaction) *Block {
	t.Helper()
	txs := append(slices.Clone(payments), Transaction{Sender: RewardSender, Recipient: recipient, Amount: r.Reward})
	b, err := r.NewBlock(parent, 7, parent.Timestamp+1, txs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
