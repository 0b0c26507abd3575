package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
)

// resolveTimeout bounds GET /nodes/resolve in all.
const resolveTimeout = 10 * time.Second

// resolve is GET /nodes/resolve: syncs now from every peer and registered node, then answers with the chain.
// A dead, slow or lying one never fails it.
func (s *Server) resolve(w http.ResponseWriter, r *http.Request) {
	_, done := liftDeadlines(w)
	defer done()
	before := s.chain.Tip()
	if err := shared(r.Context(), &s.resolves, s.reconcile); err != nil {
		s.fail(w, r, err)
		return
	}
	snap, release, err := s.snapshot(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer release()
	end := snap.Tip().Index + 1
	if snap.Tip().Hash != before.Hash {
		s.sendChain(w, r, snap, 1, end, `{"message":"Our chain was replaced","new_chain":[`, "]}\n")
		return
	}
	s.sendChain(w, r, snap, 1, end, `{"chain":[`, `],"message":"Our chain is authoritative"}`+"\n")
}

// reconcile asks everybody at once and waits for the disk. Its error is the client's leaving, or the store's.
func (s *Server) reconcile(ctx context.Context) error {
	before := s.chain.Tip()
	limited, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.network.SyncNow(limited); err != nil {
			s.log.Debug("sync for resolve ended early", "err", err)
		}
	})
	wg.Go(func() { s.readNeighbours(limited) })
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := s.chain.Sync(); err != nil && s.chain.Tip() != before {
		return fmt.Errorf("%w: %w", errNotKept, err)
	} else if err != nil {
		return err
	}
	return nil
}

// readNeighbours has all registered URLs asked what they are, and reads the chains of Flask nodes and of kuai nodes that answer and are not
// connected at this moment, all at once. They share one bound on what is held in memory.
func (s *Server) readNeighbours(ctx context.Context) {
	var budget atomic.Int64
	budget.Store(maxChainBody)
	s.network.AskRegistered(ctx, func(n Registered) {
		if n.Kind == "flask" || n.Kind == "kuai" && n.Answered && !n.Connected {
			s.readNeighbour(ctx, n, &budget)
		}
	})
}

// roomForSpelling is how much longer than its canonical form a block may be spelled elsewhere, by indentation and escapes.
const roomForSpelling = 4

func (s *Server) readNeighbour(ctx context.Context, n Registered, budget *atomic.Int64) {
	before := s.chain.Tip()
	err := s.adoptFrom(ctx, n, budget)
	if tip := s.chain.Tip(); err == nil && tip.Hash != before.Hash {
		s.log.Info("chain of a registered node read over HTTP", "node", n.Address, "index", tip.Index, "hash", tip.Hash.Short())
	}
	text := ""
	if err != nil {
		text = reason(err)
	}
	if s.unread.isNews(n.URL, text) && err != nil {
		s.log.Warn("chain of a registered node not adopted", "node", n.Address, "err", err)
	}
}

// unread is why the chains of registered nodes were not read, as the log said it last.
type unread struct {
	mu   sync.Mutex
	told map[string]string // by URL
}

// maxUnread is how many are remembered.
const maxUnread = 1024

// isNews reports whether text differs from what the log said of url last, and remembers it.
func (u *unread) isNews(url, text string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.told == nil || len(u.told) >= maxUnread {
		u.told = map[string]string{}
	}
	before := u.told[url]
	u.told[url] = text
	return text != before
}

// adoptFrom reads a neighbour's chain and adds what this node lacks, if it has more work, is valid and of our genesis.
func (s *Server) adoptFrom(ctx context.Context, n Registered, budget *atomic.Int64) error {
	body, err := s.out.get(ctx, n.URL+"/chain", maxChainBody)
	if err != nil {
		return err
	}
	defer body.Close()
	in := &inflow{chain: s.chain, budget: budget, now: s.chain.Now()}
	defer in.release()
	if err := splitChain(body, roomForSpelling*s.chain.Rules().MaxBlockBytes, in.take); err != nil {
		return tooLong(err)
	}
	if !in.wins() {
		return nil
	}
	return in.adopt("http://" + n.Address)
}

// inflow checks another node's blocks as they arrive and keeps those that this node lacks.
type inflow struct {
	chain  *chain.Chain
	budget *atomic.Int64 // bytes that may still be kept, shared by all inflows of one resolve
	now    time.Time
	last   consensus.Header
	work   consensus.Work     // of the blocks up to last
	lacked []*consensus.Block // consecutive, each linked to the one before
	size   int64
}

// take checks one block against the one before it: everything but what only the chain can know.
func (in *inflow) take(text []byte) error {
	rules := in.chain.Rules()
	if in.last.Index == 0 {
		return in.takeGenesis(text)
	}
	b, err := rules.ReadBlock(text)
	if err != nil {
		return fmt.Errorf("block %d: %w", in.last.Index+1, err)
	}
	if err := rules.CheckLink(in.last, b); err != nil {
		return fmt.Errorf("block %d: %w", in.last.Index+1, err)
	}
	if err := rules.CheckTime(b, in.now); err != nil {
		return fmt.Errorf("block %d: %w", in.last.Index+1, err)
	}
	next := rules.Next(consensus.State{Tip: in.last, Work: in.work}, b.Header())
	in.last, in.work = next.Tip, next.Work
	if len(in.lacked) == 0 && in.chain.Has(b.Hash()) {
		return nil
	}
	return in.keep(b)
}

func (in *inflow) takeGenesis(text []byte) error {
	rules := in.chain.Rules()
	if !hasIndexOne(text) {
		return errors.New("it does not begin with block 1: the whole chain is wanted")
	}
	if err := checkGenesis(rules, text); err != nil {
		return fmt.Errorf("block 1: %w", err)
	}
	start := rules.Start()
	in.last, in.work = start.Tip, start.Work
	return nil
}

func (in *inflow) keep(b *consensus.Block) error {
	size := int64(len(b.Canonical()))
	in.size += size
	if in.budget.Add(-size) < 0 {
		return errors.New("more new blocks than one resolve takes: resolve again when others have been read")
	}
	in.lacked = append(in.lacked, b)
	return nil
}

// wins reports whether what was read replaces the chain of this node.
func (in *inflow) wins() bool { return in.work.Compare(in.chain.State().Work) > 0 }

func (in *inflow) release() { in.budget.Add(in.size) }

// adoptBatch is how many blocks go into one batch of the store.
const adoptBatch = 2000

// adopt adds what was kept.
func (in *inflow) adopt(from string) error {
	for some := range slices.Chunk(in.lacked, adoptBatch) {
		run, at, err := in.chain.Rules().LinkBlocks(some)
		if err != nil {
			return fmt.Errorf("block %d of the new ones: %w", at+1, err)
		}
		if _, err := in.chain.AddBlocks(run, from); err != nil {
			return err
		}
	}
	return nil
}
