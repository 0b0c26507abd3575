package chain

import (
	"errors"
	"fmt"
	"testing"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// put changes the store behind the chain's back.
func put(t *testing.T, c *Chain, change func(*store.Batch)) {
	t.Helper()
	b := c.store.NewBatch()
	defer b.Close()
	change(b)
	if err := c.store.Apply(b); err != nil {
		t.Fatal(err)
	}
}

// TestIndexThatMisleads: an index entry that leads to another transaction, or to none, is damage and not an answer.
func TestIndexThatMisleads(t *testing.T) {
	r := noZeros()
	c := opened(t, inMemory(t), r)
	ps := []consensus.Transaction{{Sender: "a", Recipient: "b", Amount: "1", ID: consensus.ID{1}, HasID: true}, {Sender: "a", Recipient: "b", Amount: "2", ID: consensus.ID{2}, HasID: true}}
	b := sealed(t, r, r.Genesis.Header(), "m", ps...)
	if _, err := c.Add(b, "peer"); err != nil {
		t.Fatal(err)
	}
	for offset, id := range b.IDs() {
		if found, err := c.Transaction(id); err != nil || found.Transaction.ID != id {
			t.Errorf("%s: %v", id, err)
		}
		for _, wrong := range []int{0, offset + 1, len(b.Canonical()), 1 << 40, offset - 60} {
			if id == (consensus.ID{2}) && wrong == offset-60 {
				wrong = offset - len(`{"amount": 1, "id": "00000000000000000000000000000000", "recipient": "b", "sender": "a"}, `)
			}
			put(t, c, func(batch *store.Batch) { batch.SetID(id, c.at(), wrong) })
			if found, err := c.Transaction(id); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s at offset %d: %v, %v", id, wrong, found, err)
			}
		}
	}
}

// TestLackingReadsNoBlock: of the ids that a peer offers those are lacking that are neither pending nor mined, and to find them no block
// is read: here the block could not be.
func TestLackingReadsNoBlock(t *testing.T) {
	r := noZeros()
	c := opened(t, inMemory(t), r)
	mined := consensus.Transaction{Sender: "a", Recipient: "b", Amount: "1", ID: consensus.ID{1}, HasID: true}
	pending := consensus.Transaction{Sender: "a", Recipient: "b", Amount: "1", ID: consensus.ID{2}, HasID: true}
	if _, err := c.Add(sealed(t, r, r.Genesis.Header(), "m", mined), "peer"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(checked(t, pending), "peer"); err != nil {
		t.Fatal(err)
	}
	put(t, c, func(b *store.Batch) { b.SetBlock(store.Record{Position: c.at(), Total: 1, Raw: []byte("no block")}) })
	if _, err := c.Transaction(mined.ID); err == nil {
		t.Error("the block can be read")
	}
	lacking := c.Lacking([]consensus.ID{{3}, mined.ID, {4}, pending.ID})
	if fmt.Sprint(lacking) != fmt.Sprint([]consensus.ID{{3}, {4}}) {
		t.Errorf("lacking are %v", lacking)
	}
}
