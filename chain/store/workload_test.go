package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
	"kuai/chain/wallet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// smallMemTable makes the workload change logs and write tables every few operations.
const smallMemTable = 64 << 10

func rules() *consensus.Rules {
	r := chaintest.Rules()
	r.Zeros = 0 // every proof is valid
	return r
}

// state is what a chain holds, as text: tip, side branches, pending transactions in order.
func state(c *chain.Chain) string {
	var b strings.Builder
	fmt.Fprint(&b, c.Tip().Hash)
	for _, f := range c.Forks() {
		fmt.Fprint(&b, " ", f.Tip.Hash.Short(), f.Point.Index)
	}
	for _, id := range chaintest.PendingIDs(c) {
		fmt.Fprint(&b, " ", id)
	}
	return b.String()
}

// history is the states that a chain went through, and the last one that is known to be on disk.
type history struct {
	mu     sync.Mutex
	states []string
	acked  int
}

func (h *history) note(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states = append(h.states, s)
}

func (h *history) last() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.states) - 1
}

func (h *history) ack(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked = max(h.acked, n)
}

func (h *history) acknowledged() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acked
}

// since reports whether the chain was in state s when or after it was in its state n.
func (h *history) since(n int, s string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.states[n:], s)
}

// workload changes a chain at random: payments, blocks on the tip, side blocks, switches, runs of blocks, syncs, and what the node
// itself pays and mines.
type workload struct {
	t      testing.TB
	c      *chain.Chain
	h      *history
	random *rand.Rand
	tips   []consensus.Header // of side branches that may grow
}

func startWorkload(t testing.TB, c *chain.Chain, seed uint64) *workload {
	w := &workload{t: t, c: c, h: &history{}, random: rand.New(rand.NewPCG(seed, 1))}
	w.h.note(state(c))
	return w
}

// step does one thing, and notes the state after it. Its error is that of the store.
func (w *workload) step() error {
	if err := w.change(); err != nil {
		return err
	}
	w.h.note(state(w.c))
	if w.random.IntN(4) == 0 {
		return w.sync()
	}
	return nil
}

func (w *workload) sync() error {
	n := w.h.last()
	if err := w.c.Sync(); err != nil {
		return err
	}
	w.h.ack(n)
	return nil
}

func (w *workload) change() error {
	switch w.random.IntN(8) {
	case 0, 1:
		_, err := w.c.Submit(w.checked(w.payment()), fmt.Sprint("peer-", w.random.IntN(3)))
		return err
	case 2:
		work := w.c.Draft(chaintest.Account("m"))
		return w.add(w.block(work.Parent, chaintest.Transactions(work.Payments...)...))
	case 3:
		return w.fork()
	case 4:
		return w.grow()
	case 5:
		return w.pay()
	case 6:
		return w.mine()
	}
	return w.run()
}

// pay pays at this node. The state with the payment counts from before the call, as a crash may come after it is written.
func (w *workload) pay() error {
	p := w.payment()
	w.h.note(fmt.Sprint(state(w.c), " ", p.ID))
	n := w.h.last()
	if _, err := w.c.Pay(w.checked(p)); err != nil {
		return err
	}
	w.h.ack(n)
	return nil
}

// mine mines an empty block at this node, as pay pays.
func (w *workload) mine() error {
	old := w.c.Tip()
	b := w.block(old)
	w.h.note(strings.Replace(state(w.c), old.Hash.String(), b.Hash().String(), 1))
	n := w.h.last()
	if err := w.c.AddMined(b); err != nil {
		return err
	}
	w.h.ack(n)
	return nil
}

func (w *workload) payment() consensus.Transaction {
	if r := w.c.Rules(); r.IsSecure() {
		names := wallet.DevelopmentNames
		return chaintest.Signed(r, names[w.random.IntN(len(names))], names[w.random.IntN(len(names))], 1)
	}
	p := chaintest.Payment().Transaction()
	p.Sender = strings.Repeat("s", 1+w.random.IntN(256))
	return p
}

func (w *workload) checked(t consensus.Transaction) consensus.Payment {
	p, err := w.c.Rules().NewPayment(t)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *workload) block(parent consensus.Header, payments ...consensus.Transaction) *consensus.Block {
	return chaintest.Block(w.t, w.c.Rules(), parent, fmt.Sprint("m", w.random.Uint64()), payments...)
}

func (w *workload) add(b *consensus.Block) error {
	_, err := w.c.Add(b, "peer")
	return err
}

// fork starts a side branch a few blocks below the tip.
func (w *workload) fork() error {
	at := max(1, w.c.Tip().Index-int64(w.random.IntN(4)))
	held, err := w.c.At(at)
	if err != nil {
		return err
	}
	b := w.block(held.Block.Header(), w.payment())
	w.tips = append(w.tips, b.Header())
	return w.add(b)
}

// grow makes a side branch longer, up to a switch.
func (w *workload) grow() error {
	if len(w.tips) == 0 {
		return w.fork()
	}
	tip := &w.tips[w.random.IntN(len(w.tips))]
	b := w.block(*tip, w.payment())
	*tip = b.Header()
	return w.add(b)
}

// run adds a run of blocks on the tip.
func (w *workload) run() error {
	parent := w.c.Tip()
	raws := make([][]byte, 5+w.random.IntN(20))
	for i := range raws {
		b := w.block(parent, w.payment(), w.payment())
		raws[i], parent = b.Canonical(), b.Header()
	}
	s, _, err := w.c.Rules().ParseBlocks(raws)
	if err != nil {
		return err
	}
	_, err = w.c.AddBlocks(s, "peer")
	return err
}

func openChain(st *store.Store, r *consensus.Rules) (*chain.Chain, error) {
	return chain.Open(st, r, time.Now)
}
