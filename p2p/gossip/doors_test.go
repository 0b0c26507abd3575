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

func TestGossipDoor(t *testing.T) { onEachProfile(t, gossipDoor) }

func gossipDoor(t *testing.T, r *consensus.Rules) {
	b := chaintest.NewOn(t, r).Paying().Mine(3)
	blocks := b.Branch()
	setting := chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: doorNow, Mined: blocks[0].Transactions()[0].ID}
	st, from := newStation(t, chaintest.Open(t, b.Rules())), newTeller(t, b.Rules())
	meet(t, st, from.station)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	joined := doorTo(t, st, fixed, b.Rules())
	if err := joined.Join(ctx); err != nil { // to publish what was pulled
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

func TestGossipDoorForTransactions(t *testing.T) { onEachProfile(t, gossipDoorForTransactions) }

func gossipDoorForTransactions(t *testing.T, r *consensus.Rules) {
	st := newStation(t, chaintest.Open(t, r))
	for _, c := range chaintest.TransactionCases(r) {
		d := doorTo(t, st, fixed, r)
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

// TestPoolDoor lets a peer offer each case of a transaction when its pool is asked for.
func TestPoolDoor(t *testing.T) { onEachProfile(t, poolDoor) }

func poolDoor(t *testing.T, r *consensus.Rules) {
	st, from := newStation(t, chaintest.Open(t, r)), newTeller(t, r)
	meet(t, st, from.station)
	for _, c := range chaintest.TransactionCases(r) {
		d := doorTo(t, st, fixed, r)
		from.say(c.Raw)
		st.connect(t, from.station)
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

// TestSyncDoor lets a peer serve each case as the end of a branch that is longer than ours.
func TestSyncDoor(t *testing.T) { onEachProfile(t, syncDoor) }

func syncDoor(t *testing.T, r *consensus.Rules) {
	b := chaintest.NewOn(t, r).Paying().Mine(2)
	ours := b.Branch()
	theirs := b.Fork(2).Mine(2).Branch()
	setting := chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: doorNow, Mined: theirs[0].Transactions()[0].ID}
	st, liar := newStation(t, chaintest.Open(t, b.Rules())), newTeller(t, b.Rules())
	meet(t, st, liar.station)
	for _, c := range chaintest.BlockCases(setting) {
		d := doorTo(t, st, fixed, b.Rules(), ours...)
		err := d.syncFrom(t, st, liar, append(chaintest.Raws(theirs), c.Raw)...)
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

// TestUncoveredBranchIsBlamed: a branch with more work, whose second block pays what nobody has, leaves the tip where it is, and its
// sender is refused.
func TestUncoveredBranchIsBlamed(t *testing.T) {
	hosttest.NoLeaks(t)
	b := chaintest.NewSecure(t).Paying().Mine(10)
	ours, r := b.Branch(), b.Rules()
	theirs := b.Fork(10).Mine(1).Pay(chaintest.Signed(r, "dave", "erin", 1001)).Mine(24).Branch()
	st, liar := newStation(t, chaintest.Open(t, r)), newTeller(t, r)
	meet(t, st, liar.station)
	d := doorTo(t, st, fixed, r, ours...)
	var invalid *consensus.InvalidError
	if err := d.syncFrom(t, st, liar, chaintest.Raws(theirs)...); !errors.As(err, &invalid) || invalid.Rule != consensus.RuleParentInvalid {
		t.Errorf("the branch: %v", err)
	}
	if d.c.Tip() != ours[9].Header() || !d.table.IsRefused(liar.id) {
		t.Errorf("the tip is %v, the peer is refused: %v", d.c.Tip(), d.table.IsRefused(liar.id))
	}
}

// TestUncheckedBlockIsNotPassedOn: a side block of a secure network, whose balances nobody has checked, goes no further.
func TestUncheckedBlockIsNotPassedOn(t *testing.T) {
	hosttest.NoLeaks(t)
	b := chaintest.NewSecure(t).Mine(2)
	trunk := b.Branch()
	side := b.Fork(1).Mine(1).Branch()[1]
	d := doorTo(t, newStation(t, chaintest.Open(t, b.Rules())), fixed, b.Rules(), trunk[0])
	judged(t, d, trunk[1], pubsub.ValidationAccept)
	judged(t, d, side, pubsub.ValidationIgnore)
}

// judged gives d a block, and checks that it holds it, and what it does with it.
func judged(t *testing.T, d *doors, b *consensus.Block, want pubsub.ValidationResult) {
	t.Helper()
	v := d.judgeBlock(t.Context(), "peer", &pubsub.Message{Message: &pb.Message{Data: b.Canonical()}})
	if v != want || !d.c.Has(b.Hash()) {
		t.Errorf("block %s: verdict %v, want %v", b.Hash().Short(), v, want)
	}
}
