package lab

import (
	"kuai/chain"
	"kuai/chain/consensus"
)

var reorg = lesson{
	Lesson: Lesson{
		Name: "reorg", Kind: KindIdea, Nodes: 4, MinNodes: 2, MaxNodes: MaxNodes,
		Title:    Text{"Reorg and returned payments", "链重组与退回的付款"},
		About:    Text{"A longer chain replaces a shorter one. What happens to payments that only the shorter chain holds.", "更长的链取代较短的链。只在较短那条链里的付款会怎样。"},
		Question: Text{"A payment is in a block of your chain only. A longer chain without it replaces yours. What happens to the payment?", "一笔付款只在你这条链的区块里。一条不含它的更长的链取代了你的链。这笔付款会怎样？"},
		Choices: []Text{
			{"It is lost, and must be sent again", "丢失了，必须重新发送"},
			{"It is pending again, and a later block holds it", "重新变为待确认，由后面的区块写入"},
			{"It stays where it was", "留在原处"},
		},
	},
	answer: 1,
	moral: Text{
		"A reorg loses no payment: those that the new chain lacks are pending again, and are mined once. Only the rewards of the dropped blocks are lost.",
		"链重组不会丢失付款：新链没有的付款会重新变为待确认，并且只写入一次。丢失的只有被放弃区块的奖励。",
	},
	run: runReorg,
}

func runReorg(w *world) {
	all := w.addAll(w.story.Nodes)
	left, right := all[:len(all)/2], all[len(all)/2:]
	w.nextBlock()
	w.settle()
	w.split(left, right)
	w.tell("All nodes agree on block %[1]s. Then the network breaks in two: %[2]s on one side, %[3]s on the other.",
		"所有节点都认可区块 %[1]s。随后网络断成两半：一边是 %[2]s，另一边是 %[3]s。", w.tipLabel(all[0]), names(left), names(right))

	first := w.payment(w.id(), "alice", "bob", 5)
	second := w.payment(w.id(), "carol", "dave", 2)
	w.pay(left[0], first)
	w.pay(left[0], second)
	w.settle()
	blocks := 1 + w.dice.IntN(3)
	own := w.mineOn(left, blocks)
	other := w.mineOn(right, blocks+1)
	w.tell("On the first side, alice pays bob 5 and carol pays dave 2; block %[1]s holds both. That side reaches block %[2]s. The other side does not know the payments. It mines one block more, and reaches %[3]s.",
		"在第一边，alice 付给 bob 5，carol 付给 dave 2，两笔都写入区块 %[1]s。这一边挖到区块 %[2]s。另一边不知道这些付款，多挖了一个区块，到 %[3]s。",
		w.label(own[0]), w.tipLabel(left[0]), w.tipLabel(right[0]))

	w.heal()
	w.settle()
	e := lastReorg(left[0])
	returned := pending(left[0], first.ID()) && pending(left[0], second.ID())
	w.tell("The sides meet. %[1]s adopt the longer chain: they drop %[2]s of their own, and %[3]s come back. These are pending again, now on all nodes.",
		"两边重新连上。%[1]s 采用更长的链：放弃了自己的 %[2]s，退回 %[3]s。这些付款在所有节点上重新变为待确认。", names(left), blocksText(e.Dropped), counted(e.Returned, "payment", "笔付款"))

	miner, b := w.nextBlock()
	w.settle()
	w.tell("%[1]s mines block %[2]s, which holds both payments. Nobody had to send them again.", "%[1]s 挖出区块 %[2]s，其中有这两笔付款。没有人需要重新发送。", miner.name, w.label(b))

	w.check(e.Dropped == blocks && e.Header.Hash == other[blocks].Hash(), "the longer chain replaces the shorter one", "更长的链取代了较短的链")
	w.check(e.Returned == 2 && returned, "both payments are pending again", "两笔付款都重新变为待确认")
	once := agree(all)
	for _, n := range all {
		once = once && w.times(n, first.ID()) == 1 && w.times(n, second.ID()) == 1
	}
	w.check(once, "in the end each node has each payment in exactly one block", "最后每个节点的链上，每笔付款都恰好在一个区块里")
}

// mineOn makes nodes of one side find that many blocks, one after another.
func (w *world) mineOn(side []*node, count int) (blocks []*consensus.Block) {
	for range count {
		w.elapse()
		blocks = append(blocks, w.mine(side[w.dice.IntN(len(side))]))
		w.settle()
	}
	return blocks
}

// lastReorg returns what a node's last reorg did, nothing if it had none.
func lastReorg(n *node) chain.Event {
	if len(n.last) == 0 {
		return chain.Event{}
	}
	return n.last[len(n.last)-1]
}

func pending(n *node, id consensus.ID) bool {
	_, ok := n.chain.PendingByID(id)
	return ok
}

// times counts the blocks on a node's chain that hold a payment.
func (w *world) times(n *node, id consensus.ID) (count int) {
	for _, s := range w.scratches(n) {
		for _, t := range s.transactions {
			if t.HasID && t.ID == id {
				count++
			}
		}
	}
	return count
}
