package chainsync

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// infoGap is how many blocks a sync must be behind for its start and end to be logged at Info.
const infoGap = 64

// Progress is what the sync is doing.
type Progress struct {
	Active bool
	Peer   string // source of the blocks; "" unless Active
	Height int64  // our height
	Target int64  // height that the peer claims; our height unless Active
}

// Config is the configuration of a syncer. Its zero value is usable.
type Config struct {
	Agent    string                      // program and version, told to peers
	Name     string                      // what its operator calls this node, told to peers
	Synced   func(moved bool, err error) // called after every sync
	Switched func(tip *consensus.Block)  // called after every sync that moved the tip
	Pulled   func(p consensus.Payment)   // called with every payment from a pool exchange
}

// table is the part of the table of peers that the syncer needs.
type table interface {
	StatusReceived(p peer.ID)                   // p sent a status of our network
	Stall(p peer.ID, reason string)             // p did not deliver
	Progressed(p peer.ID)                       // p delivered
	Paused(p peer.ID) bool                      // p is not to be asked for blocks now
	Punish(p peer.ID, err error)                // p broke the protocol: disconnect it
	Drop(p peer.ID)                             // disconnect p
	DropForeign(p peer.ID, theirs, ours string) // p is of another network: disconnect it
}

// Syncer keeps this node's chain and pool up to date with its peers'.
type Syncer struct {
	host    host.Host
	chain   *chain.Chain
	network string
	agent   string
	name    string // of this node, for peers
	peers   table
	log     *slog.Logger
	server  *stream.Server
	client  stream.Client

	arrivals *arrivals

	spanBlocks int64 // most blocks of one chain request; tests ask for less

	onSync   func(moved bool, err error)
	onSwitch func(tip *consensus.Block)
	onPull   func(p consensus.Payment)

	askWake       chan struct{} // size one: toAsk is not empty
	pullWake      chan struct{} // size one: toPull is not empty
	ahead         chan struct{} // size one: a peer may be ahead of us
	turn          chan struct{} // size one: held by the sync in progress
	pulls         chan struct{} // held by pulls from the pools of peers that we dialled
	pullsOfOthers chan struct{} // the same for all others
	unproductive  int           // syncs in a row that ended with errDull; owned by the holder of the turn
	tasks         sync.WaitGroup

	mu       sync.Mutex
	contacts map[peer.ID]*contact
	names    map[peer.ID]string           // of disconnected peers
	toAsk    map[peer.ID]struct{}         // to be asked for their status
	toPull   map[peer.ID]struct{}         // to be asked for their pool
	expected map[consensus.Hash]time.Time // blocks that gossip pulls; no sync starts for them before that time
	state    Progress
}

// New returns a syncer that asks by client, answers by server, and does nothing else before Run.
func New(c *chain.Chain, cfg Config, peers table, client stream.Client, server *stream.Server, log *slog.Logger) *Syncer {
	s := &Syncer{
		host: client.Host, chain: c, network: client.Network, agent: cfg.Agent, name: cfg.Name, peers: peers, client: client, server: server, log: log,
		spanBlocks:    spanBlocks,
		onSwitch:      cfg.Switched,
		onPull:        cfg.Pulled,
		onSync:        cfg.Synced,
		askWake:       make(chan struct{}, 1),
		pullWake:      make(chan struct{}, 1),
		ahead:         make(chan struct{}, 1),
		turn:          make(chan struct{}, 1),
		pulls:         make(chan struct{}, maxPoolPulls),
		pullsOfOthers: make(chan struct{}, maxPoolPulls),
		contacts:      make(map[peer.ID]*contact),
		names:         make(map[peer.ID]string),
		toAsk:         make(map[peer.ID]struct{}),
		toPull:        make(map[peer.ID]struct{}),
		expected:      make(map[consensus.Hash]time.Time),
	}
	if s.onSwitch == nil {
		s.onSwitch = func(*consensus.Block) {}
	}
	if s.onPull == nil {
		s.onPull = func(consensus.Payment) {}
	}
	if s.onSync == nil {
		s.onSync = func(bool, error) {}
	}
	s.arrivals = newArrivals(log, s.nameOf)
	s.serve(server)
	return s
}

