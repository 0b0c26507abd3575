package miner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
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
	works     works
	behind    bool // our clock was behind the chain at the last block that Run wanted; only Run uses it

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
// Errors: ErrBusy, the cause of ctx's end, *consensus.ClockError before a search that would be in vain, or what Chain.AddMined says.
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

// extend mines one block on the present tip. The caller has the turn. ErrStale if another block came first.
func (m *Miner) extend(ctx context.Context) (*consensus.Block, error) {
	wake, stop := m.chain.Watch()
	defer stop()
	draft, proof, err := m.search(ctx, wake)
	if err != nil {
		return nil, m.meter.count(err)
	}
	b, err := m.seal(draft, proof)
	return b, m.meter.count(err)
}

// errAnew ends the search of a draft that is out of date, though its parent is still the tip.
var errAnew = errors.New("the draft is out of date")

// search looks for the proof that follows the tip, and returns it with the draft that it is for. ErrStale as soon as the chain has
// another tip. On a secure network, whose proofs seal the draft, it makes a new one from time to time: a search has no memory, so
// nothing is lost.
func (m *Miner) search(ctx context.Context, wake <-chan struct{}) (consensus.Draft, int64, error) {
	m.meter.begin(time.Now())
	defer func() { m.meter.end(time.Now()) }()
	progress := m.progress()
	for {
		rules := m.chain.Rules()
		draft := consensus.Draft{Parent: m.chain.Tip(), Recipient: m.recipient}
		if rules.IsSecure() {
			draft = m.sealed()
		}
		if err := rules.CheckClock(draft.Parent, m.chain.Now()); err != nil {
			return draft, 0, err
		}
		proof, err := m.searchFor(ctx, rules, draft, wake, progress)
		if !errors.Is(err, errAnew) {
			return draft, proof, err
		}
	}
}

// sealed returns the present draft with its time. Two blocks may follow each other within a microsecond.
func (m *Miner) sealed() consensus.Draft {
	d := m.chain.Draft(m.recipient)
	d.Timestamp = max(seconds(m.chain.Now()), math.Nextafter(d.Parent.Timestamp, math.Inf(1)))
	return d
}

// searchFor looks for the proof of a draft.
func (m *Miner) searchFor(ctx context.Context, rules *consensus.Rules, d consensus.Draft, wake <-chan struct{}, progress func(index int64)) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	look := m.lookout(d, rules.IsSecure(), wake, cancel)
	effort := search.Effort{Cores: int(m.cores.Load()), Share: int(m.share.Load())}
	return search.Proof(ctx, rules.Puzzle(d), effort, &m.meter.tries, func() {
		look()
		progress(d.Parent.Index + 1)
	})
}

const (
	draftAge  = time.Second            // at which a sealed draft is made anew, so that its time is right
	gatherFor = 100 * time.Millisecond // the same once other payments are pending; some milliseconds of work if they are many
)

// lookout returns what a search calls after each chunk: it ends the search with ErrStale when the tip is replaced, and with errAnew when
// a sealed draft is out of date. A goroutine for that would cost a block more than sealing it does.
func (m *Miner) lookout(d consensus.Draft, sealed bool, wake <-chan struct{}, cancel context.CancelCauseFunc) (look func()) {
	made, count, bytes := time.Now(), 0, 0
	if sealed {
		count, bytes = m.chain.PoolSize()
	}
	changed := false
	return func() {
		select {
		case <-wake:
			if m.chain.Tip().Hash != d.Parent.Hash {
				cancel(chain.ErrStale)
			}
			if sealed {
				c, b := m.chain.PoolSize()
				changed = c != count || b != bytes
			}
		default:
		}
		if !sealed {
			return
		}
		if age := time.Since(made); age > draftAge || changed && age > gatherFor {
			cancel(errAnew)
		}
	}
}

// progress returns what reports in the log, from time to time, how far a search is.
func (m *Miner) progress() func(index int64) {
	due := time.Now().Add(progressEvery)
	return func(index int64) {
		if time.Now().After(due) {
			due = due.Add(progressEvery)
			s := m.Status()
			m.log.Info("searching for a proof", "index", index, "tries", s.Tries, "rate", int64(s.Rate), "expected", s.Expected.Round(time.Second))
		}
	}
}

// seal makes the block of a draft with its proof and adds it to the chain. On a classic network it holds the payments that are pending
// now.
func (m *Miner) seal(d consensus.Draft, proof int64) (*consensus.Block, error) {
	rules, tip := m.chain.Rules(), d.Parent
	if !rules.IsSecure() {
		d = m.chain.Draft(m.recipient)
	}
	if d.Parent.Hash != tip.Hash {
		return nil, chain.ErrStale
	}
	if err := rules.CheckClock(tip, m.chain.Now()); err != nil {
		return nil, err
	}
	b, err := rules.Seal(d, proof, seconds(m.chain.Now()))
	if err != nil {
		return nil, fmt.Errorf("sealing block %d: %w", tip.Index+1, err)
	}
	if err := m.chain.AddMined(b); err != nil {
		return nil, fmt.Errorf("adding mined block %d: %w", b.Index(), err)
	}
	m.log.Info("mined a block", "index", b.Index(), "hash", b.Hash().Short(), "proof", proof, "payments", len(d.Payments))
	return b, nil
}

// seconds is a block's timestamp, as Python's time.time gives it.
func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
