package lab

var lossyLinks = lesson{
	Lesson: Lesson{
		Name: "lossy-links", Kind: KindIdea, Nodes: 6, MinNodes: 3, MaxNodes: 12,
		Title:    Text{"Lost and late messages", "丢失和迟到的消息"},
		About:    Text{"Links lose three of ten messages and delay the others. How nodes find out what they lack.", "线路丢失三成消息，其余的也迟到。节点怎样发现自己缺了什么。"},
		Question: Text{"A node sends a new block to its neighbour, and the message gets lost. What becomes of the block?", "节点把新区块发给邻居，消息在途中丢失了。这个区块会怎样？"},
		Choices: []Text{
			{"The neighbour, and all nodes behind it, never get it", "邻居和它后面的节点永远收不到"},
			{"Its miner has to mine it again", "挖出它的节点必须重新挖"},
			{"The neighbour sees the gap at the next block or question, and asks for it", "邻居在下一个区块或下一次询问时发现缺口，主动去要"},
		},
	},
	answer: 2,
	moral: Text{
		"A chain tells what is missing: each block names its parent, and each status the tip. So messages may get lost or come late, as long as nodes ask again: loss costs time and makes forks likelier, but the chain lacks nothing.",
		"链会说明缺了什么：每个区块写着父区块，每次状态询问说出最新区块。只要节点会再问，消息丢失或迟到都不要紧：损失的是时间，分叉也更容易出现，但链上什么也不会缺。",
	},
	run: runLossyLinks,
}

// Bounds of the lesson. With the fewest nodes 20 blocks all arrive once in a million runs.
const (
	lossyBlocks = 20  // until one is missing somewhere
	lossyRounds = 400 // of questions until all agree
	roundTime   = 2   // virtual seconds from one round to the next
	tieBreaks   = 20  // rounds after which another block is mined: questions leave a tie as it is
)

func runLossyLinks(w *world) {
	const loss, late = 0.3, 2
	all := w.addLine(w.story.Nodes)
	last := len(all) - 1
	for range 2 {
		w.nextBlock()
		w.settle()
	}
	began := agree(all)
	w.tell("%[1]s stand in a line, each connected with its neighbours only. Blocks are passed on from one to the next, and all agree on block %[2]s.",
		"%[1]s 排成一行，各自只与相邻的节点相连。区块一个接一个传下去，所有节点都认可区块 %[2]s。", names(all), w.tipLabel(all[0]))

	w.loss, w.late = loss, late
	blocks := 0
	for (blocks < 3 || agree(all)) && blocks < lossyBlocks && w.goesOn() {
		w.nextBlock()
		w.settle()
		blocks++
	}
	behind := apartFrom(all, highest(all))
	gap := len(behind) > 0
	arrived := 100 * float64(w.sent-w.lost) / float64(max(w.sent, 1))
	w.charts = append(w.charts, Chart{
		Title: Text{"Messages that arrive", "到达的消息"}, Unit: "%",
		Bars: []Bar{{Label: Text{"each link loses 3 of 10", "每条线路丢失三成"}, Expected: 100 * (1 - loss), Found: seconds(arrived)}},
	})
	for _, n := range behind {
		n.remark("lacks the newest block", "缺少最新区块")
	}
	w.tell("Now each link loses 3 of 10 messages, and the others take %[1]d seconds. %[2]d blocks are found. Of %[3]d messages %[4]d get lost, and %[5]d of the %[6]d nodes are not on the newest block.",
		"现在每条线路丢失三成消息，其余的要多花 %[1]d 秒。又挖出 %[2]d 个区块。%[3]d 条消息丢了 %[4]d 条，%[6]d 个节点中有 %[5]d 个不在最新区块上。",
		late, blocks, w.sent, w.lost, len(behind), len(all))

	lost := w.lost
	rounds := 0
	for ; !agree(all) && rounds < lossyRounds && w.goesOn(); rounds++ {
		if rounds%tieBreaks == tieBreaks-1 {
			w.nextBlock()
		}
		for i := range last {
			w.sendTip(all[i], all[i+1])
			w.sendTip(all[i+1], all[i])
		}
		w.wait(roundTime)
	}
	w.settle()
	healed := agree(all)
	w.tell("Each node tells its neighbours its tip again and again, over the same links. A node that hears of a block whose parent it lacks asks for the blocks in between. After %[1]d rounds all agree on block %[2]s, though %[3]d more messages got lost.",
		"每个节点不断地把自己的最新区块告诉邻居，走的还是这些线路。听到父区块未知的区块时，节点就去要中间的区块。%[1]d 轮之后，所有节点都认可区块 %[2]s，尽管又丢了 %[3]d 条消息。",
		rounds, w.tipLabel(all[0]), w.lost-lost)

	w.check(began, "over good links all nodes agree", "线路良好时所有节点一致")
	w.check(lost > 0 && gap, "lost messages leave nodes behind", "消息丢失使一些节点落后")
	w.check(healed, "by asking again, all agree over the same links", "线路没有变好，反复询问也使所有节点一致")
}

// addLine starts nodes that are each connected with the one before and the one after.
func (w *world) addLine(count int) (all []*node) {
	for i := range count {
		n := w.add(nodeName(i), "")
		n.share = 1 / float64(count)
		if i > 0 {
			connect(all[i-1], n)
		}
		all = append(all, n)
	}
	return all
}

// highest returns the node with the longest chain.
func highest(nodes []*node) *node {
	best := nodes[0]
	for _, n := range nodes {
		if n.chain.Tip().Index > best.chain.Tip().Index {
			best = n
		}
	}
	return best
}

// apartFrom returns the nodes with another tip.
func apartFrom(nodes []*node, n *node) (others []*node) {
	for _, o := range nodes {
		if o.chain.Tip().Hash != n.chain.Tip().Hash {
			others = append(others, o)
		}
	}
	return others
}
