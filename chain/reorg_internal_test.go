package chain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/chain/store"
)

// sealed makes a block with these payments; the network has no zeros, so that every proof is valid.
func sealed(t *testing.T, r *Rules, parent Header, recipient string, payments ...Transaction) *Block {
	t.Helper()
	txs := append(slices.Clone(payments), Transaction{Sender: RewardSender, Recipient: recipient, Amount: r.Reward})
	b, err := r.NewBlock(parent, 7, parent.Timestamp+1, txs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dump is the whole store as text. What a round trip may change is left out: how the tree of side blocks is cut into
// branches, and of a pending transaction all but its place in the order.
func (c *Chain) dump(t *testing.T) string {
	t.Helper()
	name := func(n uint32) string {
		if n == activeBranch {
			return "active"
		}
		return "side"
	}
	place := func(p store.Place) string { return fmt.Sprint(name(p.Branch), " ", p.Index) }
	var lines, pool []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	r := c.store.Reader
	for n := range c.sides.last + 1 {
		for rec, err := range r.Blocks(n, 0, 1<<40) {
			if err != nil {
				t.Fatal(err)
			}
			add("block %s %v %s", place(rec.Place), rec.Origin, rec.Raw)
		}
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.EachPlace(func(h [32]byte, p store.Place) error { add("hash %x %s", h, place(p)); return nil }))
	must(r.EachMined(func(id [16]byte, index int64, offset int) error { add("id %x %d %d", id, index, offset); return nil }))
	must(r.EachSpot(func(a store.Address, s store.Spot) error { add("spot %x %v", a, s); return nil }))
	must(r.EachAccount(func(a store.Address, total *store.Account) error {
		add("account %x %d %s", a, total.Count, total.Balance.String())
		return nil
	}))
	add("sides %d %d", c.sides.blocks, c.sides.bytes)
	must(c.soundSides())
	must(r.EachPending(func(p store.Pending) error { pool = append(pool, string(p.Canonical)); return nil }))
	must(r.EachSender(func(n uint32, name string) error { add("sender %d %s", n, name); return nil }))
	tip, err := r.Meta(metaTip)
	must(err)
	add("tip %x", tip)
	sides := 0
	must(r.Dump(func(key, _ []byte) {
		if key[0] == 'j' {
			sides++
		}
	}))
	add("side ids %d", sides)
	slices.Sort(lines)
	return strings.Join(append(lines, pool...), "\n")
}

// soundSides checks that every side branch is what its record says, and hangs where it says.
func (c *Chain) soundSides() error {
	return c.store.EachBranch(func(n uint32, b store.Branch) error {
		last, _, err := c.blockAt(c.store.Reader, b.Parent)
		if err != nil {
			return err
		}
		bytes := int64(0)
		for rec, err := range c.store.Blocks(n, 0, 1<<40) {
			if err != nil {
				return err
			}
			block, err := c.parseHeld(rec)
			if err != nil {
				return err
			}
			if err := c.rules.CheckLink(last.header, block); err != nil {
				return err
			}
			if p, ok, err := c.store.Place(block.header.Hash); p != rec.Place || !ok {
				return fmt.Errorf("block %v has its hash at %v, %v", rec.Place, p, err)
			}
			last, bytes = &Block{header: block.header}, bytes+int64(len(rec.Raw))
		}
		if want := (branch{parent: b.Parent, tip: last.header, bytes: bytes}); c.sides.branches[n] != want || want.record() != b {
			return fmt.Errorf("branch %d is %+v in memory, %+v on disk, and has %+v", n, c.sides.branches[n], b, want)
		}
		return nil
	})
}

// switchTo switches to the held side block h, whatever the lengths.
func (c *Chain) switchTo(t *testing.T, h Hash) {
	t.Helper()
	p, ok, err := c.store.Place(h)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	s := c.newSwitching(c.sides.path(p), time.Now())
	defer s.batch.Close()
	for _, step := range []func() error{s.raise, s.lower, s.commit} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestApplyRevertIsIdentity switches to a branch and back, for every pair of tips of a tree, and compares the whole store.
func TestApplyRevertIsIdentity(t *testing.T) {
	r := Classic()
	r.Zeros = 0
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c, err := Open(st, r, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]Transaction, 8)
	for i := range p {
		p[i] = Transaction{Sender: "a", Recipient: "b", Amount: "5", ID: NewID(), HasID: true}
		if _, err := c.Submit(p[i], ""); err != nil {
			t.Fatal(err)
		}
	}
	add := func(parent Header, recipient string, payments ...Transaction) Header {
		b := sealed(t, r, parent, recipient, payments...)
		if _, err := c.Add(b, "peer"); err != nil {
			t.Fatal(err)
		}
		return b.header
	}
	root := add(r.Genesis.header, "root")
	a1 := add(root, "a1", p[0], p[1])
	a2 := add(a1, "a2", p[2])
	a3 := add(a2, "a3")
	b1 := add(root, "b1", p[1], p[0])
	b2 := add(b1, "b2")
	c1 := add(b1, "c1", p[2])
	d1 := add(a1, "d1", p[3], p[2])
	tips := []Header{a3, b2, c1, d1}
	for _, from := range tips {
		if from.Hash != c.tip.Hash {
			c.switchTo(t, from.Hash)
		}
		// The pool's order after a switch is its own; what is compared is the way there and back from here.
		before := c.dump(t)
		for _, to := range tips {
			if to == from {
				continue
			}
			c.switchTo(t, to.Hash)
			if c.dump(t) == before {
				t.Fatal("a switch changes nothing")
			}
			if err := c.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
			if last, err := st.LastIndex(activeBranch); err != nil || last != to.Index {
				t.Errorf("the last active block is %d, the tip %d: %v", last, to.Index, err)
			}
			c.switchTo(t, from.Hash)
			if after := c.dump(t); sortedPool(after) != sortedPool(before) {
				t.Errorf("block %s to %s and back:\n%s\n\nbefore:\n%s", from.Hash.Short(), to.Hash.Short(), after, before)
			}
		}
	}
}

// sortedPool forgets the order of a dump: a payment of both branches leaves the pool for either, one of the new branch
// alone comes back in front.
func sortedPool(dump string) string {
	lines := strings.Split(dump, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestRoundTripKeepsPoolOrder: payments that are mined in order from the front of the pool come back in order, in front.
func TestRoundTripKeepsPoolOrder(t *testing.T) {
	r := Classic()
	r.Zeros = 0
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c, err := Open(st, r, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := c.Submit(Transaction{Sender: "a", Recipient: "b", Amount: "5", ID: NewID(), HasID: true}, ""); err != nil {
			t.Fatal(err)
		}
	}
	all := c.Pending()
	x := sealed(t, r, r.Genesis.header, "x")
	y1 := sealed(t, r, r.Genesis.header, "y", all[0], all[1])
	y2 := sealed(t, r, y1.header, "y", all[2])
	for _, b := range []*Block{x, y1} {
		if _, err := c.Add(b, ""); err != nil {
			t.Fatal(err)
		}
	}
	before := c.dump(t)
	c.switchTo(t, y1.header.Hash)
	if _, err := c.Add(y2, ""); err != nil {
		t.Fatal(err)
	}
	if got := c.Pending(); !slices.Equal(got, all[3:]) {
		t.Errorf("pending are %v", got)
	}
	c.switchTo(t, x.header.Hash)
	if got := c.Pending(); !slices.Equal(got, all) {
		t.Errorf("after the way back pending are %v, want %v", got, all)
	}
	if before == c.dump(t) {
		t.Error("the longer branch is not held") // y2 is new
	}
}
