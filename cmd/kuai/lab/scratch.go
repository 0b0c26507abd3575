package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// scratch is a block that can be edited: nothing in it is checked.
type scratch struct {
	index        int64
	previous     string
	proof        int64
	timestamp    float64
	transactions []consensus.Transaction
}

// scratchOf copies a block.
func scratchOf(b *consensus.Block) scratch {
	h := b.Header()
	s := scratch{h.Index, h.Previous.String(), h.Proof, h.Timestamp, b.Transactions()}
	if h.Previous == (consensus.Hash{}) {
		s.previous = "1" // as the first block of the tutorial has it
	}
	return s
}

// raw is the block as json.dumps(block, sort_keys=True) prints it.
func (s scratch) raw() []byte {
	raw := fmt.Appendf(nil, `{"index": %d, "previous_hash": "%s", "proof": %d, "timestamp": %s, "transactions": [`,
		s.index, s.previous, s.proof, canonical.AppendFloat(nil, s.timestamp))
	for i, t := range s.transactions {
		if i > 0 {
			raw = append(raw, ", "...)
		}
		raw = t.AppendCanonical(raw)
	}
	return append(raw, "]}"...)
}

func (s scratch) hash() consensus.Hash { return sum(s.raw()) }

func sum(text []byte) consensus.Hash { return sha256.Sum256(text) }

// header is what a child needs to know of the block.
func (s scratch) header() consensus.Header {
	previous, _ := consensus.ParseHash(s.previous)
	return consensus.Header{Hash: s.hash(), Previous: previous, Index: s.index, Proof: s.proof, Timestamp: s.timestamp}
}

// scratches copies the active chain of a node.
func (w *world) scratches(n *node) (all []scratch) {
	for i := int64(1); i <= n.chain.Tip().Index; i++ {
		b, err := n.chain.At(i)
		if err != nil {
			w.fail(err)
			return all
		}
		all = append(all, scratchOf(b.Block))
	}
	return all
}

// after makes the block that follows parent now, with a reward for miner.
func (w *world) scratchAfter(parent scratch, miner string, payments ...consensus.Transaction) scratch {
	proof, err := w.prove(w.rules.Puzzle(consensus.Draft{Parent: parent.header()}))
	if err != nil {
		w.fail(err)
	}
	return scratch{parent.index + 1, parent.hash().String(), proof, w.stamp(), append(payments, w.rules.RewardTo(miner))}
}

// offer gives a node the blocks of a chain, as a peer does, and returns the first refusal.
func (w *world) offer(n *node, from string, blocks []scratch) error {
	for _, s := range blocks {
		if s.index == 1 {
			continue // every node has its own first block
		}
		b, err := w.rules.ParseBlock(s.raw())
		if err != nil {
			return err
		}
		if _, err := n.chain.Add(b, from); err != nil && !errors.Is(err, chain.ErrKnown) {
			return err
		}
	}
	return nil
}

func transaction(id consensus.ID, sender, recipient string, amount int) consensus.Transaction {
	return consensus.Transaction{Sender: sender, Recipient: recipient, Amount: canonical.Number(strconv.Itoa(amount)), ID: id, HasID: true}
}
