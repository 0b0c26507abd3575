package chain_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// TestVerifyCanBeStopped: the reason is the caller's, and not damage.
func TestVerifyCanBeStopped(t *testing.T) {
	tree := chaintest.New(t).Mine(3)
	c := chaintest.Open(t, tree.Rules())
	addAll(t, c, tree.Blocks())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := c.Verify(ctx, nil); !errors.Is(err, context.Canceled) || errors.Is(err, chain.ErrDamaged) {
		t.Error(err)
	}
}

// TestVerifyFindsAWrongIndex: one mistake in an index is enough.
func TestVerifyFindsAWrongIndex(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(3)
	second := tree.Blocks()[1]
	wrong := map[string]string{
		"a place less": "block 3: hash", "a place wrong": "block 3: hash", "a place more": "5 blocks and 3 transactions, the chain 4 and 3",
		"a total": "block 3: its chain has", "an id less": "block 3: transaction", "an id wrong": "block 3: transaction", "an id more": "4 blocks and 4 transactions, the chain 4 and 3",
	}
	for name, spoil := range map[string]func(b *store.Batch, a store.Address){
		"a place less":  func(b *store.Batch, _ store.Address) { b.DeletePosition(second.Hash()) },
		"a place wrong": func(b *store.Batch, _ store.Address) { b.SetPosition(second.Hash(), store.Position{Index: 2}) },
		"a place more":  func(b *store.Batch, _ store.Address) { b.SetPosition(consensus.Hash{1}, store.Position{Index: 2}) },
		"an id less": func(b *store.Batch, _ store.Address) {
			b.DeleteID(second.Transactions()[0].ID, store.Position{Index: 3})
		},
		"an id wrong": func(b *store.Batch, _ store.Address) {
			b.SetID(second.Transactions()[0].ID, store.Position{Index: 3}, 0)
		},
		"an id more": func(b *store.Batch, _ store.Address) { b.SetID(consensus.ID{1}, store.Position{Index: 2}, 0) },
		"a total": func(b *store.Batch, _ store.Address) {
			b.SetBlock(store.Record{Position: store.Position{Index: 3}, Total: 7, Raw: second.Canonical()})
		},
		"a count": func(b *store.Batch, a store.Address) { b.AddAccount(a, &store.Account{Count: 1}) },
		"a balance": func(b *store.Batch, a store.Address) {
			change := new(store.Account)
			change.Balance.AddText([]byte("1e-05"), true)
			b.AddAccount(a, change)
		},
		"a history": func(b *store.Batch, a store.Address) { b.DeleteRun(a, 2) },
		"another history": func(b *store.Batch, a store.Address) {
			var r store.Run
			r.Add(store.Spot{Index: 3})
			b.SetRun(a, &r)
		},
	} {
		st := openStore(t)
		c, err := chain.Open(st, tree.Rules(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		addRuns(t, c, tree.Blocks())
		sound(t, c)
		var any store.Address
		if err := st.EachAccount(func(a store.Address, _ *store.Account) error { any = a; return nil }); err != nil {
			t.Fatal(err)
		}
		b := st.NewBatch()
		spoil(b, any)
		if err := st.Apply(b); err != nil {
			t.Fatal(err)
		}
		b.Close()
		says := wrong[name]
		if says == "" {
			says = "of addresses"
		}
		if err := c.Verify(t.Context(), nil); !errors.Is(err, chain.ErrDamaged) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
