package lab

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/chain/store"
	"kuai/miner/search"
)

// Limits of a world.
const (
	maxTime   = 24 * 3600 // virtual seconds
	maxBlocks = 1000
	maxEvents = 1_000_000

	blockTime = 10.0 // virtual seconds from one block to the next, in the mean
)

var errLimit = errors.New("the lesson does not come to its end")

// world is a run of a lesson. After the first failure, in err, its methods do nothing.
type world struct {
	ctx    context.Context //nolint:containedctx // a world lives for one call of Run
	broken string
	dice   *rand.Rand
	rules  *consensus.Rules
	err    error

	now    float64 // virtual seconds
	queue  queue
	events int

	nodes  []*node
	blocks []*Block // of all nodes, parents before children
	known  map[string]*Block
	told   int // how many of the blocks are in a step
	delay  float64
	isCut  bool    // between sides; otherwise messages take delay longer
	loss   float64 // of all messages, 0 to 1
	late   float64 // seconds that each message takes longer
	sent   int     // messages while some are lost, and
	lost   int     // how many of them were
	story  *Story
	charts []Chart // for the next step
}

func newWorld(ctx context.Context, o Options) *world {
	w := &world{ctx: ctx, broken: o.broken, dice: rand.New(rand.NewPCG(o.Seed, 0)), rules: consensus.Classic(), known: make(map[string]*Block)}
	w.note(w.rules.Genesis, "")
	return w
}

// close releases the nodes.
func (w *world) close() {
	for _, n := range w.nodes {
		if n.chain != nil {
			_ = n.chain.Close() // in memory: there is nothing to lose
			_ = n.store.Close()
		}
	}
}

// fail notes the first failure.
func (w *world) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// node is a node of kuai without its network: a real chain in memory.
type node struct {
	name  string
	role  string
	side  int
	share float64 // of the mining power
	says  *Text
	model *tutorial // instead of a chain

	store *store.Store
	chain *chain.Chain
	peers []*node
	seen  uint64        // position in the chain's events
	last  []chain.Event // its reorgs
}

// add starts a node.
func (w *world) add(name, role string) *node {
	n := &node{name: name, role: role}
	st, err := store.OpenMemory()
	if err == nil {
		n.store = st
		n.chain, err = chain.Open(st, w.rules, w.clock)
	}
	if err != nil {
		panic("lab: a store in memory opens: " + err.Error())
	}
	w.nodes = append(w.nodes, n)
	return n
}

// addAll starts nodes that are all connected with each other: A, B, C, …, with equal shares of the mining power.
func (w *world) addAll(count int) []*node {
	var all []*node
	for i := range count {
		n := w.add(nodeName(i), "")
		n.share = 1 / float64(count)
		all = append(all, n)
	}
	connect(all...)
	return all
}

// nodeName is A to Z, then A2, B2 and so on.
func nodeName(i int) string {
	name := string(rune('A' + i%26))
	if i >= 26 {
		name += fmt.Sprint(i/26 + 1)
	}
	return name
}

// connect makes each of the nodes a peer of each other one.
func connect(nodes ...*node) {
	for _, a := range nodes {
		for _, b := range nodes {
			if a != b && !slices.Contains(a.peers, b) {
				a.peers = append(a.peers, b)
			}
		}
	}
}

// clock is the time of all nodes: it starts with the first block's.
func (w *world) clock() time.Time {
	return time.UnixMilli(int64(math.Round(1000 * (w.rules.Genesis.Header().Timestamp + w.now))))
}

// stamp is a timestamp for a block that is made now.
func (w *world) stamp() float64 { return float64(w.clock().UnixMilli()) / 1000 }

// event is something that happens at a time.
type event struct {
	at  float64
	seq int
	do  func()
}

// queue is a heap of events, the next first.
type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// after makes something happen later.
func (w *world) after(seconds float64, do func()) {
	w.events++
	heap.Push(&w.queue, event{w.now + seconds, w.events, do})
}

// wait lets virtual time pass.
func (w *world) wait(seconds float64) {
	until := w.now + seconds
	for len(w.queue) > 0 && w.queue[0].at <= until && w.goesOn() {
		w.next()
	}
	w.now = until
}

// settle waits until no message is on its way.
func (w *world) settle() {
	for len(w.queue) > 0 && w.goesOn() {
		w.next()
	}
}

func (w *world) next() {
	e := heap.Pop(&w.queue).(event)
	w.now = e.at
	e.do()
}

// goesOn reports whether the run may go on.
func (w *world) goesOn() bool {
	switch {
	case w.err != nil:
	case w.ctx.Err() != nil:
		w.fail(context.Cause(w.ctx))
	case w.events > maxEvents || w.now > maxTime || len(w.blocks) > maxBlocks:
		w.fail(fmt.Errorf("%w within %d blocks, %d events and %d virtual hours", errLimit, maxBlocks, maxEvents, maxTime/3600))
	}
	return w.err == nil
}

// elapse lets the time to the next block pass.
func (w *world) elapse() { w.wait(seconds(blockTime * w.dice.ExpFloat64())) }

// nextBlock waits until some node finds a block, and returns both. A node with more mining power finds more of them.
func (w *world) nextBlock() (*node, *consensus.Block) {
	w.elapse()
	sum := 0.0
	for _, n := range w.nodes {
		sum += n.share
	}
	at := w.dice.Float64() * sum
	for _, n := range w.nodes {
		if at -= n.share; at < 0 {
			return n, w.mine(n)
		}
	}
	n := w.nodes[len(w.nodes)-1]
	return n, w.mine(n)
}

