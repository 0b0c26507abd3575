package chain_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// model is what a chain has to be, in the simplest words: every block in a tree, the longest branch that was seen first,
// and the payments that were submitted and are not on it.
type model struct {
	rules    *consensus.Rules
	blocks   []*consensus.Block // in order of arrival, the genesis first
	parent   map[consensus.Hash]*consensus.Block
	tip      *consensus.Block
	known    []consensus.Transaction // payments that were pending or on the active chain once, in order
	everSeen map[consensus.ID]bool
}

func newModel(r *consensus.Rules) *model {
	return &model{
		rules: r, blocks: []*consensus.Block{r.Genesis}, tip: r.Genesis,
		parent: make(map[consensus.Hash]*consensus.Block), everSeen: make(map[consensus.ID]bool),
	}
}

// branch returns the blocks from b down to the genesis.
func (m *model) branch(b *consensus.Block) (all []*consensus.Block) {
	for ; b != nil; b = m.parent[b.Hash()] {
		all = append(all, b)
	}
	return all
}

func (m *model) on(b *consensus.Block) map[consensus.ID]bool {
	ids := make(map[consensus.ID]bool)
	for _, a := range m.branch(b) {
		for _, id := range a.IDs() {
			ids[id] = true
		}
	}
	return ids
}

func (m *model) know(p consensus.Transaction) {
	if !m.everSeen[p.ID] {
		m.everSeen[p.ID] = true
		m.known = append(m.known, p)
	}
}

func (m *model) submit(p consensus.Transaction) error {
	if m.everSeen[p.ID] {
		return chain.ErrKnown
	}
	m.know(p)
	return nil
}

func (m *model) add(parent, b *consensus.Block) (consensus.Rule, error) {
	if slices.ContainsFunc(m.blocks, func(a *consensus.Block) bool { return a.Hash() == b.Hash() }) {
		return "", chain.ErrKnown
	}
	below := m.on(parent)
	for _, id := range b.IDs() {
		if below[id] {
			return consensus.RuleDuplicateID, nil
		}
	}
	m.blocks, m.parent[b.Hash()] = append(m.blocks, b), parent
	if b.Index() > m.tip.Index() {
		m.tip = b
		for _, a := range m.branch(b) {
			for _, tx := range a.Transactions() {
				if tx.HasID {
					m.know(tx)
				}
			}
		}
	}
	return "", nil
}

// pending is what must be in the pool, in any order.
func (m *model) pending() map[consensus.ID]bool {
	mined, pending := m.on(m.tip), make(map[consensus.ID]bool)
	for _, p := range m.known {
		if !mined[p.ID] {
			pending[p.ID] = true
		}
	}
	return pending
}

// script reads choices from fuzzed bytes.
type script []byte

func (s *script) next(n int) int {
	if len(*s) == 0 {
		return 0
	}
	v := int((*s)[0])
	*s = (*s)[1:]
	return v % n
}

// FuzzOperations drives a chain and the model with the same operations, and compares them.
func FuzzOperations(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x02\x01\x00\x01\x00\x01\x01\x01\x02\x03\x04"))
	f.Add([]byte{0, 0, 0, 1, 0, 2, 1, 0, 1, 0, 1, 1, 1, 0, 2, 1, 1, 2, 1, 1, 3, 0, 3, 1, 4, 2, 1, 5, 1, 0})
	f.Add([]byte{1, 0, 1, 2, 1, 0, 1, 2, 1, 3, 1, 4, 2, 1, 3, 2, 1, 5, 2, 4, 1, 0, 0, 1, 6, 3, 4, 1, 1, 1, 4})
	f.Add([]byte{1, 0, 3, 1, 0, 3, 1, 1, 3, 1, 2, 3, 1, 4, 0, 4, 1, 0, 1, 1, 5, 2, 0, 0, 1, 6, 1, 4, 1, 7, 0})
	f.Fuzz(func(t *testing.T, choices []byte) {
		s := script(choices[:min(len(choices), 200)])
		r := benchRules()
		c := openRestartable(t, r)
		m := newModel(r)
		for len(s) > 0 {
			operate(t, c, m, &s)
			compare(t, c.Chain, m)
		}
		sound(t, c.Chain)
	})
}

// payments of the fuzz target: few, so that they meet again on several branches.
func payment(n int) consensus.Transaction {
	return consensus.Transaction{
		Sender: names[n%2], Recipient: names[n/2%len(names)], Amount: amounts[n%len(amounts)], ID: consensus.ID{15: byte(n)}, HasID: true,
	}
}

func operate(t *testing.T, c *restartable, m *model, s *script) {
	switch s.next(5) {
	case 0:
		p := payment(s.next(8))
		_, err := c.Submit(chaintest.Checked(p), fmt.Sprint("peer-", s.next(3)))
		if want := m.submit(p); !errors.Is(err, want) {
			t.Fatalf("Submit: %v, want %v", err, want)
		}
	case 1, 2: // on any block, with up to two payments
		parent := m.blocks[len(m.blocks)-1-s.next(len(m.blocks))]
		var ps []consensus.Transaction
		for n := s.next(3); n > 0; n-- {
			if p := payment(s.next(8)); !slices.Contains(ps, p) {
				ps = append(ps, p)
			}
		}
		addBoth(t, c.Chain, m, parent, chaintest.Block(t, m.rules, parent.Header(), fmt.Sprint("m", s.next(4)), ps...))
	case 3: // on the tip, from the pool
		work := c.Draft("m")
		addBoth(t, c.Chain, m, m.tip, chaintest.Block(t, m.rules, work.Parent, "m", chaintest.Transactions(work.Payments...)...))
	case 4:
		c.restart()
	}
}

func addBoth(t *testing.T, c *chain.Chain, m *model, parent, b *consensus.Block) {
	rule, want := m.add(parent, b)
	_, err := c.Add(b, "peer")
	if refusal(err) != rule || rule == "" && !errors.Is(err, want) {
		t.Fatalf("Add: %v, want %q %v", err, rule, want)
	}
}

func compare(t *testing.T, c *chain.Chain, m *model) {
	t.Helper()
	if c.Tip() != m.tip.Header() {
		t.Fatalf("the tip is %d %s, want %d %s", c.Tip().Index, c.Tip().Hash.Short(), m.tip.Index(), m.tip.Hash().Short())
	}
	want := m.pending()
	for _, id := range chaintest.PendingIDs(c) {
		if !want[id] {
			t.Fatalf("payment %s is pending", id)
		}
		delete(want, id)
	}
	if len(want) > 0 {
		t.Fatalf("%d payments are not pending", len(want))
	}
	compareBook(t, c, bookOf(t, m.branch(m.tip)), append([]string{"m", "m0", "m1"}, names...), 3)
	for _, b := range m.blocks {
		if held, err := c.Block(b.Hash()); err != nil || held.Active != slices.Contains(m.branch(m.tip), b) {
			t.Fatalf("block %d: active %v, %v", b.Index(), held.Active, err)
		}
	}
}
