package miner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/miner/search"
)

// MaxQueue is how many callers of Mine may wait while another's search runs.
const MaxQueue = 16

// ErrBusy says that the queue is full.
var ErrBusy = errors.New("the miner is busy and 16 callers wait already; try again in a second")

// progressEvery is how often a long search says in the log how far it is.
const progressEvery = 10 * time.Second

// Chain is what the miner needs of a chain.Chain.
type Chain interface {
	Tip() consensus.Header
	Draft(recipient string) consensus.Draft
	AddMined(*consensus.Block) error
	Watch() (wake <-chan struct{}, stop func())
	Rules() *consensus.Rules
	PoolSize() (count, bytes int)
	Now() time.Time // the clock that the chain checks timestamps against
}

// Options are the operator's choices; the zero value is good.
type Options struct {
	Mode  Mode // when to mine without being asked, until SetMode
	Cores int  // how many cores a search uses, until SetCores; 0 for all
	Share int  // how much of their time it uses, in percent, until SetShare; 0 for all
}

// Miner mines blocks on a chain, one at a time. All methods may be called from any goroutine.
type Miner struct {
	chain     Chain
	recipient string
	cores     atomic.Int64 // that the next search uses
	share     atomic.Int64 // of their time, in percent
	log       *slog.Logger
	meter     meter

	places chan struct{} // held by a caller from Mine to its return
	turn   chan struct{} // held by the caller that searches; given in order of arrival

	mu      sync.Mutex
	mode    Mode
	endMode context.CancelFunc // ends what Run does in the present mode; nil while it does nothing
}

// New returns a miner whose rewards go to recipient. It does nothing before Mine or Run.
func New(c Chain, recipient string, opts Options, log *slog.Logger) *Miner {
	m := &Miner{
		chain:     c,
		recipient: recipient,
		log:       log,
		places:    make(chan struct{}, 1+MaxQueue),
		turn:      make(chan struct{}, 1),
		mode:      opts.Mode,
	}
	m.SetCores(opts.Cores)
	m.SetShare(opts.Share)
	return m
}

// Mine mines one block on the tip and returns when it is on disk. Where the tip changes meanwhile, the search starts anew.
// Errors: ErrBusy, the cause of ctx's end, or what Chain.AddMined says.
func (m *Miner) Mine(ctx context.Context) (*consensus.Block, error) {
	select {
	case m.places <- struct{}{}:
		defer func() { <-m.places }()
	default:
		return nil, ErrBusy
	}
	if err := m.takeTurn(ctx); err != nil {
		return nil, err
	}
	defer m.endTurn()
	for {
		b, err := m.extend(ctx)
		if !errors.Is(err, chain.ErrStale) {
			return b, err
		}
	}
}

func (m *Miner) takeTurn(ctx context.Context) error {
	select {
	case m.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *Miner) endTurn() { <-m.turn }

// extend mines one block on the present tip. The caller has the turn. ErrStale where another block came first.
func (m *Miner) extend(ctx context.Context) (*consensus.Block, error) {
	wake, stop := m.chain.Watch()
	defer stop()
	tip := m.chain.Tip()
	proof, err := m.search(ctx, tip, wake)
	if err != nil {
		return nil, m.meter.count(err)
	}
	b, err := m.seal(tip, proof)
	return b, m.meter.count(err)
}

// search looks for the proof that follows tip. ErrStale as soon as the chain has another tip.
func (m *Miner) search(ctx context.Context, tip consensus.Header, wake <-chan struct{}) (int64, error) {
	m.meter.begin(time.Now())
	defer func() { m.meter.end(time.Now()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	look := m.lookout(tip, wake, cancel)
	effort := search.Effort{Cores: int(m.cores.Load()), Share: int(m.share.Load())}
	puzzle := m.chain.Rules().Puzzle(consensus.Draft{Parent: tip, Recipient: m.recipient})
	return search.Proof(ctx, puzzle, effort, &m.meter.tries, look)
}

// lookout returns what a search calls after each chunk: it ends the search with ErrStale when the tip is replaced, and reports its
// progress. A goroutine for that would cost a block more than sealing it does.
func (m *Miner) lookout(tip consensus.Header, wake <-chan struct{}, cancel context.CancelCauseFunc) (look func()) {
	due := time.Now().Add(progressEvery)
	return func() {
		select {
		case <-wake:
			if m.chain.Tip().Hash != tip.Hash {
				cancel(chain.ErrStale)
			}
		default:
		}
		if time.Now().After(due) {
			due = due.Add(progressEvery)
			s := m.Status()
			m.log.Info("searching for a proof", "index", tip.Index+1, "tries", s.Tries, "rate", int64(s.Rate), "expected", s.Expected.Round(time.Second))
		}
	}
}

// seal makes the block that the proof is for and adds it to the chain. Its transactions are those pending now.
func (m *Miner) seal(tip consensus.Header, proof int64) (*consensus.Block, error) {
	draft := m.chain.Draft(m.recipient)
	if draft.Parent.Hash != tip.Hash {
		return nil, chain.ErrStale
	}
	b, err := m.chain.Rules().Seal(draft, proof, seconds(m.chain.Now()))
	if err != nil {
		return nil, fmt.Errorf("sealing block %d: %w", tip.Index+1, err)
	}
	if err := m.chain.AddMined(b); err != nil {
		return nil, fmt.Errorf("adding mined block %d: %w", b.Index(), err)
	}
	m.log.Info("mined a block", "index", b.Index(), "hash", b.Hash().Short(), "proof", proof, "payments", len(draft.Payments))
	return b, nil
}

// seconds is a block's timestamp, as Python's time.time gives it.
func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// Submit seals a block with a proof that was found elsewhere, for the block with hash parent. ErrStale where that is no longer
// the tip, *chain.InvalidError where the proof does not follow it.
func (m *Miner) Submit(parent consensus.Hash, proof int64) (*consensus.Block, error) {
	tip := m.chain.Tip()
	if tip.Hash != parent {
		return nil, m.meter.count(chain.ErrStale)
	}
	b, err := m.seal(tip, proof)
	return b, m.meter.count(err)
}

// Work returns what an external miner works on: the parent, and the payments that the block would hold now.
func (m *Miner) Work() consensus.Draft { return m.chain.Draft(m.recipient) }
