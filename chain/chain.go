package chain

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// ErrClosed is returned by what changes the state after Close.
var ErrClosed = errors.New("chain closed")

// largeBatch is from how many bytes on readers do not wait for a batch: the engine applies some 500 MB/s.
const largeBatch = 256 << 10

// Chain owns the state: the active chain, side branches and the pool. All methods may be called from any goroutine.
type Chain struct {
	rules *consensus.Rules
	store *store.Store
	now   func() time.Time

	events  events
	applied atomic.Uint64 // batches applied to the store
	durable atomic.Uint64 // those of them that are known to be on disk
	syncs   syncs

	changed   chan struct{} // size one: wakes Run after a change
	closed    atomic.Bool
	addresses addressIndex
	trimming  chan struct{} // size one: there are more side blocks than the bounds allow

	mining    sync.Mutex // one AddMined at a time; taken before writing
	writing   sync.Mutex // held by every change of the state, from its first read to the end of its commit
	invalid   invalidBlocks
	checked   checkedPayments
	condemned map[uint32]int64 // branches to drop: from this index on they pay what they cannot
	ids       []idPosition     // scratch of extend
	stored    storedIDs        // what onPath need not look up
	funded    storedIDs        // the accounts that have something, for which the same holds
	growing   store.Position   // the side block that came last
	partly    uint32           // the branch that trimming has dropped a part of, or nothing

	// mu guards what follows, for readers. It is taken for writing while writing is held, never for a check or a large batch: by commit,
	// and for changes of the pool in memory by enter and setOldest. What holds writing reads these fields without it.
	mu    sync.RWMutex
	tip   consensus.Header
	work  consensus.Work // of the active chain
	total int64          // canonical bytes of the active chain
	last  store.Range    // of the active chain, the part that the tip is in; To is not set
	sides sides
	pool  pool
	shown *sharedSnapshot // what readers see while a large batch is applied, else nil
}

// Open loads the chain in st, or starts it with the genesis of r. It does not scan the blocks. now is the clock that
// timestamps are checked against. Errors wrap ErrDamaged if st contradicts itself or holds another network, and ErrLayout if another
// version of this program wrote it.
func Open(st *store.Store, r *consensus.Rules, now func() time.Time) (*Chain, error) {
	c := &Chain{rules: r, store: st, invalid: newInvalidBlocks(), checked: newCheckedPayments(), now: now, changed: make(chan struct{}, 1), trimming: make(chan struct{}, 1), partly: noBranch}
	c.addresses.wake = make(chan struct{}, 1)
	c.condemned = make(map[uint32]int64)
	return c, c.load()
}

// Close waits for the disk. It does not close the store.
func (c *Chain) Close() error {
	c.writing.Lock()
	c.closed.Store(true) // what changes the state asks for it while it holds writing
	c.writing.Unlock()
	return c.Sync()
}

// Rules returns the network's rules.
func (c *Chain) Rules() *consensus.Rules { return c.rules }

// Now is the time that the chain checks timestamps against. Code that checks blocks before it adds them uses the same clock.
func (c *Chain) Now() time.Time { return c.now() }

// state is the state that the next block is on. The caller holds c.writing or c.mu.
func (c *Chain) state() consensus.State { return consensus.State{Tip: c.tip, Work: c.work} }

// Tip returns the last block of the active chain.
func (c *Chain) Tip() consensus.Header {
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

// commit makes the batch part of the state: the store changes, and then memory, by change. Readers see both or neither. The caller
// holds c.writing. A small batch is applied while c.mu is held; the engine needs milliseconds for a large one, and readers see the
// state before it meanwhile.
func (c *Chain) commit(b *store.Batch, change func()) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.Bytes() < largeBatch {
		err = c.store.Apply(b)
	} else {
		shown := c.newSnapshot()
		defer func() { _ = shown.release() }() // frees memory, and has nothing to report
		c.shown = shown
		c.mu.Unlock()
		err = c.store.Apply(b)
		c.mu.Lock()
		c.shown = nil
	}
	if err == nil {
		c.applied.Add(1)
		change()
		c.wakeRun()
	}
	return err
}

func (c *Chain) wakeRun() {
	signal(c.changed)
	signal(c.addresses.wake)
}

// signal wakes the goroutine that waits on a channel of size one.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
