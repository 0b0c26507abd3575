package gossip

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/wire"
)

// onEachProfile runs a test on a classic and on a secure network.
func onEachProfile(t *testing.T, test func(t *testing.T, r *consensus.Rules)) {
	hosttest.NoLeaks(t)
	for _, r := range []*consensus.Rules{chaintest.Rules(), chaintest.SecureRules()} {
		t.Run(string(r.Profile), func(t *testing.T) { test(t, r) })
	}
}

func TestGossipEntryPoint(t *testing.T) { onEachProfile(t, gossipEntryPoint) }

func gossipEntryPoint(t *testing.T, r *consensus.Rules) {
	b := chaintest.NewOn(t, r).Paying().Mine(3)
	blocks := b.Branch()
	setting := chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: testNow, Mined: blocks[0].Transactions()[0].ID}
	tp, from := newTestPeer(t, chaintest.Open(t, b.Rules())), newBlockSource(t, b.Rules())
	connectBoth(t, tp, from.testPeer)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	joined := newEntryPoints(t, tp, fixed, b.Rules())
	if err := joined.Join(ctx); err != nil { // to publish what was pulled
		t.Fatal(err)
	}
	var refusing *entryPoints
	for _, c := range chaintest.BlockCases(setting) {
		valid := c.Rule == "" && c.Err == nil
		if refusing == nil || valid {
			refusing = newEntryPoints(t, tp, fixed, b.Rules(), blocks...)
			refusing.blocks = joined.blocks
		}
		d := refusing
		if err := c.Check(d.receiveBlock(t, tp, from, c.Raw)); err != nil {
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

func TestGossipEntryPointForPayments(t *testing.T) { onEachProfile(t, gossipEntryPointForPayments) }

func gossipEntryPointForPayments(t *testing.T, r *consensus.Rules) {
	tp := newTestPeer(t, chaintest.Open(t, r))
	for _, c := range chaintest.TransactionCases(r) {
		d := newEntryPoints(t, tp, fixed, r)
		v := d.judgeTransaction(t.Context(), "peer", &pubsub.Message{Message: &pb.Message{Data: c.Raw}})
		if err := c.Check(d.why.take()); err != nil {
			t.Error(err)
		}
		want, pending := pubsub.ValidationAccept, 1
		switch {
		case c.Rule != "":
			want, pending = pubsub.ValidationReject, 0
		case c.Err != nil:
			want, pending = pubsub.ValidationIgnore, 0
		}
		if n, _ := d.c.PoolSize(); v != want || n != pending {
			t.Errorf("%s: verdict %v, %d pending", c.Name, v, n)
		}
	}
}

// TestPoolEntryPoint lets a peer offer each case of a transaction when its pool is asked for.
func TestPoolEntryPoint(t *testing.T) { onEachProfile(t, poolEntryPoint) }

func poolEntryPoint(t *testing.T, r *consensus.Rules) {
	tp, from := newTestPeer(t, chaintest.Open(t, r)), newBlockSource(t, r)
	connectBoth(t, tp, from.testPeer)
	for _, c := range chaintest.TransactionCases(r) {
		d := newEntryPoints(t, tp, fixed, r)
		from.serveNext(c.Raw)
		tp.connect(t, from.testPeer)
		err := d.sync.PullPool(t.Context(), from.id)
		if len(c.Raw) > r.MaxTransactionBytes && errors.Is(err, wire.ErrViolation) {
			err = &consensus.InvalidError{Rule: consensus.RuleTransactionSize, Detail: err.Error()} // refused by its length, before it was read
		}
		if err := c.Check(err); err != nil {
			t.Error(err)
		}
		pending := 1
		if c.Rule != "" || c.Err != nil {
			pending = 0
		}
		if n, _ := d.c.PoolSize(); n != pending || d.table.IsRefused(from.id) != (c.Rule != "") {
			t.Errorf("%s: %d pending, the peer is refused: %v", c.Name, n, d.table.IsRefused(from.id))
		}
	}
}

// TestSyncEntryPoint lets a peer serve each case as the end of a branch that is longer than ours.
func TestSyncEntryPoint(t *testing.T) { onEachProfile(t, syncEntryPoint) }

func syncEntryPoint(t *testing.T, r *consensus.Rules) {
	b := chaintest.NewOn(t, r).Paying().Mine(2)
	ours := b.Branch()
	theirs := b.Fork(2).Mine(2).Branch()
	setting := chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: testNow, Mined: theirs[0].Transactions()[0].ID}
	tp, liar := newTestPeer(t, chaintest.Open(t, b.Rules())), newBlockSource(t, b.Rules())
	connectBoth(t, tp, liar.testPeer)
	for _, c := range chaintest.BlockCases(setting) {
		d := newEntryPoints(t, tp, fixed, b.Rules(), ours...)
		err := d.syncFrom(t, tp, liar, append(chaintest.Raws(theirs), c.Raw)...)
		if len(c.Raw) > b.Rules().MaxBlockBytes && errors.Is(err, wire.ErrViolation) {
			err = &consensus.InvalidError{Rule: consensus.RuleBlockSize, Detail: err.Error()} // refused by its length, before it was read
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
		if guilty := inPage(c).Rule != ""; d.table.IsRefused(liar.id) != guilty {
			t.Errorf("%s: the peer is refused: %v", c.Name, !guilty)
		}
	}
}

// TestUncoveredBranchIsBlamed: a branch with more work, whose second block pays what nobody has, leaves the tip
// where it is, and its sender is refused.
func TestUncoveredBranchIsBlamed(t *testing.T) {
	hosttest.NoLeaks(t)
	b := chaintest.NewSecure(t).Paying().Mine(10)
	ours, r := b.Branch(), b.Rules()
	theirs := b.Fork(10).Mine(1).Pay(chaintest.Signed(r, "dave", "erin", 1001)).Mine(24).Branch()
	tp, liar := newTestPeer(t, chaintest.Open(t, r)), newBlockSource(t, r)
	connectBoth(t, tp, liar.testPeer)
	d := newEntryPoints(t, tp, fixed, r, ours...)
	var invalid *consensus.InvalidError
	if err := d.syncFrom(t, tp, liar, chaintest.Raws(theirs)...); !errors.As(err, &invalid) || invalid.Rule != consensus.RuleParentInvalid {
		t.Errorf("the branch: %v", err)
	}
	if d.c.Tip() != ours[9].Header() || !d.table.IsRefused(liar.id) {
		t.Errorf("the tip is %v, the peer is refused: %v", d.c.Tip(), d.table.IsRefused(liar.id))
	}
}

// TestUncheckedBlockIsNotPassedOn: a side block of a secure network, whose balances nobody has checked, goes no
// further.
func TestUncheckedBlockIsNotPassedOn(t *testing.T) {
	hosttest.NoLeaks(t)
	b := chaintest.NewSecure(t).Mine(2)
	trunk := b.Branch()
	side := b.Fork(1).Mine(1).Branch()[1]
	d := newEntryPoints(t, newTestPeer(t, chaintest.Open(t, b.Rules())), fixed, b.Rules(), trunk[0])
	judged(t, d, trunk[1], pubsub.ValidationAccept)
	judged(t, d, side, pubsub.ValidationIgnore)
}

// judged gives d a block, and checks that it holds it, and what it does with it.
func judged(t *testing.T, d *entryPoints, b *consensus.Block, want pubsub.ValidationResult) {
	t.Helper()
	v := d.judgeBlock(t.Context(), "peer", &pubsub.Message{Message: &pb.Message{Data: b.Canonical()}})
	if v != want || !d.c.Has(b.Hash()) {
		t.Errorf("block %s: verdict %v, want %v", b.Hash().Short(), v, want)
	}
}
