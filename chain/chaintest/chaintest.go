// Package chaintest builds chains for tests: New(t).Mine(5).Fork(2).Mine(4).
package chaintest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// Rules returns a network for tests: classic limits, one hex zero, so that a proof takes microseconds.
func Rules() *consensus.Rules {
	r := consensus.Classic()
	r.Name, r.Zeros = "test", 1
	return r
}

// Open returns an empty chain in memory that is closed with the test.
func Open(t testing.TB, r *consensus.Rules) *chain.Chain { return OpenAt(t, r, time.Now) }

// OpenAt is Open with a clock.
func OpenAt(t testing.TB, r *consensus.Rules, now func() time.Time) *chain.Chain {
	t.Helper()
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	c, shut := open(t, st, r, now)
	t.Cleanup(shut)
	return c
}

// OpenDisk returns the chain in dir until shut is called.
func OpenDisk(t testing.TB, r *consensus.Rules, dir string) (c *chain.Chain, shut func()) {
	t.Helper()
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, st, r, time.Now)
}

func open(t testing.TB, st *store.Store, r *consensus.Rules, now func() time.Time) (c *chain.Chain, shut func()) {
	t.Helper()
	c, err := chain.Open(st, r, now)
	if err != nil {
		t.Fatal(err)
	}
	return c, func() {
		if err := errors.Join(c.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	}
}

// Payment returns a valid payment with a fresh id.
func Payment() consensus.Payment {
	return Checked(consensus.Transaction{Sender: "alice", Recipient: "bob", Amount: "5", ID: chain.NewID(), HasID: true})
}

// Checked returns t as a payment, which it is by the rules of the classic network.
func Checked(t consensus.Transaction) consensus.Payment {
	p, err := classic.NewPayment(t)
	if err != nil {
		panic(err)
	}
	return p
}

var classic = consensus.Classic()

// Transactions returns the payments as blocks hold them.
func Transactions(payments ...consensus.Payment) []consensus.Transaction {
	all := make([]consensus.Transaction, len(payments))
	for i, p := range payments {
		all[i] = p.Transaction()
	}
	return all
}

// PendingIDs returns the ids of what c has pending, in order of arrival.
func PendingIDs(c *chain.Chain) []consensus.ID {
	pending := c.Pending()
	ids := make([]consensus.ID, len(pending))
	for i, p := range pending {
		ids[i] = p.ID()
	}
	return ids
}

// Reward returns the reward of a block to recipient.
func Reward(r *consensus.Rules, recipient string) consensus.Transaction {
	return consensus.Transaction{Sender: consensus.RewardSender, Recipient: recipient, Amount: r.Reward}
}

// Proof returns the smallest proof of a block on parent.
func Proof(r *consensus.Rules, parent consensus.Header) int64 {
	proof := int64(0)
	for !r.ValidProof(parent.Proof, proof, parent.Hash) {
		proof++
	}
	return proof
}

// Block seals a valid block on parent with the given payments and a reward to recipient; on a secure network recipient may also be the
// name of an account, see Account. Its time is the parent's plus a second, on a secure network plus the block time, so that equal
// arguments make equal blocks.
func Block(t testing.TB, r *consensus.Rules, parent consensus.Header, recipient string, payments ...consensus.Transaction) *consensus.Block {
	t.Helper()
	if r.IsSecure() {
		return BlockAt(t, r, parent, parent.Timestamp+r.BlockTime.Seconds(), recipient, payments...)
	}
	txs := append(payments[:len(payments):len(payments)], Reward(r, recipient))
	b, err := r.NewBlock(parent, Proof(r, parent), parent.Timestamp+1, txs)
	if err != nil {
		t.Fatalf("sealing a block on %d: %v", parent.Index, err)
	}
	return b
}

// MineOn adds n blocks to c from its pool, as this node.
func MineOn(t testing.TB, c *chain.Chain, n int) []*consensus.Block {
	t.Helper()
	blocks := make([]*consensus.Block, n)
	for i := range blocks {
		blocks[i] = nextBlock(t, c)
		if err := c.AddMined(blocks[i]); err != nil {
			t.Fatalf("adding mined block %d: %v", blocks[i].Index(), err)
		}
	}
	return blocks
}

// nextBlock seals what c would mine.
func nextBlock(t testing.TB, c *chain.Chain) *consensus.Block {
	t.Helper()
	if !c.Rules().IsSecure() {
		work := c.Draft("miner")
		return Block(t, c.Rules(), work.Parent, "miner", Transactions(work.Payments...)...)
	}
	b, err := SealSecure(c.Rules(), c.Draft(Account("miner")))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Receive gives c a payment and a block with another one, as a peer does.
func Receive(t testing.TB, c *chain.Chain, from string) {
	t.Helper()
	if _, err := c.Submit(PaymentOn(c.Rules()), from); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Add(Block(t, c.Rules(), c.Tip(), "miner", PaymentOn(c.Rules()).Transaction()), from); err != nil {
		t.Fatal(err)
	}
}

// Raws returns the canonical bytes of the blocks.
func Raws(blocks []*consensus.Block) [][]byte {
	raws := make([][]byte, len(blocks))
	for i, b := range blocks {
		raws[i] = b.Canonical()
	}
	return raws
}

// Builder makes trees of blocks without a chain: New(t).Mine(5).Fork(2).Mine(4) is a trunk of five blocks above the
// genesis, and a branch of four that leaves it two blocks below its tip.
type Builder struct {
	t      testing.TB
	rules  *consensus.Rules
	trunk  []*consensus.Block // genesis first, the current branch
	all    []*consensus.Block // every block mined, in order
	branch int
	pay    bool
}

// New returns a builder that stands on the genesis of Rules.
func New(t testing.TB) *Builder { return NewOn(t, Rules()) }

// NewOn is New for other rules.
func NewOn(t testing.TB, r *consensus.Rules) *Builder {
	return &Builder{t: t, rules: r, trunk: []*consensus.Block{r.Genesis}}
}

// Rules returns the builder's network.
func (b *Builder) Rules() *consensus.Rules { return b.rules }

// Paying makes every block that follows carry one fresh payment.
func (b *Builder) Paying() *Builder {
	b.pay = true
	return b
}

// Mine adds n blocks to the current branch.
func (b *Builder) Mine(n int) *Builder {
	b.t.Helper()
	for range n {
		if b.pay {
			b.Pay(PaymentOn(b.rules).Transaction())
		} else {
			b.Pay()
		}
	}
	return b
}

// Pay adds one block with these payments to the current branch.
func (b *Builder) Pay(payments ...consensus.Transaction) *Builder {
	b.t.Helper()
	block := Block(b.t, b.rules, b.Tip(), fmt.Sprintf("miner-%d", b.branch), payments...)
	b.trunk = append(b.trunk, block)
	b.all = append(b.all, block)
	return b
}

// Fork starts another branch, depth blocks below the current tip.
func (b *Builder) Fork(depth int) *Builder {
	b.t.Helper()
	if depth >= len(b.trunk) {
		b.t.Fatalf("a fork of depth %d on a chain of %d", depth, len(b.trunk))
	}
	keep := len(b.trunk) - depth
	b.trunk = b.trunk[:keep:keep]
	b.branch++
	return b
}

// Tip returns the header of the current branch's last block.
func (b *Builder) Tip() consensus.Header { return b.trunk[len(b.trunk)-1].Header() }

// Branch returns the current branch without the genesis.
func (b *Builder) Branch() []*consensus.Block { return b.trunk[1:len(b.trunk):len(b.trunk)] }

// Blocks returns every block that was mined, on all branches, parents before children.
func (b *Builder) Blocks() []*consensus.Block { return b.all[:len(b.all):len(b.all)] }
