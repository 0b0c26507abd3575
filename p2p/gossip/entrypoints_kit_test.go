package gossip

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/chainsync"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// testPeer is a host of a network that may answer by protocols.
type testPeer struct {
	host   host.Host
	id     peer.ID
	rules  *consensus.Rules
	server *stream.Server
}

func newTestPeer(t testing.TB, c *chain.Chain) *testPeer {
	t.Helper()
	h, log := hosttest.New(t), slog.New(slog.DiscardHandler)
	table := peers.New(h, peers.NewGater(h.ID(), "", nil, log), peers.Config{Network: c.Rules().Network()}, log)
	return &testPeer{host: h, id: h.ID(), rules: c.Rules(), server: stream.NewServer(table)}
}

// serveOnly answers until the test's end and asks nobody.
func (tp *testPeer) serveOnly(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	tp.server.Open(ctx, tp.host, tp.rules.Network())
	t.Cleanup(func() {
		cancel()
		tp.server.Close(tp.host, tp.rules.Network())
	})
}

// connect dials other, and returns when the test peer knows all protocols that other serves.
func (tp *testPeer) connect(t testing.TB, other *testPeer) {
	t.Helper()
	if err := tp.host.Connect(t.Context(), peer.AddrInfo{ID: other.id, Addrs: other.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	for name := range other.server.Handlers {
		hosttest.Eventually(t, "the other's protocols are known", func() bool {
			known, err := tp.host.Peerstore().SupportsProtocols(other.id, stream.ID(tp.rules.Network(), name))
			return err == nil && len(known) > 0
		})
	}
}

// testNow is the time of every chain in these tests.
var testNow = time.Unix(1_800_000_000, 0)

// reasons is a log handler that keeps the errors that messages were refused with.
type reasons struct {
	slog.Handler
	mu   sync.Mutex
	last error
}

func (r *reasons) Enabled(context.Context, slog.Level) bool { return true }

func (r *reasons) Handle(_ context.Context, rec slog.Record) error {
	rec.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			r.mu.Lock()
			r.last = err
			r.mu.Unlock()
		}
		return true
	})
	return nil
}

func (r *reasons) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r *reasons) WithGroup(string) slog.Handler      { return r }

// take returns the last error and forgets it.
func (r *reasons) take() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.last
	r.last = nil
	return err
}

// refusalRecorder is a table of peers that logs every refusal.
type refusalRecorder struct {
	*peers.Table
	log *slog.Logger
}

func (f refusalRecorder) Refused(_ peer.ID, _, what string, args ...any) {
	f.log.Debug(what, args...) //nolint:sloglint // a constant at each caller
}

// counted counts what is not passed on.
type counted struct{ rejected int }

func (*counted) Message(string, string)   {}
func (c *counted) Rejected(string)        { c.rejected++ }
func (*counted) Dropped()                 {}
func (*counted) Orphan()                  {}
func (*counted) Arrived(*consensus.Block) {}
func (*counted) Happened(chain.Event)     {}

// noLab makes no faults.
type noLab struct{}

func (noLab) Filter(peer.ID, *pubsub.RPC)                            {}
func (noLab) Intercepts(peer.ID, string, []byte) bool                { return false }
func (noLab) Deliver(context.Context, func(peer.ID, string, []byte)) {}

// waker is a syncer that notes whether it was woken.
type waker struct {
	*chainsync.Syncer
	woken bool
}

func (w *waker) Wake(peer.ID) { w.woken = true }

// entryPoints are the two ways of blocks into a node, gossip and sync, without the loops that would start by
// themselves.
type entryPoints struct {
	*Gossip
	sync  *waker
	table *peers.Table
	why   *reasons
}

// newEntryPoints returns the entry points of a node on tp's host that holds blocks.
func newEntryPoints(t testing.TB, tp *testPeer, now func() time.Time, r *consensus.Rules, blocks ...*consensus.Block) *entryPoints {
	t.Helper()
	c := chaintest.OpenAt(t, r, now)
	for _, b := range blocks {
		if _, err := c.Add(b, ""); err != nil {
			t.Fatal(err)
		}
	}
	why := &reasons{}
	log := slog.New(why)
	table := peers.New(tp.host, peers.NewGater(tp.id, "", nil, log), peers.Config{Network: r.Network()}, log)
	says := refusalRecorder{table, log}
	v := stream.NewServer(says)
	s := chainsync.New(c, chainsync.Config{Agent: "kuai-test"}, says, stream.Client{Host: tp.host, Network: r.Network(), Refused: says.Refused}, v, log)
	w := &waker{Syncer: s}
	return &entryPoints{New(Parts{
		Host: tp.host, Chain: c, Server: v, Syncer: w, Table: says, Counter: &counted{}, Lab: noLab{}, Log: log, Library: log,
	}), w, table, why}
}

// receive hands raw to the validator of the block topic, as a message from a peer.
func (d *entryPoints) receive(from *testPeer, raw []byte) pubsub.ValidationResult {
	return d.judgeBlock(context.Background(), from.id, &pubsub.Message{Message: &pb.Message{Data: raw}})
}

