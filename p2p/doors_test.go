package p2p

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"golang.org/x/time/rate"

	"kuai/chain"
	"kuai/chain/chaintest"
)

// doorNow is the clock of every chain behind a door.
var doorNow = time.Unix(1_800_000_000, 0)

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

// doors are a node's two doors to peers, gossip and sync, without the loops that would open them by themselves.
type doors struct {
	*gossip
	why *reasons
}

// doorTo returns the doors of a node on st's host that holds blocks.
func doorTo(t testing.TB, st *station, now func() time.Time, r *chain.Rules, blocks ...*chain.Block) *doors {
	t.Helper()
	c := chaintest.OpenAt(t, r, now)
	for _, b := range blocks {
		if _, err := c.Add(b, ""); err != nil {
			t.Fatal(err)
		}
	}
	why := &reasons{}
	log := slog.New(why)
	m, err := newMetrics(nil, st.host)
	if err != nil {
		t.Fatal(err)
	}
	f := newFaults(log)
	s := newSyncer(st.host, c, r.Network(), "kuai-test", f, log)
	s.onSwitch = func(*chain.Block) {}
	return &doors{newGossip(st.host, c, s, f, m, log), why}
}

// hear hands raw to the validator of the block topic, as a message from a peer.
func (d *doors) hear(from *station, raw []byte) pubsub.ValidationResult {
	return d.judgeBlock(context.Background(), from.id, &pubsub.Message{Message: &pb.Message{Data: raw}})
}

// hearBlock takes a block through gossip, whole or announced and pulled, and returns what was said of it. For what was ignored
// the reason is the chain's: there is no guilt to log.
func (d *doors) hearBlock(t testing.TB, st *station, from *teller, raw []byte) error {
	t.Helper()
	if len(raw) > maxWhole && len(raw) <= d.c.Rules().MaxBlockBytes {
		return d.pullBlock(t, st, from, raw)
	}
	v := d.hear(from.station, raw)
	orphan := len(d.s.takeAll(d.s.woken)) > 0 // its sender is asked for what is before it
	switch {
	case v == pubsub.ValidationReject && len(raw) > maxWhole:
		return &chain.InvalidError{Rule: chain.RuleBlockSize, Detail: "refused by its length, before it was read"}
	case v == pubsub.ValidationReject && bytes.HasPrefix(raw, announcementStart):
		return &chain.InvalidError{Rule: chain.RuleBlockKeys, Detail: "no block begins with this key, and it is no announcement"}
	case v == pubsub.ValidationReject:
		return d.why.take()
	case v == pubsub.ValidationAccept:
		return nil
	case orphan:
		return chain.ErrOrphan
	}
	return chain.ErrFuture // all that is left: no case is known, and fresh chains relay
}

// pullBlock announces a large block and follows the announcement up.
func (d *doors) pullBlock(t testing.TB, st *station, from *teller, raw []byte) error {
	t.Helper()
	from.say(raw)
	st.connect(t, from.station)
	a := announced{hash: sha256.Sum256(raw), parent: d.c.Tip().Hash, index: d.c.Tip().Index + 1, size: len(raw), from: from.id}
	if v := d.hear(from.station, a.appendAnnouncement(nil)); v != pubsub.ValidationIgnore || len(d.pull) != 1 {
		t.Fatalf("announcement: %v, %d to pull", v, len(d.pull))
	}
	return d.pullOne(t.Context(), <-d.pull)
}

// teller is a peer that serves one page of blocks and any block that it was told to.
type teller struct {
	*station
	mu     sync.Mutex
	page   [][]byte // from index 2
	single []byte
}

func newTeller(t testing.TB, r *chain.Rules) *teller {
	t.Helper()
	tl := &teller{station: newStation(t, chaintest.Open(t, r))}
	tl.server.handlers[syncName] = tl.servePage
	tl.server.handlers[blocksName] = tl.serveSingle
	for _, name := range []string{syncName, blocksName} { // it is asked more often than a node ever would
		tl.server.gate.limits[name] = limit{perPeer: 64, total: 64, rate: rate.Inf, within: time.Minute}
	}
	tl.serveOnly(t)
	return tl
}

func (tl *teller) say(single []byte, page ...[]byte) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.single, tl.page = single, page
}

