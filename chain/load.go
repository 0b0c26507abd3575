package chain

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"kuai/chain/store"
)

// schema is the version of the store's layout. One of withoutAddresses gets the index that it lacks; any other is refused, not
// guessed at.
const (
	schema           = 2
	withoutAddresses = 1
)

// Named values of the store.
const (
	metaSchema  = "schema"
	metaNetwork = "network"
	metaTip     = "tip"   // index:8 hash:32
	metaMined   = "mined" // canonical bytes of a block on its way to the chain, see AddMined
)

// loadNetwork starts an empty store, and refuses one of another layout or network.
func (c *Chain) loadNetwork() error {
	found, err := c.store.Meta(metaSchema)
	if err != nil {
		return err
	}
	if found == nil {
		return c.start()
	}
	if c.unindexed = bytes.Equal(found, []byte{withoutAddresses}); !c.unindexed && !bytes.Equal(found, []byte{schema}) {
		return fmt.Errorf("%w: layout %x, this program knows %x", ErrDamaged, found, schema)
	}
	network, err := c.store.Meta(metaNetwork)
	if err != nil {
		return err
	}
	switch string(network) {
	case networkMeta(c.rules, c.rules.Network()):
		return nil
	case networkMeta(c.rules, c.rules.GenesisNetwork()):
		return c.renameNetwork()
	}
	return fmt.Errorf("%w: it holds the chain of network %q, not of %q: another genesis, or other rules", ErrDamaged, network, c.rules.Network())
}

// networkMeta names a network by its id and its whole genesis hash.
func networkMeta(r *Rules, id string) string { return id + " " + r.Genesis.Hash().String() }

// renameNetwork gives a store whose network is named by its genesis alone the id that covers the rules, too. From then on the
// store opens under these rules only.
func (c *Chain) renameNetwork() error {
	b := c.store.NewBatch()
	defer b.Close()
	b.SetMeta(metaNetwork, []byte(networkMeta(c.rules, c.rules.Network())))
	return c.commit(b, func() {})
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
	b.SetMeta(metaNetwork, []byte(networkMeta(c.rules, c.rules.Network())))
	place := store.Place{Index: g.Index()}
	b.SetBlock(place, store.Origin{Received: c.now().UnixMilli()}, g.Canonical())
	b.SetPlace(g.Hash(), place)
	setTip(b, g.Header())
	return c.commit(b, func() {})
}

func setTip(b *store.Batch, tip Header) {
	var v [40]byte
	binary.BigEndian.PutUint64(v[:8], uint64(tip.Index))
	copy(v[8:], tip.Hash[:])
	b.SetMeta(metaTip, v[:])
}

// loadTip reads the tip, and checks that it is the last block and the one that its hash names.
func (c *Chain) loadTip() error {
	v, err := c.store.Meta(metaTip)
	if err != nil {
		return err
	}
	if len(v) != 40 {
		return fmt.Errorf("%w: the tip's record has %d bytes, not 40", ErrDamaged, len(v))
	}
	index := int64(binary.BigEndian.Uint64(v))
	b, _, err := c.blockAt(c.store.Reader, store.Place{Index: index})
	if err != nil {
		return err
	}
	c.tip = b.Header()
	if c.tip.Hash != Hash(v[8:]) {
		return fmt.Errorf("%w: the tip, block %d, has hash %s, not %x", ErrDamaged, index, c.tip.Hash, v[8:])
	}
	last, err := c.store.LastIndex(activeBranch)
	if err == nil && last != index {
		err = fmt.Errorf("%w: the tip is block %d, but the last is %d", ErrDamaged, index, last)
	}
	return err
}

func (c *Chain) loadSenders() error {
	c.senders.names = append(c.senders.names, "", otherSender)
	c.senders.numbers = map[string]uint32{"": 0, otherSender: otherSenderNumber}
	return c.store.EachSender(func(n uint32, name string) error {
		if int(n) != len(c.senders.names) {
			return fmt.Errorf("%w: sender %d follows sender %d", ErrDamaged, n, len(c.senders.names)-1)
		}
		c.senders.names = append(c.senders.names, name)
		c.senders.numbers[name] = n
		return nil
	})
}

func (c *Chain) loadSides() error {
	c.sides = sides{}
	return c.store.EachBranch(func(n uint32, r store.Branch) error {
		tip, _, err := c.blockAt(c.store.Reader, store.Place{Branch: n, Index: r.Last})
		if err != nil {
			return err
		}
		c.sides.set(n, branch{parent: r.Parent, tip: tip.Header(), bytes: r.Bytes})
		return nil
	})
}

func (c *Chain) loadPool() error {
	c.pool = newPool()
	return c.store.EachPending(func(p store.Pending) error {
		t, err := c.rules.ParseTransaction(p.Canonical)
		if err != nil {
			return fmt.Errorf("%w: pending transaction %d: %w", ErrDamaged, p.Seq, err)
		}
		c.pool.insert(&pending{
			Transaction: t, size: len(p.Canonical), seq: p.Seq, from: c.senders.name(p.Origin.From),
			received: p.Origin.Received, returned: p.Returned,
		})
		return nil
	})
}
