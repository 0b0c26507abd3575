package chain

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"kuai/chain/store"
)

// ErrClosed is returned by what changes the state after Close.
var ErrClosed = errors.New("chain closed")

// Chain owns the state: the active chain, side branches and the pool. All methods may be called from any goroutine.
type Chain struct {
	rules *Rules
	store *store.Store
	now   func() time.Time

	events  events
	applied atomic.Uint64 // batches applied to the store
	durable atomic.Uint64 // those of them that are known to be on disk

	changed chan struct{} // wakes Run after a change

	senders   senders
	closed    atomic.Bool
	unindexed bool  // the store's layout has no addresses
	indexed   int64 // blocks whose addresses were indexed at Open

	mining   sync.Mutex // one AddMined at a time; taken before writing
	writing  sync.Mutex // held by who changes the state, from the first look to the commit
	invalid  refused
	siblings siblings
	filter   idFilter
	ids      []idPlace // scratch of extend

	switchBytes int // MaxSwitchBytes, less in tests

	mu    sync.RWMutex // guards what follows; taken for writing by commit alone, so that readers never wait for a check
	tip   Header
	sides sides
	pool  pool
}

// Open loads the chain in st, or starts it with the genesis of r. It does not scan the blocks, except once where st is of a
// version without an index of addresses (see Indexed). now is the clock that
// timestamps are judged by. Errors wrap ErrDamaged where st contradicts itself or holds another network.
func Open(st *store.Store, r *Rules, now func() time.Time) (*Chain, error) {
	c := &Chain{rules: r, store: st, now: now, changed: make(chan struct{}, 1), switchBytes: MaxSwitchBytes}
	for _, load := range []func() error{
		c.loadNetwork, c.loadTip, c.loadAddresses, c.loadSenders, c.loadSides, c.loadPool, c.loadFilter, c.settle, c.loadMined,
	} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Indexed returns how many blocks Open has read to index the addresses in them: 0 unless the store was of an older version.
func (c *Chain) Indexed() int64 { return c.indexed }

// Close waits for the disk. The store stays open: whoever opened it closes it.
func (c *Chain) Close() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.closed.Store(true)
	return c.Sync()
}

// Rules returns the network's rules.
func (c *Chain) Rules() *Rules { return c.rules }

// Now is the time that the chain judges timestamps by. Who checks blocks before handing them over uses the same clock.
func (c *Chain) Now() time.Time { return c.now() }

// Tip returns the last block of the active chain.
func (c *Chain) Tip() Header {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tip
}

// Err returns why the chain takes no more changes, nil while it does. Reads go on in any case.
func (c *Chain) Err() error {
	if c.closed.Load() {
		return ErrClosed
	}
	return c.store.Err()
}

// commit makes the batch part of the state: the store changes, and then memory, by change. Readers see both or neither.
// It is the only place where the state changes; the caller holds c.writing.
func (c *Chain) commit(b *store.Batch, change func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.apply(b, change)
}

// apply is commit for a caller that holds c.mu, too.
func (c *Chain) apply(b *store.Batch, change func()) error {
	if err := c.store.Apply(b); err != nil {
		return err
	}
	c.applied.Add(1)
	change()
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return nil
}

// parseHeld reads a block that was valid when it was held; what breaks a rule now was damaged since.
func (c *Chain) parseHeld(rec store.Record) (*Block, error) {
	if rec.Place.Index == c.rules.Genesis.Index() {
		return c.rules.Genesis, nil
	}
	b, err := c.rules.ParseBlock(rec.Raw)
	if err != nil {
		return nil, fmt.Errorf("%w: block %d of branch %d: %w", ErrDamaged, rec.Place.Index, rec.Place.Branch, err)
	}
	if b.Index() != rec.Place.Index {
		return nil, fmt.Errorf("%w: the block kept as %d of branch %d says index %d", ErrDamaged, rec.Place.Index, rec.Place.Branch, b.Index())
	}
	return b, nil
}

// blockAt returns the block at p, which must be held.
func (c *Chain) blockAt(r store.Reader, p store.Place) (*Block, store.Origin, error) {
	rec, ok, err := r.Block(p)
	if err == nil && !ok {
		err = fmt.Errorf("%w: block %d of branch %d is missing", ErrDamaged, p.Index, p.Branch)
	}
	if err != nil {
		return nil, store.Origin{}, err
	}
	b, err := c.parseHeld(rec)
	return b, rec.Origin, err
}
