package lab

import (
	"errors"
	"slices"

	"kuai/chain/consensus"
)

// tutorial is a model of the tutorial's node. Its name is that of its bug, as 'kuai grade' calls it; "" for none.
type tutorial struct {
	w       *world
	bug     string
	face    *node // in stories
	chain   []scratch
	pending []consensus.Transaction
}

// newTutorial starts a node of the tutorial with a bug, beside a node of kuai.
func (w *world) newTutorial(bug string) (t *tutorial, kuai *node) {
	if w.broken == "fixed" {
		bug = ""
	}
	t = &tutorial{w: w, bug: bug, chain: []scratch{scratchOf(w.rules.Genesis)}}
	t.face = &node{name: "tutorial", role: RoleTutorial, model: t}
	w.nodes = append(w.nodes, t.face)
	return t, w.add("kuai", RoleKuai)
}

func (t *tutorial) tip() scratch { return t.chain[len(t.chain)-1] }

// has reports whether a block is the node's tip.
func (t *tutorial) has(s scratch) bool { return t.tip().hash() == s.hash() }

// grow mines that many blocks that both nodes have, the first of them with these payments.
func (w *world) grow(t *tutorial, kuai *node, count int, payments ...consensus.Transaction) {
	for range count {
		w.elapse()
		b := w.scratchAfter(t.tip(), "miner", payments...)
		w.noteScratch(b, "miner")
		t.chain, payments = append(t.chain, b), nil
		if err := w.offer(kuai, "miner", t.chain); err != nil {
			w.fail(err)
		}
	}
}

// extend makes a chain of a rival: that many blocks on another chain.
func (w *world) extend(on []scratch, count int, miner string) []scratch {
	all := slices.Clone(on)
	for range count {
		w.elapse()
		b := w.scratchAfter(all[len(all)-1], miner)
		w.noteScratch(b, miner)
		all = append(all, b)
	}
	return all
}

// wrong notes in a block what a correct node sees in it.
func (w *world) wrong(s scratch, en, zh string) {
	w.noteScratch(s, "forger").Wrong = &Text{en, zh}
}

// valid is the tutorial's valid_chain, as it was meant unless the node has the bug.
func (t *tutorial) valid(all []scratch) bool {
	if t.bug != "foreign-genesis" && all[0].hash() != t.chain[0].hash() {
		return false
	}
	for i := 1; i < len(all); i++ {
		last, b := all[i-1], all[i]
		if t.bug == "tampered-tip" && i == len(all)-1 {
			break // while current_index < len(chain) - 1
		}
		if b.previous != last.hash().String() || !t.validProof(last, b.proof) {
			return false
		}
		if t.bug != "minted-reward" && !t.oneReward(b) {
			return false
		}
	}
	return true
}

func (t *tutorial) validProof(last scratch, proof int64) bool {
	return t.puzzleAfter(last).Solves(proof)
}

// puzzleAfter is what the node wants to see solved in a block after last.
func (t *tutorial) puzzleAfter(last scratch) consensus.Puzzle {
	p := t.w.rules.Puzzle(consensus.Draft{Parent: last.header()})
	if t.bug == "wrong-hash" {
		p.After = last.previous // last_block['previous_hash'], and not hash(last_block)
	}
	return p
}

func (t *tutorial) oneReward(b scratch) bool {
	rewards := 0
	for _, tx := range b.transactions {
		if tx.IsReward() {
			rewards++
			if tx.Amount != t.w.rules.Reward {
				return false
			}
		}
	}
	return rewards == 1
}

// errDead is what a neighbour that does not run answers with.
var errDead = errors.New("connection refused")

// neighbour is what a neighbour answers GET /chain with.
type neighbour struct {
	chain  []scratch
	length int   // that it claims
	err    error // it does not answer
}

// honest is a neighbour that says how long its chain is.
func honest(all []scratch) neighbour { return neighbour{chain: all, length: len(all)} }

// resolve is the tutorial's resolve_conflicts. It returns the status of the answer.
func (t *tutorial) resolve(neighbours ...neighbour) (status int) {
	var best []scratch
	most := len(t.chain)
	for _, n := range neighbours {
		if n.err != nil {
			if t.bug == "dead-neighbour" {
				t.face.remark("answers 500", "响应 500")
				return 500 // requests.get raises, and nobody catches it
			}
			continue
		}
		length := len(n.chain)
		if t.bug == "claimed-length" {
			length = n.length
		}
		if length > most && t.valid(n.chain) {
			best, most = n.chain, length
		}
	}
	if best != nil {
		t.adopt(best)
	}
	return 200
}

// adopt replaces the chain. What only the old one held is pending again, unless that is the bug.
func (t *tutorial) adopt(all []scratch) {
	on := make(map[consensus.ID]bool)
	for _, b := range all {
		for _, tx := range b.transactions {
			on[tx.ID] = true
		}
	}
	for _, b := range t.chain {
		for _, tx := range b.transactions {
			if t.bug != "lost-payments" && tx.HasID && !on[tx.ID] {
				t.pending = append(t.pending, tx)
			}
		}
	}
	t.chain = slices.Clone(all)
	t.face.remark("adopts the other chain", "采用了另一条链")
}

// mine makes a block and appends it.
func (t *tutorial) mine() { t.append(t.tip()) }

// append makes a block for the one that was last when the request began, and appends it to what is last now.
func (t *tutorial) append(last scratch) {
	b := t.w.scratchAfter(last, "tutorial", t.pending...)
	b.index = int64(len(t.chain)) + 1
	t.w.noteScratch(b, "tutorial")
	t.chain, t.pending = append(t.chain, b), nil
}