// serve registers the handlers of the syncer. A sync stream may carry megabytes, so a few at once suffice to
// fill the uplink.
func (s *Syncer) serve(v *stream.Server) {
	v.Handle(stream.Status, stream.Limit{PerPeer: 4, Total: 128, Rate: 10, Burst: 20, Within: 5 * time.Second}, s.serveStatus)
	v.Handle(stream.Sync, stream.Limit{PerPeer: leadWorkers, Total: 32, Rate: 50, Burst: 100, Within: 60 * time.Second}, s.serveSync)
	v.Handle(stream.Blocks, stream.Limit{PerPeer: 8, Total: 64, Rate: 100, Burst: 200, Within: 30 * time.Second}, s.serveBlocks)
	v.Handle(stream.Pool, stream.Limit{PerPeer: 1, Total: 16, Rate: 0.5, Burst: 5, Within: 60 * time.Second}, s.servePool)
}

// blame punishes p if err proves that it answered badly.
func (s *Syncer) blame(p peer.ID, err error) {
	if stream.IsProvable(err) {
		s.peers.Punish(p, err)
	}
}

// Run exchanges statuses, pulls pools and syncs until ctx ends. It returns when all that it started has ended.
func (s *Syncer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.statusLoop(ctx) })
	g.Go(func() error { return s.arrivals.run(ctx) })
	g.Go(func() error { return s.poolLoop(ctx) })
	g.Go(func() error { return s.syncLoop(ctx) })
	err := g.Wait()
	s.tasks.Wait()
	return err
}

// Wake says that p may have a longer chain: a status exchange with p starts soon. It never blocks.
func (s *Syncer) Wake(p peer.ID) {
	s.mu.Lock()
	s.toAsk[p] = struct{}{}
	s.mu.Unlock()
	signal(s.askWake)
}

// Expect says that the block of hash is being pulled: until arrived is called, or fetchWithin has passed, a
// status with that tip starts no sync.
func (s *Syncer) Expect(hash consensus.Hash) (arrived func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected[hash] = time.Now().Add(fetchWithin)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.expected, hash)
	}
}

// takeAll empties one of the sets that mu guards, and returns its elements.
func (s *Syncer) takeAll(set map[peer.ID]struct{}) []peer.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	peers := slices.Collect(maps.Keys(set))
	clear(set)
	return peers
}

// signal sends to a channel of size one, unless it is full.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Now exchanges statuses with every connected peer and syncs from those that claim more work. It returns when
// done or when ctx ends; a bad peer does not make it fail.
func (s *Syncer) Now(ctx context.Context) error {
	var asked sync.WaitGroup
	for _, p := range s.kuaiPeers() {
		asked.Go(func() { _ = s.exchangeStatus(ctx, p) })
	}
	asked.Wait()
	return s.catchUp(ctx)
}

// syncLoop syncs whenever a peer may be ahead. It logs a failure of this node; the next status tries again.
func (s *Syncer) syncLoop(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.ahead:
		}
		if err := s.catchUp(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("sync failed", "error", err)
		}
	}
}

// catchUp syncs until no peer that may be asked claims more work. One call runs at a time. Its error is the
// context's or a failure of this node, never a peer's.
func (s *Syncer) catchUp(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	for again := false; ; again = true {
		lead, ok := s.candidate(again)
		if !ok {
			return ctx.Err()
		}
		if err := s.follow(ctx, lead.peer, lead.msg); err != nil {
			return err
		}
	}
}

// candidate returns a peer that claims more work than we have and may be asked: first the one that claims most,
// then random ones, in half of the calls one that we dialled. So peers with false claims, however many, delay
// the others only for a while.
func (s *Syncer) candidate(again bool) (claimant, bool) {
	all := s.candidates(s.isAhead)
	if len(all) == 0 {
		return claimant{}, false
	}
	if !again {
		return all[0], true
	}
	ours := slices.DeleteFunc(slices.Clone(all), func(c claimant) bool { return !s.client.HasDialled(c.peer) })
	if len(ours) > 0 && rand.N(2) == 0 {
		all = ours
	}
	return all[rand.N(len(all))], true
}

