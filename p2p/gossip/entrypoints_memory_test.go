package gossip

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
)

// mutated are spoilt copies of the honest block b, as anybody can make them: each is invalid, and has a hash of
// its own.
func mutated(t testing.TB, r *consensus.Rules, parent consensus.Header, b *consensus.Block) [][]byte {
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

// TestMutatedCopiesNeverKeepTheHonestBlockOut sends spoilt copies of a block before it, while it arrives and
// after it, by both entry points at once.
func TestMutatedCopiesNeverKeepTheHonestBlockOut(t *testing.T) {
	hosttest.NoLeaks(t)
	b := chaintest.New(t).Paying().Mine(4)
	blocks := b.Branch()
	honest, child := blocks[2], blocks[3]
	copies := mutated(t, b.Rules(), blocks[1].Header(), honest)
	tp, liar, friend := newTestPeer(t, chaintest.Open(t, b.Rules())), newBlockSource(t, b.Rules()), newBlockSource(t, b.Rules())
	connectBoth(t, tp, liar.testPeer)
	connectBoth(t, tp, friend.testPeer)
	before := chaintest.Raws(blocks[:2])
	spoil := func(t *testing.T, d *entryPoints) {
		for _, c := range copies {
			if v := d.receive(liar.testPeer, c); v != pubsub.ValidationReject {
				t.Errorf("verdict %v on %.60s", v, c)
			}
			if err := d.syncFrom(t, tp, liar, append(before[:2:2], c)...); !stream.IsProvable(err) {
				t.Errorf("sync said %v of %.60s", err, c)
			}
		}
	}
	arrive := map[string]func(t *testing.T, d *entryPoints){
		"gossip": func(t *testing.T, d *entryPoints) {
			if v := d.receive(friend.testPeer, honest.Canonical()); v != pubsub.ValidationAccept {
				t.Errorf("verdict %v on the honest block", v)
			}
		},
		"sync": func(t *testing.T, d *entryPoints) {
			if err := d.syncFrom(t, tp, friend, chaintest.Raws(blocks[:3])...); err != nil {
				t.Errorf("the honest chain was refused: %v", err)
			}
		},
	}
	for name, come := range arrive {
		t.Run(name, func(t *testing.T) {
			d := newEntryPoints(t, tp, fixed, b.Rules(), blocks[:2]...)
			spoil(t, d)
			var during sync.WaitGroup
			during.Go(func() { spoil(t, d) })
			come(t, d)
			during.Wait()
			spoil(t, d)
			if d.c.Tip() != honest.Header() {
				t.Fatalf("the tip is %v", d.c.Tip())
			}
			if v := d.receive(friend.testPeer, child.Canonical()); v != pubsub.ValidationAccept {
				t.Errorf("verdict %v on the honest block's child", v)
			}
			if d.table.IsRefused(friend.id) {
				t.Error("the honest peer is refused")
			}
		})
	}
}

// TestChildOfAnInvalidBlock is refused by its parent's name, and the parent's honest twin takes children as ever.
func TestChildOfAnInvalidBlock(t *testing.T) {
	hosttest.NoLeaks(t)
	r := chaintest.Rules()
	peer := newTestPeer(t, chaintest.Open(t, r))
	d := newEntryPoints(t, newTestPeer(t, chaintest.Open(t, r)), fixed, r)
	genesis := r.Genesis.Header()
	bad, err := r.ParseBlock(mutated(t, r, genesis, chaintest.Block(t, r, genesis, "miner", chaintest.Payment().Transaction()))[1])
	if err != nil {
		t.Fatal(err)
	}
	child := chaintest.Block(t, r, bad.Header(), "miner")
	if v := d.receive(peer, child.Canonical()); v != pubsub.ValidationIgnore {
		t.Errorf("verdict %v on a block whose parent is not known", v)
	}
	for _, c := range []struct {
		raw  []byte
		rule consensus.Rule
	}{{bad.Canonical(), consensus.RuleProof}, {child.Canonical(), consensus.RuleParentInvalid}, {bad.Canonical(), consensus.RuleProof}} {
		v := d.receive(peer, c.raw)
		var invalid *consensus.InvalidError
		if err := d.why.take(); v != pubsub.ValidationReject || !errors.As(err, &invalid) || invalid.Rule != c.rule {
			t.Errorf("verdict %v, %v, want the rule %q", v, err, c.rule)
		}
	}
}

// TestClockAndViewAreNotRemembered sends what cannot be judged yet, and the same again once it can be.
func TestClockAndViewAreNotRemembered(t *testing.T) {
	hosttest.NoLeaks(t)
	b := chaintest.New(t).Paying().Mine(2)
	r, blocks := b.Rules(), b.Branch()
	ahead := testNow.Add(r.MaxAhead + time.Minute)
	late, err := r.NewBlock(b.Tip(), chaintest.Proof(r, b.Tip()), float64(ahead.Unix()), []consensus.Transaction{chaintest.Reward(r, "miner")})
	if err != nil {
		t.Fatal(err)
	}
	tp, peer := newTestPeer(t, chaintest.Open(t, r)), newBlockSource(t, r)
	connectBoth(t, tp, peer.testPeer)
	page := chaintest.Raws(append(blocks[:2:2], late))
	sends := map[string]func(t *testing.T, d *entryPoints) error{
		"gossip": func(t *testing.T, d *entryPoints) error {
			for _, raw := range page {
				if d.c.Has(sha256.Sum256(raw)) {
					continue
				}
				if err := d.receiveBlock(t, tp, peer, raw); err != nil {
					return err
				}
			}
			return nil
		},
		"sync": func(t *testing.T, d *entryPoints) error { return d.syncFrom(t, tp, peer, page...) },
	}
	for name, send := range sends {
		t.Run("future by "+name, func(t *testing.T) {
			now := testNow
			d := newEntryPoints(t, tp, func() time.Time { return now }, r)
			if err := send(t, d); !errors.Is(err, consensus.ErrFuture) || d.table.IsRefused(peer.id) {
				t.Fatalf("%v; refused: %v", err, d.table.IsRefused(peer.id))
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
		d := newEntryPoints(t, tp, fixed, r)
		for range 3 {
			if err := d.receiveBlock(t, tp, peer, blocks[1].Canonical()); !errors.Is(err, chain.ErrOrphan) {
				t.Errorf("%v", err)
			}
		}
		for _, block := range blocks {
			if err := d.receiveBlock(t, tp, peer, block.Canonical()); err != nil {
				t.Errorf("block %d: %v", block.Index(), err)
			}
		}
	})
}