// receiveBlock takes a block through gossip, whole or announced and pulled, and returns what was said of it.
// For an ignored message the error is the chain's, as nothing is logged.
func (d *entryPoints) receiveBlock(t testing.TB, tp *testPeer, from *blockSource, raw []byte) error {
	t.Helper()
	if len(raw) > wire.MaxWhole && len(raw) <= d.c.Rules().MaxBlockBytes {
		return d.pullBlock(t, tp, from, raw)
	}
	d.sync.woken = false
	v := d.receive(from.testPeer, raw)
	orphan := d.sync.woken // its sender is asked for what is before it
	switch {
	case v == pubsub.ValidationReject && len(raw) > wire.MaxWhole:
		return &consensus.InvalidError{Rule: consensus.RuleBlockSize, Detail: "refused by its length, before it was read"}
	case v == pubsub.ValidationReject && wire.IsAnnouncement(raw):
		return &consensus.InvalidError{Rule: consensus.RuleBlockKeys, Detail: "no block begins with this key, and it is not an announcement"}
	case v == pubsub.ValidationReject:
		return d.why.take()
	case v == pubsub.ValidationAccept:
		return nil
	case orphan:
		return chain.ErrOrphan
	}
	return consensus.ErrFuture // all that is left: no case is known, and fresh chains relay
}

// pullBlock announces a large block and follows the announcement up.
func (d *entryPoints) pullBlock(t testing.TB, tp *testPeer, from *blockSource, raw []byte) error {
	t.Helper()
	from.serveNext(raw)
	tp.connect(t, from.testPeer)
	a := wire.Announcement{Hash: sha256.Sum256(raw), Parent: d.c.Tip().Hash, Index: d.c.Tip().Index + 1, Size: len(raw)}
	if v := d.receive(from.testPeer, a.Append(nil)); v != pubsub.ValidationIgnore || len(d.pulls.queue) != 1 {
		t.Fatalf("announcement: %v, %d to pull", v, len(d.pulls.queue))
	}
	waits := <-d.pulls.queue
	announcer, _ := d.pulls.next(waits)
	return d.pullFrom(t.Context(), announced{waits, announcer})
}

// blockSource is a peer that serves one page of blocks and any block that it was told to.
type blockSource struct {
	*testPeer
	mu     sync.Mutex
	page   [][]byte // from index 2
	single []byte
}

func newBlockSource(t testing.TB, r *consensus.Rules) *blockSource {
	t.Helper()
	tl := &blockSource{testPeer: newTestPeer(t, chaintest.Open(t, r))}
	tl.server.Handlers[stream.Sync] = tl.servePage
	tl.server.Handlers[stream.Blocks] = tl.serveSingle
	tl.server.Handlers[stream.Pool] = tl.servePool
	for _, name := range []string{stream.Sync, stream.Blocks, stream.Pool} { // it is asked more often than a node ever would
		tl.server.SetLimit(name, stream.Limit{PerPeer: 64, Total: 64, Rate: rate.Inf, Within: time.Minute})
	}
	tl.serveOnly(t)
	return tl
}

func (tl *blockSource) serveNext(single []byte, page ...[]byte) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.single, tl.page = single, page
}

// servePage answers every request with the page, as the whole of a chain above the genesis.
func (tl *blockSource) servePage(_ context.Context, x *stream.Exchange) error {
	if _, err := wire.ReadOne(x.R, wire.MaxSyncRequest); err != nil {
		return err
	}
	tl.mu.Lock()
	page := tl.page
	tl.mu.Unlock()
	head := wire.SyncHead{Fork: 1, From: 2, Count: uint32(len(page)), Height: int64(len(page)) + 1, Tip: sha256.Sum256(page[len(page)-1])}
	if err := wire.WriteFrame(x.W, head.Append(nil)); err != nil {
		return err
	}
	for _, raw := range page {
		if err := wire.WriteFrame(x.W, raw); err != nil {
			return err
		}
	}
	return x.W.Flush()
}

// serveSingle answers every request with one block.
func (tl *blockSource) serveSingle(_ context.Context, x *stream.Exchange) error {
	if _, err := wire.ReadOne(x.R, wire.MaxSyncRequest); err != nil {
		return err
	}
	tl.mu.Lock()
	single := tl.single
	tl.mu.Unlock()
	if err := wire.WriteFrame(x.W, single); err != nil {
		return err
	}
	return x.W.Flush()
}

// servePool offers one transaction, by its id if it has one, and sends it.
func (tl *blockSource) servePool(_ context.Context, x *stream.Exchange) error {
	tl.mu.Lock()
	single := tl.single
	tl.mu.Unlock()
	offer := chaintest.Payment()
	if tx, err := tl.rules.ParsePayment(single); err == nil {
		offer = tx
	}
	for _, frame := range [][]byte{wire.AppendIDs(nil, []consensus.ID{offer.ID()}), nil} {
		if err := wire.WriteFrame(x.W, frame); err != nil {
			return err
		}
	}
	if err := x.W.Flush(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, x.R); err != nil { // what is wanted
		return err
	}
	if err := wire.WriteFrame(x.W, single); err != nil {
		return err
	}
	return x.W.Flush()
}

// fixed is a clock that stands.
func fixed() time.Time { return testNow }

// connectBoth connects the hosts of two test peers and lets each know where the other listens.
func connectBoth(t testing.TB, a, b *testPeer) {
	t.Helper()
	a.connect(t, b)
	a.host.Peerstore().AddAddrs(b.id, b.host.Addrs(), time.Hour)
}

// syncFrom downloads the page from the peer and returns why it was refused, wherever that was said.
func (d *entryPoints) syncFrom(t testing.TB, tp *testPeer, from *blockSource, page ...[]byte) error {
	t.Helper()
	from.serveNext(nil, page...)
	tp.connect(t, from.testPeer)
	_, err := d.sync.Download(t.Context(), from.id)
	if errors.Is(err, chainsync.ErrNoPeers) && d.table.IsRefused(from.id) { // the reader of frames said why
		err = wire.ErrViolation
	}
	return err
}

// inPage is what a case means among the blocks of a chain: there the parent is the block before it, and no other.
func inPage(c chaintest.Case) chaintest.Case {
	if errors.Is(c.Err, chain.ErrOrphan) {
		c.Rule, c.Err = consensus.RuleParent, nil
	}
	return c
}
