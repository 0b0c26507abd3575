package chain

import (
	"slices"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// opened is a chain with a clock that stands still.
func opened(t testing.TB, st *store.Store, r *consensus.Rules) *Chain {
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

func noZeros() *consensus.Rules {
	r := consensus.Classic()
	r.Zeros = 0
	return r
}

// sealed makes a block with these payments; the network has no zeros, so that every proof is valid.
func sealed(t testing.TB, r *consensus.Rules, parent consensus.Header, recipient string, payments ...consensus.Transaction) *consensus.Block {
	t.Helper()
	txs := append(slices.Clone(payments), consensus.Transaction{Sender: consensus.RewardSender, Recipient: recipient, Amount: r.Reward})
	b, err := r.NewBlock(parent, 7, parent.Timestamp+1, txs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checked returns tx as a payment.
func checked(t testing.TB, tx consensus.Transaction) consensus.Payment {
	t.Helper()
	p, err := noZeros().NewPayment(tx)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// somePayment returns a payment with a fresh id.
func somePayment(t testing.TB) consensus.Payment {
	t.Helper()
	return checked(t, consensus.Transaction{Sender: "a", Recipient: "b", Amount: "1", ID: NewID(), HasID: true})
}