// servePage answers every request with the page, as the whole of a chain above the genesis.
func (tl *teller) servePage(_ context.Context, x *exchange) error {
	if _, err := readOne(x.r, maxSyncRequest); err != nil {
		return err
	}
	tl.mu.Lock()
	page := tl.page
	tl.mu.Unlock()
	head := syncHead{Fork: 1, From: 2, Count: uint32(len(page)), Height: int64(len(page)) + 1, Tip: sha256.Sum256(page[len(page)-1])}
	if err := writeFrame(x.w, head.append(nil)); err != nil {
		return err
	}
	for _, raw := range page {
		if err := writeFrame(x.w, raw); err != nil {
			return err
		}
	}
	return x.w.Flush()
}

// serveSingle answers every request with one block.
func (tl *teller) serveSingle(_ context.Context, x *exchange) error {
	if _, err := readOne(x.r, maxSyncRequest); err != nil {
		return err
	}
	tl.mu.Lock()
	single := tl.single
	tl.mu.Unlock()
	if err := writeFrame(x.w, single); err != nil {
		return err
	}
	return x.w.Flush()
}

// fixed is a clock that stands.
func fixed() time.Time { return doorNow }

// meet connects the hosts of two stations and lets each know where the other listens.
func meet(t testing.TB, a, b *station) {
	t.Helper()
	a.connect(t, b)
	a.host.Peerstore().AddAddrs(b.id, b.host.Addrs(), time.Hour)
}

func TestGossipDoor(t *testing.T) {
	noLeaks(t)
	b := chaintest.New(t).Paying().Mine(3)
	blocks := b.Branch()
	setting := chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: doorNow, Mined: blocks[0].Transactions()[0].ID}
	st, from := newStation(t, chaintest.Open(t, b.Rules())), newTeller(t, b.Rules())
	meet(t, st, from.station)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	joined := doorTo(t, st, fixed, b.Rules())
	if err := joined.join(ctx); err != nil { // to publish what was pulled
		t.Fatal(err)
	}
	var refusing *doors
	for _, c := range chaintest.BlockCases(setting) {
		valid := c.Rule == "" && c.Err == nil
		if refusing == nil || valid {
			refusing = doorTo(t, st, fixed, b.Rules(), blocks...)
			refusing.blocks = joined.blocks
		}
		d := refusing
		if err := c.Check(d.hearBlock(t, st, from, c.Raw)); err != nil {
			t.Error(err)
		}
		if !valid {
			if d.c.Tip() != setting.Parent {
				t.Fatalf("%s: the tip is %v", c.Name, d.c.Tip())
			}
			continue
		}
		refusing = nil
		if d.c.Tip().Hash != sha256.Sum256(c.Raw) {
			t.Errorf("%s: the tip is %v", c.Name, d.c.Tip())
		}
	}
}

func TestGossipDoorForTransactions(t *testing.T) {
	noLeaks(t)
	st := newStation(t, chaintest.Open(t, chaintest.Rules()))
	for _, c := range chaintest.TransactionCases(chaintest.Rules()) {
		d := doorTo(t, st, fixed, chaintest.Rules())
		v := d.judgeTransaction(t.Context(), "peer", &pubsub.Message{Message: &pb.Message{Data: c.Raw}})
		if err := c.Check(d.why.take()); err != nil {
			t.Error(err)
		}
		want, pending := pubsub.ValidationAccept, 1
		if c.Rule != "" {
			want, pending = pubsub.ValidationReject, 0
		}
		if n, _ := d.c.PoolSize(); v != want || n != pending {
			t.Errorf("%s: verdict %v, %d pending", c.Name, v, n)
		}
	}
}

// TestSyncDoor lets a peer serve each case as the end of a branch that is longer than ours.
func TestSyncDoor(t *testing.T) {
	noLeaks(t)
	b := chaintest.New(t).Paying().Mine(2)
	ours := b.Branch()
	theirs := b.Fork(2).Mine(2).Branch()
	setting := chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: doorNow, Mined: theirs[0].Transactions()[0].ID}
	st, liar := newStation(t, chaintest.Open(t, b.Rules())), newTeller(t, b.Rules())
	meet(t, st, liar.station)
	for _, c := range chaintest.BlockCases(setting) {
		d := doorTo(t, st, fixed, b.Rules(), ours...)
		err := d.syncFrom(t, st, liar, append(chaintest.Raws(theirs), c.Raw)...)
		if len(c.Raw) > b.Rules().MaxBlockBytes && errors.Is(err, errViolation) {
			err = &chain.InvalidError{Rule: chain.RuleBlockSize, Detail: err.Error()} // refused by its length, before it was read
		}
		if err := inPage(c).Check(err); err != nil {
			t.Error(err)
		}
		if c.Rule == "" && c.Err == nil {
			if d.c.Tip().Hash != sha256.Sum256(c.Raw) {
				t.Errorf("%s: the tip is %v", c.Name, d.c.Tip())
			}
			continue
		}
		if d.c.Tip() != ours[1].Header() {
			t.Errorf("%s: the tip is %v", c.Name, d.c.Tip())
		}
		if guilty := inPage(c).Rule != ""; d.f.refused(liar.id) != guilty {
			t.Errorf("%s: the peer is refused: %v", c.Name, !guilty)
		}
	}
}