// hasOther reports whether a peer other than lead claims more work than we have and may be asked.
func (s *Syncer) hasOther(lead peer.ID) bool {
	return slices.ContainsFunc(s.candidates(s.isAhead), func(c claimant) bool { return c.peer != lead })
}

// claimant is a peer with its last status.
type claimant struct {
	peer peer.ID
	msg  wire.Status
}

// candidates returns the peers with a wanted status that may be asked, those that claim most first, equal ones
// in random order.
func (s *Syncer) candidates(wanted func(wire.Status) bool) []claimant {
	now := time.Now()
	var all []claimant
	s.mu.Lock()
	for p, c := range s.contacts {
		if c.hasStatus && !(c.rejectedTip == c.msg.Tip && now.Before(c.rejectedUntil)) {
			all = append(all, claimant{p, c.msg})
		}
	}
	s.mu.Unlock()
	all = slices.DeleteFunc(all, func(c claimant) bool {
		return !wanted(c.msg) || s.peers.Paused(c.peer) || !s.client.Speaks(c.peer, stream.Sync)
	})
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortStableFunc(all, func(a, b claimant) int { return b.msg.Claim().Compare(a.msg.Claim()) })
	return all
}

// follow downloads the chain of lead. It returns an error only if it is not a peer's fault.
func (s *Syncer) follow(ctx context.Context, lead peer.ID, msg wire.Status) error {
	before, began := s.chain.Tip(), time.Now()
	level := slog.LevelDebug
	if msg.Height-before.Index >= infoGap {
		level = slog.LevelInfo
	}
	s.log.Log(ctx, level, "sync started", "peer", lead, "height", before.Index, "target", msg.Height)
	s.setState(Progress{Active: true, Peer: lead.String(), Target: msg.Height})
	added, err := s.Download(ctx, lead)
	after := s.chain.Tip()
	s.setState(Progress{})
	s.log.Log(ctx, level, "sync finished", "peer", lead, "height", after.Index, "hash", after.Hash.Short(),
		"blocks", added, "took", time.Since(began).Round(time.Millisecond), "outcome", outcome(err))
	s.onSync(after.Hash != before.Hash, err)
	if after.Hash != before.Hash {
		s.announce(after)
		if level < slog.LevelInfo {
			s.arrivals.block(after, lead)
		}
	}
	return s.conclude(ctx, lead, msg, after.Hash != before.Hash, err)
}

// outcome returns for the log how a sync ended.
func outcome(err error) string {
	if err == nil {
		return "complete"
	}
	return err.Error()
}

// conclude stalls the lead of a sync that failed or disproved its claim, and rejects the disproved claim. It
// returns only errors of this node.
func (s *Syncer) conclude(ctx context.Context, lead peer.ID, msg wire.Status, moved bool, err error) error {
	if err == nil {
		s.unproductive = 0
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, new(*localError)):
		return err
	case errors.Is(err, errUnproductive):
		s.unproductive++
		s.peers.Stall(lead, err.Error())
	case err == nil && s.isAhead(msg):
		s.rejectClaim(lead, msg.Tip)
		s.peers.Stall(lead, "claim not borne out")
	case err != nil && !moved && !s.peers.Paused(lead):
		s.peers.Stall(lead, err.Error())
	}
	return nil
}

// rejectClaim records that a sync has disproved p's claim of tip.
func (s *Syncer) rejectClaim(p peer.ID, tip consensus.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	c.rejectedTip, c.rejectedUntil = tip, time.Now().Add(rejectedFor)
}

// setState sets what the sync is doing.
func (s *Syncer) setState(state Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

// Progress returns what the sync is doing.
func (s *Syncer) Progress() Progress {
	height := s.chain.Tip().Index
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.state
	state.Height, state.Target = height, max(height, state.Target)
	return state
}

// announce calls onSwitch with the new tip.
func (s *Syncer) announce(tip consensus.Header) {
	held, err := s.chain.Block(tip.Hash)
	if err != nil {
		s.log.Error("tip after sync is not readable", "hash", tip.Hash, "error", err)
		return
	}
	s.onSwitch(held.Block)
}
