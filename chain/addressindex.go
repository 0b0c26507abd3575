package chain

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"kuai/chain/store"
)

// The index of addresses follows the active chain: it holds what the blocks up to one of them, its position, say of addresses. It
// moves towards the tip in bounded batches, each with the position, and walks back over blocks that left the active chain. No block
// waits for it, and it can be deleted: it is made anew from the blocks.

const (
	// levelTime is how long Address waits for the index.
	levelTime = time.Second

	// followBlocks and followBytes bound a batch of the index.
	followBlocks = 1024
	followBytes  = 2 << 20
)

// ErrNotLevel says that the index of addresses still describes a branch that is not the active chain.
var ErrNotLevel = errors.New("the index of addresses is behind a reorg")

// addressIndex is where the index is.
type addressIndex struct {
	at   atomic.Pointer[store.Position]
	wake chan struct{} // size one: the active chain changed

	mu      sync.Mutex // held by who moves the index; taken before Chain.writing
	rebuilt bool       // it was damaged once, and is made anew
}

func (x *addressIndex) position() store.Position { return *x.at.Load() }

// loadAddresses reads where the index is. An index that is missing, or that follows a block which is not held, is made anew.
func (c *Chain) loadAddresses() error {
	p, err := readAddresses(c.store.Reader)
	if err == nil {
		_, err = c.read(c.store.Reader, p)
	}
	if errors.Is(err, ErrDamaged) {
		return c.forgetAddresses()
	}
	c.addresses.at.Store(&p)
	return err
}

func readAddresses(r store.Reader) (p store.Position, err error) {
	v, err := r.Meta(metaAddresses)
	if err != nil {
		return p, err
	}
	if len(v) != 12 {
		return p, fmt.Errorf("%w: the position of the index of addresses has %d bytes, not 12", ErrDamaged, len(v))
	}
	return store.Position{Branch: binary.BigEndian.Uint32(v), Index: int64(binary.BigEndian.Uint64(v[4:]))}, nil
}

func setAddresses(b *store.Batch, p store.Position) {
	v := binary.BigEndian.AppendUint32(make([]byte, 0, 12), p.Branch)
	b.SetMeta(metaAddresses, binary.BigEndian.AppendUint64(v, uint64(p.Index)))
}

// forgetAddresses empties the index but for the genesis block, whose transactions endow accounts.
func (c *Chain) forgetAddresses() error {
	batch := c.store.NewBatch()
	defer batch.Close()
	p := store.Position{Index: c.rules.Genesis.Index()}
	batch.ForgetAddresses()
	l := newLedger()
	l.join(c.rules.Genesis)
	if err := l.put(batch, c.store.Reader, p.Index); err != nil {
		return err
	}
	setAddresses(batch, p)
	return c.commit(batch, func() { c.addresses.at.Store(&p) })
}

// levelAddresses moves the index to the tip, for at most levelTime.
func (c *Chain) levelAddresses() error {
	ctx, cancel := context.WithTimeout(context.Background(), levelTime)
	defer cancel()
	err := c.follow(ctx)
	if errors.Is(err, context.DeadlineExceeded) || c.Err() != nil {
		return nil // it says how far it is; and a store that takes no changes can still be read
	}
	return err
}

// follow moves the index until it is level with the tip, or ctx ends. A damaged index is made anew once.
func (c *Chain) follow(ctx context.Context) error {
	x := &c.addresses
	x.mu.Lock()
	defer x.mu.Unlock()
	for ctx.Err() == nil {
		level, err := c.followOnce()
		if errors.Is(err, ErrDamaged) && !x.rebuilt {
			x.rebuilt = true
			err = c.rebuildAddresses()
		}
		if err != nil || level {
			return err
		}
	}
	return ctx.Err()
}

func (c *Chain) rebuildAddresses() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.forgetAddresses()
}

// followOnce moves the index by one batch. It reports whether it was level with the tip.
func (c *Chain) followOnce() (level bool, err error) {
	v := c.view()
	defer v.Close()
	p := c.addresses.position()
	active, err := v.active(p)
	if err != nil || active && p.Index == v.tip.Index {
		return true, err
	}
	l := newLedger()
	if active {
		p, err = c.joinBlocks(l, v, p)
	} else {
		p, err = c.leaveBlocks(l, v, p)
	}
	if err != nil {
		return false, err
	}
	batch := c.store.NewBatch()
	defer batch.Close()
	if err := l.put(batch, v.Reader, p.Index); err != nil {
		return false, err
	}
	setAddresses(batch, p)
	return false, c.moveAddresses(batch, p)
}

// joinBlocks adds the blocks above p, which is active, to the ledger, and returns the last of them.
func (c *Chain) joinBlocks(l *ledger, v view, p store.Position) (store.Position, error) {
	size := 0
	for b, err := range c.parsed(v.blocks(p.Index+1, min(v.tip.Index+1, p.Index+1+followBlocks))) {
		if err != nil {
			return p, err
		}
		l.join(b.Block)
		p = b.Position
		if size += len(b.Raw); size >= followBytes {
			break
		}
	}
	return p, nil
}

// leaveBlocks takes the blocks from p down, which are not active, from the ledger, and returns the one below them.
func (c *Chain) leaveBlocks(l *ledger, v view, p store.Position) (store.Position, error) {
	for size, blocks := 0, 0; size < followBytes && blocks < followBlocks; blocks++ {
		if active, err := v.active(p); err != nil || active {
			return p, err
		}
		b, err := c.read(v.Reader, p)
		if err != nil {
			return p, err
		}
		l.leave(b.Block)
		size += len(b.Canonical())
		if p, err = c.parentOf(p); err != nil {
			return p, err
		}
	}
	return p, nil
}

// moveAddresses applies a batch of the index, unless the block that it leads to was dropped meanwhile: then the index stays where it
// is, and what it has to walk back over is kept for it.
func (c *Chain) moveAddresses(batch *store.Batch, p store.Position) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if _, ok, err := c.store.Block(p); err != nil || !ok {
		return err
	}
	if err := c.store.Apply(batch); err != nil {
		return err
	}
	c.addresses.at.Store(&p)
	c.wakeTrim() // what was kept for the index may go
	return nil
}