// syncFrom downloads the page from the peer and returns why it was refused, wherever that was said.
func (d *doors) syncFrom(t testing.TB, st *station, from *teller, page ...[]byte) error {
	t.Helper()
	from.say(nil, page...)
	st.connect(t, from.station)
	err := newDownload(d.s, from.id).run(t.Context())
	if errors.Is(err, errNoPeers) && d.f.refused(from.id) { // the reader of frames said why
		err = errViolation
	}
	return err
}

// inPage is what a case means among the blocks of a chain: there the parent is the block before it, and no other.
func inPage(c chaintest.Case) chaintest.Case {
	if errors.Is(c.Err, chain.ErrOrphan) {
		c.Rule, c.Err = chain.RuleParent, nil
	}
	return c
}

// mutated are spoilt copies of the honest block b, as anybody can make them: each is invalid, and has a hash of its own.
func mutated(t testing.TB, r *chain.Rules, parent chain.Header, b *chain.Block) [][]byte {
	t.Helper()
	raw := string(b.Canonical())
	wrong := b.Header().Proof + 1
	for r.ValidProof(parent.Proof, wrong, parent.Hash) {
		wrong++
	}
	copies := [][]byte{[]byte(raw + " ")}
	for _, change := range [][2]string{
		{fmt.Sprintf(`"proof": %d`, b.Header().Proof), fmt.Sprintf(`"proof": %d`, wrong)},
		{`"sender": "0"`, `"sender": "1"`},
		{`"amount": 5`, `"amount": -5`},
		{`"transactions": [{`, `"transactions": [{}, {`},
		{`"index": `, `"index": 1`},
	} {
		spoilt := strings.Replace(raw, change[0], change[1], 1)
		if spoilt == raw {
			t.Fatalf("the block has no %s", change[0])
		}
		copies = append(copies, []byte(spoilt))
	}
	return copies
}

// TestMutatedCopiesNeverKeepTheHonestBlockOut sends spoilt copies of a block before it, while it arrives and after it, by both
// doors at once.
func TestMutatedCopiesNeverKeepTheHonestBlockOut(t *testing.T) {
	noLeaks(t)
	b := chaintest.New(t).Paying().Mine(4)
	blocks := b.Branch()
	honest, child := blocks[2], blocks[3]
	copies := mutated(t, b.Rules(), blocks[1].Header(), honest)
	st, liar, friend := newStation(t, chaintest.Open(t, b.Rules())), newTeller(t, b.Rules()), newTeller(t, b.Rules())
	meet(t, st, liar.station)
	meet(t, st, friend.station)
	before := chaintest.Raws(blocks[:2])
	spoil := func(t *testing.T, d *doors) {
		for _, c := range copies {
			if v := d.hear(liar.station, c); v != pubsub.ValidationReject {
				t.Errorf("verdict %v on %.60s", v, c)
			}
			if err := d.syncFrom(t, st, liar, append(before[:2:2], c)...); !provable(err) {
				t.Errorf("sync said %v of %.60s", err, c)
			}
		}
	}
	arrive := map[string]func(t *testing.T, d *doors){
		"gossip": func(t *testing.T, d *doors) {
			if v := d.hear(friend.station, honest.Canonical()); v != pubsub.ValidationAccept {
				t.Errorf("verdict %v on the honest block", v)
			}
		},
		"sync": func(t *testing.T, d *doors) {
			if err := d.syncFrom(t, st, friend, chaintest.Raws(blocks[:3])...); err != nil {
				t.Errorf("the honest chain was refused: %v", err)
			}
		},
	}
	for name, come := range arrive {
		t.Run(name, func(t *testing.T) {
			d := doorTo(t, st, fixed, b.Rules(), blocks[:2]...)
			spoil(t, d)
			var during sync.WaitGroup
			during.Go(func() { spoil(t, d) })
			come(t, d)
			during.Wait()
			spoil(t, d)
			if d.c.Tip() != honest.Header() {
				t.Fatalf("the tip is %v", d.c.Tip())
			}
			if v := d.hear(friend.station, child.Canonical()); v != pubsub.ValidationAccept {
				t.Errorf("verdict %v on the honest block's child", v)
			}
			if d.f.refused(friend.id) {
				t.Error("the honest peer is refused")
			}
		})
	}
}