// mine makes a node find a block now: it searches the proof, adds the block and sends it to its peers.
func (w *world) mine(n *node) *consensus.Block {
	if !w.goesOn() {
		return w.rules.Genesis
	}
	b := w.block(n.chain.Draft(n.name))
	if b == nil {
		return w.rules.Genesis
	}
	w.note(b, n.name)
	w.receive(n, nil, b)
	return b
}

// block makes the block of a draft.
func (w *world) block(d consensus.Draft) *consensus.Block {
	proof, err := w.prove(w.rules.Puzzle(d))
	if err != nil {
		w.fail(err)
		return nil
	}
	b, err := w.rules.Seal(d, proof, w.stamp())
	if err != nil {
		w.fail(err)
	}
	return b
}

// prove searches the smallest proof that solves a puzzle. It takes one try more than the proof.
func (w *world) prove(p consensus.Puzzle) (proof int64, err error) {
	return search.Proof(w.ctx, p, search.Effort{Cores: 1, Share: 100}, new(atomic.Uint64), func() {})
}

// id draws the id of a payment.
func (w *world) id() (id consensus.ID) {
	for i := range id {
		id[i] = byte(w.dice.UintN(256))
	}
	return id
}

// payment makes a payment with an id.
func (w *world) payment(id consensus.ID, sender, recipient string, amount int) consensus.Payment {
	p, err := w.rules.NewPayment(transaction(id, sender, recipient, amount))
	if err != nil {
		panic("lab: payments of lessons are valid: " + err.Error())
	}
	return p
}

// pay sends a payment from a node to the network.
func (w *world) pay(n *node, p consensus.Payment) {
	w.receivePayment(n, nil, p)
}

// primes are the marks of a block that is the second, third or fourth of its index.
var primes = []string{"", "′", "″", "‴"}

// note gives a block its label, for the next step.
func (w *world) note(b *consensus.Block, miner string) *Block {
	return w.noteScratch(scratchOf(b), miner)
}

// noteScratch is note for a block that may break rules.
func (w *world) noteScratch(s scratch, miner string) *Block {
	hash := s.hash().String()
	if b, ok := w.known[hash]; ok {
		return b
	}
	same := 0
	for _, b := range w.blocks {
		if b.Index == s.index {
			same++
		}
	}
	label := fmt.Sprint(s.index)
	if same < len(primes) {
		label += primes[same]
	} else {
		label += fmt.Sprintf("(%d)", same+1)
	}
	b := &Block{Hash: hash, Previous: s.previous, Index: s.index, Proof: s.proof, Label: label, Miner: miner, At: seconds(s.timestamp - w.rules.Genesis.Header().Timestamp), Payments: []Payment{}}
	for _, t := range s.transactions {
		if !t.IsReward() {
			b.Payments = append(b.Payments, Payment{t.ID.String(), t.Sender, t.Recipient, string(t.Amount)})
		}
	}
	w.known[hash] = b
	w.blocks = append(w.blocks, b)
	return b
}

// label is what texts call a block.
func (w *world) label(b *consensus.Block) string { return w.note(b, "").Label }

// tipLabel is what texts call a node's tip.
func (w *world) tipLabel(n *node) string { return w.known[n.chain.Tip().Hash.String()].Label }

// seconds rounds to milliseconds, which is what stories show. Draws are rounded at once, as processors differ in the last bits.
func seconds(s float64) float64 { return math.Round(1000*s) / 1000 }

// tell ends a step of the story: what has happened since the last one.
func (w *world) tell(en, zh string, args ...any) {
	if w.err != nil {
		return
	}
	s := Step{At: seconds(w.now), Text: sprintf(en, zh, args...), Nodes: []NodeState{}, Blocks: []Block{}, Charts: append([]Chart{}, w.charts...)}
	for _, n := range w.nodes {
		s.Nodes = append(s.Nodes, n.state())
		n.says = nil
	}
	for ; w.told < len(w.blocks); w.told++ {
		s.Blocks = append(s.Blocks, *w.blocks[w.told])
	}
	w.charts = nil
	w.story.Steps = append(w.story.Steps, s)
}

func (n *node) state() NodeState {
	s := NodeState{Name: n.name, Role: n.role, Side: n.side, Share: seconds(n.share), Note: n.says}
	if n.model != nil {
		tip := n.model.chain[len(n.model.chain)-1]
		s.Tip, s.Height, s.Pending = tip.hash().String(), tip.index, len(n.model.pending)
		return s
	}
	state := n.chain.State()
	s.Tip, s.Height, s.Pending = state.Tip.Hash.String(), state.Tip.Index, state.Pending
	return s
}

// names lists nodes.
func names(nodes []*node) Text {
	var all []string
	for _, n := range nodes {
		all = append(all, n.name)
	}
	return Text{strings.Join(all, ", "), strings.Join(all, "、")}
}

// remark sets the note of a node in the next step.
func (n *node) remark(en, zh string, args ...any) {
	t := sprintf(en, zh, args...)
	n.says = &t
}

// check is a condition of the verdict.
func (w *world) check(ok bool, en, zh string) {
	w.story.Verdict.Checks = append(w.story.Verdict.Checks, Check{Text{en, zh}, ok})
}

// judge makes the verdict of the checks.
func (w *world) judge(moral Text) {
	v := &w.story.Verdict
	v.OK = len(v.Checks) > 0 && !slices.ContainsFunc(v.Checks, func(c Check) bool { return !c.OK })
	v.Text = moral
	if !v.OK {
		v.Text = Text{"The experiment did not come out as it should: see the checks that do not hold.", "实验结果与预期不符：请看不成立的各项检查。"}
	}
}

// expectedTries is how many tries a proof takes in the mean.
func (w *world) expectedTries() float64 { return math.Pow(16, float64(w.rules.Zeros)) }
