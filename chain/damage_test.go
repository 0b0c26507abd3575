package chain_test

import (
	"errors"
	"slices"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// put changes the store behind the chain's back.
func (c *restartable) put(change func(*store.Batch)) {
	c.t.Helper()
	b := c.st.NewBatch()
	defer b.Close()
	change(b)
	if err := c.st.Apply(b); err != nil {
		c.t.Fatal(err)
	}
}

// TestIndexThatMisleads: an index entry that leads to another transaction, or to none, is damage and not an answer.
func TestIndexThatMisleads(t *testing.T) {
	r := benchRules()
	c := openRestartable(t, r)
	ps := []consensus.Payment{chaintest.Payment(), chaintest.Payment()}
	b := chaintest.Block(t, r, r.Genesis.Header(), "m", chaintest.Transactions(ps...)...)
	addAll(t, c.Chain, []*consensus.Block{b})
	offsets := make(map[consensus.ID]int)
	for offset, id := range b.IDs() {
		offsets[id] = offset
		if found, err := c.Transaction(id); err != nil || found.Transaction.ID != id {
			t.Errorf("%s: %v", id, err)
		}
	}
	for i, p := range ps {
		offset, other := offsets[p.ID()], offsets[ps[1-i].ID()]
		for _, wrong := range []int{0, offset + 1, offset - 1, other, len(b.Canonical()), 1 << 40} {
			c.put(func(batch *store.Batch) { batch.SetID(p.ID(), store.Position{Index: b.Index()}, wrong) })
			if found, err := c.Transaction(p.ID()); !errors.Is(err, chain.ErrDamaged) {
				t.Errorf("%s at offset %d: %v, %v", p.ID(), wrong, found, err)
			}
		}
	}
}

// TestLackingReadsNoBlock: of the ids that a peer offers those are lacking that are neither pending nor mined, and to find them no block
// is read: here the block could not be.
func TestLackingReadsNoBlock(t *testing.T) {
	r := benchRules()
	c := openRestartable(t, r)
	mined, pending := chaintest.Payment(), chaintest.Payment()
	b := chaintest.Block(t, r, r.Genesis.Header(), "m", mined.Transaction())
	addAll(t, c.Chain, []*consensus.Block{b})
	if _, err := c.Submit(pending, "peer"); err != nil {
		t.Fatal(err)
	}
	c.put(func(batch *store.Batch) {
		batch.SetBlock(store.Record{Position: store.Position{Index: b.Index()}, Total: 1, Raw: []byte("no block")})
	})
	if _, err := c.Transaction(mined.ID()); err == nil {
		t.Error("the block can be read")
	}
	unknown := []consensus.ID{chain.NewID(), chain.NewID()}
	lacking := c.Lacking([]consensus.ID{unknown[0], mined.ID(), unknown[1], pending.ID()})
	if !slices.Equal(lacking, unknown) {
		t.Errorf("lacking are %v", lacking)
	}
}