// TestChildOfAnInvalidBlock is refused by its parent's name, and the parent's honest twin takes children as ever.
func TestChildOfAnInvalidBlock(t *testing.T) {
	noLeaks(t)
	r := chaintest.Rules()
	peer := newStation(t, chaintest.Open(t, r))
	d := doorTo(t, newStation(t, chaintest.Open(t, r)), fixed, r)
	genesis := r.Genesis.Header()
	bad, err := r.ParseBlock(mutated(t, r, genesis, chaintest.Block(t, r, genesis, "miner", chaintest.Payment()))[1])
	if err != nil {
		t.Fatal(err)
	}
	child := chaintest.Block(t, r, bad.Header(), "miner")
	if v := d.hear(peer, child.Canonical()); v != pubsub.ValidationIgnore {
		t.Errorf("verdict %v on a block whose parent is not known", v)
	}
	for _, c := range []struct {
		raw  []byte
		rule chain.Rule
	}{{bad.Canonical(), chain.RuleProof}, {child.Canonical(), chain.RuleParentInvalid}, {bad.Canonical(), chain.RuleProof}} {
		v := d.hear(peer, c.raw)
		var invalid *chain.InvalidError
		if err := d.why.take(); v != pubsub.ValidationReject || !errors.As(err, &invalid) || invalid.Rule != c.rule {
			t.Errorf("verdict %v, %v, want the rule %q", v, err, c.rule)
		}
	}
}

// TestClockAndViewAreNotRemembered sends what cannot be judged yet, and the same again once it can be.
func TestClockAndViewAreNotRemembered(t *testing.T) {
	noLeaks(t)
	b := chaintest.New(t).Paying().Mine(2)
	r, blocks := b.Rules(), b.Branch()
	ahead := doorNow.Add(r.MaxAhead + time.Minute)
	late, err := r.NewBlock(b.Tip(), chaintest.Proof(r, b.Tip()), float64(ahead.Unix()), []chain.Transaction{chaintest.Reward(r, "miner")})
	if err != nil {
		t.Fatal(err)
	}
	st, peer := newStation(t, chaintest.Open(t, r)), newTeller(t, r)
	meet(t, st, peer.station)
	page := chaintest.Raws(append(blocks[:2:2], late))
	sends := map[string]func(t *testing.T, d *doors) error{
		"gossip": func(t *testing.T, d *doors) error {
			for _, raw := range page {
				if d.c.Has(sha256.Sum256(raw)) {
					continue
				}
				if err := d.hearBlock(t, st, peer, raw); err != nil {
					return err
				}
			}
			return nil
		},
		"sync": func(t *testing.T, d *doors) error { return d.syncFrom(t, st, peer, page...) },
	}
	for name, send := range sends {
		t.Run("future by "+name, func(t *testing.T) {
			now := doorNow
			d := doorTo(t, st, func() time.Time { return now }, r)
			if err := send(t, d); !errors.Is(err, chain.ErrFuture) || d.f.refused(peer.id) {
				t.Fatalf("%v; refused: %v", err, d.f.refused(peer.id))
			}
			now = now.Add(time.Minute)
			if err := send(t, d); err != nil {
				t.Error(err)
			}
			if d.c.Tip() != late.Header() {
				t.Errorf("the tip is %v", d.c.Tip())
			}
		})
	}
	t.Run("orphan", func(t *testing.T) {
		d := doorTo(t, st, fixed, r)
		for range 3 {
			if err := d.hearBlock(t, st, peer, blocks[1].Canonical()); !errors.Is(err, chain.ErrOrphan) {
				t.Errorf("%v", err)
			}
		}
		for _, block := range blocks {
			if err := d.hearBlock(t, st, peer, block.Canonical()); err != nil {
				t.Errorf("block %d: %v", block.Index(), err)
			}
		}
	})
}
