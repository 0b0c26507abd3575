package chain

import (
	"encoding/binary"
	"fmt"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// schema is the version of the store's layout. Any other is refused, not guessed at.
const schema = 5

// Named values of the store.
const (
	metaSchema    = "schema"
	metaNetwork   = "network"
	metaTip       = "tip"       // index:8 hash:32
	metaMined     = "mined"     // canonical bytes of a block on its way to the chain, see AddMined
	metaAddresses = "addresses" // branch:4 index:8, the last block in the index of addresses
)

// load reads what memory holds. loadNetwork comes first, as it starts an empty store, and loadMined last, as it adds a block to what the
// others have read; they need nothing of each other.
func (c *Chain) load() error {
	for _, load := range []func() error{c.loadNetwork, c.loadTip, c.loadSides, c.loadAddresses, c.loadPool, c.loadMined} {
		if err := load(); err != nil {
			return err
		}
	}
	return nil
}

// loadNetwork starts an empty store, and refuses one of another layout or network.
func (c *Chain) loadNetwork() error {
	found, err := c.store.Meta(metaSchema)
	if err != nil {
		return err
	}
	if found == nil {
		return c.start()
	}
	if len(found) != 1 {
		return fmt.Errorf("%w: the number of its layout has %d bytes, not 1", ErrDamaged, len(found))
	}
	if found[0] != schema {
		return fmt.Errorf("%w: layout %d, and this program reads layout %d: export the chain with the program that wrote it and import it here, "+
			"or start with a new data directory and sync anew", ErrLayout, found[0], schema)
	}
	network, err := c.store.Meta(metaNetwork)
	if err != nil {
		return err
	}
	if string(network) != c.networkMeta() {
		return fmt.Errorf("%w: the data directory holds the chain of network %q, not of %q: another genesis, or other rules", ErrOtherNetwork, network, c.rules.Network())
	}
	return nil
}

// networkMeta names the network by its id and its whole genesis hash.
func (c *Chain) networkMeta() string {
	return c.rules.Network() + " " + c.rules.Genesis.Hash().String()
}

// start writes the genesis into an empty store.
func (c *Chain) start() error {
	empty := true
	if err := c.store.Dump(func([]byte, []byte) { empty = false }); err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("%w: there is data, but no schema number", ErrDamaged)
	}
	b, g := c.store.NewBatch(), c.rules.Genesis
	defer b.Close()
	b.SetMeta(metaSchema, []byte{schema})
	b.SetMeta(metaNetwork, []byte(c.networkMeta()))
	p := store.Position{Index: g.Index()}
	b.SetBlock(store.Record{Position: p, Origin: store.Origin{Received: c.now().UnixMilli()}, Total: int64(len(g.Canonical())), Raw: g.Canonical()})
	b.SetPosition(g.Hash(), p)
	b.SetActive(g.Index(), p.Branch)
	setTip(b, g.Header())
	if err := c.endow(b); err != nil {
		return err
	}
	return c.commit(b, func() { c.stored.complete, c.funded.complete = true, true }) // no block holds an id yet
}

func setTip(b *store.Batch, tip consensus.Header) {
	var v [40]byte
	binary.BigEndian.PutUint64(v[:8], uint64(tip.Index))
	copy(v[8:], tip.Hash[:])
	b.SetMeta(metaTip, v[:])
}

// loadTip reads the tip, and checks that it is the last of its branch and the block that its hash names.
func (c *Chain) loadTip() error {
	v, err := c.store.Meta(metaTip)
	if err != nil {
		return err
	}
	if len(v) != 40 {
		return fmt.Errorf("%w: the tip's record has %d bytes, not 40", ErrDamaged, len(v))
	}
	index := int64(binary.BigEndian.Uint64(v))
	for part, err := range c.store.Active(index, index+1) {
		if err != nil {
			return err
		}
		c.last = part
	}
	b, err := c.read(c.store.Reader, store.Position{Branch: c.last.Branch, Index: index})
	if err != nil {
		return err
	}
	c.tip, c.total = b.Header(), b.Total
	if c.tip.Hash != consensus.Hash(v[8:]) {
		return fmt.Errorf("%w: the tip, block %d, has hash %s, not %x", ErrDamaged, index, c.tip.Hash, v[8:])
	}
	s, err := c.stateAt(b.Position, c.tip)
	if err != nil {
		return err
	}
	c.work = s.Work
	last, err := c.store.LastIndex(c.last.Branch)
	if err == nil && last != index {
		err = fmt.Errorf("%w: the tip is block %d, but the last of its branch is %d", ErrDamaged, index, last)
	}
	return err
}

func (c *Chain) loadSides() (err error) {
	if c.sides.last, err = c.store.LastBranch(); err != nil {
		return err
	}
	c.sides.branches = make(map[uint32]side)
	return c.store.EachSide(func(s store.Side) error {
		tip, err := c.parse(s.Last, new(consensus.Block))
		if err != nil {
			return err
		}
		c.sides.set(s.Branch, side{
			from: s.From, parent: s.Parent, tip: tip.Header(), base: s.Base, total: tip.Total, changed: tip.Origin.Received,
		})
		return nil
	})
}

// parentOf returns which block the one at p extends.
func (c *Chain) parentOf(p store.Position) (store.Position, error) {
	if p.Branch == 0 {
		return store.Position{Index: p.Index - 1}, nil
	}
	first, err := c.store.Parent(p.Branch)
	if err == nil && first.Index < p.Index-1 {
		first = store.Position{Branch: p.Branch, Index: p.Index - 1}
	}
	return first, err
}

// loadPool reads the pending transactions.
func (c *Chain) loadPool() error {
	c.pool = newPool(0)
	var in storedBlock // the block that the last returned payment was read from
	var at store.Position
	return c.store.EachPending(func(p store.Pending) (err error) {
		payment, ok := consensus.Payment{}, true
		if p.Canonical != nil {
			payment, err = c.rules.ParsePayment(p.Canonical)
		} else {
			if in.Block == nil || p.At.Position != at {
				at = p.At.Position
				in, err = c.read(c.store.Reader, at)
			}
			if err == nil {
				payment, ok = in.PaymentAt(p.At.Offset)
			}
		}
		if err != nil || !ok {
			return fmt.Errorf("%w: pending transaction %d: %w", ErrDamaged, p.Seq, err)
		}
		next := c.pending(payment, string(p.Origin.From), p.Origin.Received)
		next.seq, next.returned = p.Seq, p.Returned
		c.pool.insert(next)
		return nil
	})
}
