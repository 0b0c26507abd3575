package chain

import (
	"iter"
	"time"

	"kuai/chain/store"
)

// Chain owns the state: the active chain, side branches and the pool. All methods may be called from any goroutine.
type Chain struct{ rules *Rules }

// Open loads the chain in st, or starts it with the genesis of r. It does not scan the blocks. now is the clock that
// timestamps are judged by. Errors wrap ErrDamaged where st contradicts itself or holds another network.
func Open(st *store.Store, r *Rules, now func() time.Time) (*Chain, error) { panic("skeleton") }

// Close waits for the disk. The store stays open: whoever opened it closes it.
func (c *Chain) Close() error { panic("skeleton") }

// Rules returns the network's rules.
func (c *Chain) Rules() *Rules { return c.rules }

// Tip returns the last block of the active chain.
func (c *Chain) Tip() Header { panic("skeleton") }

// Added says what became of a block.
type Added struct {
	Tip   bool // it is the new tip
	Relay bool // it may be passed on: false past MaxSiblings of one parent, and for a second block with the same parent and proof
}

// Add checks b against its branch and holds it; where its branch is longer than the active chain, switches to it.
// It does not wait for the disk. from names the sending peer, "" for this node.
// Errors: ErrKnown, ErrOrphan, ErrFuture, *InvalidError, or a failure of the store.
func (c *Chain) Add(b *Block, from string) (Added, error) { panic("skeleton") }

// AddSegment does for a run of blocks what Add does for one, in one batch. It returns how many were new and are now held;
// known blocks are skipped. Errors as for Add, of the first block refused; those before it stay.
func (c *Chain) AddSegment(s *Segment, from string) (n int, err error) { panic("skeleton") }

// AddMined holds a block that this node mined and waits for the disk. ErrStale where its parent is no longer the tip.
func (c *Chain) AddMined(b *Block) error { panic("skeleton") }

// Sync returns when everything that was held at the call is on disk. Concurrent calls share one write.
func (c *Chain) Sync() error { panic("skeleton") }

// Held is a block with what this node knows of it.
type Held struct {
	Block    *Block
	Active   bool // on the active chain
	From     string
	Received time.Time
}

// Block returns the held block with hash h, or ErrNotFound.
func (c *Chain) Block(h Hash) (Held, error) { panic("skeleton") }

// At returns the block at index on the active chain, or ErrNotFound.
func (c *Chain) At(index int64) (Held, error) { panic("skeleton") }

// Has says whether the block with hash h is held.
func (c *Chain) Has(h Hash) bool { panic("skeleton") }

// Locator lists hashes of the active chain for a chain request: the 10 newest, then doubling gaps, genesis last, at most 64.
func (c *Chain) Locator() []Hash { panic("skeleton") }

// Fork is the tip of a side branch and the last block that it shares with the active chain.
type Fork struct{ Tip, Point Header }

// Forks lists the side branches, longest first.
func (c *Chain) Forks() []Fork { panic("skeleton") }

// Snapshot is the active chain at one moment; it holds resources until Close.
type Snapshot struct{}

// Snapshot returns the active chain as it is now.
func (c *Chain) Snapshot() *Snapshot { panic("skeleton") }

// Tip returns the snapshot's last block.
func (s *Snapshot) Tip() Header { panic("skeleton") }

// ForkPoint returns the index of the first locator hash that is on the snapshot's chain, 1 (genesis) where none is.
func (s *Snapshot) ForkPoint(locator []Hash) int64 { panic("skeleton") }

// Blocks yields the canonical bytes of the blocks with index in [from, to), ascending. The bytes are valid until the next step.
func (s *Snapshot) Blocks(from, to int64) iter.Seq2[[]byte, error] { panic("skeleton") }

// Close releases the snapshot.
func (s *Snapshot) Close() error { panic("skeleton") }
