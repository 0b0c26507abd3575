package lab

var forkRace = lesson{
	Lesson: Lesson{
		Name: "fork-race", Kind: KindIdea, Nodes: 4, MinNodes: 2, MaxNodes: MaxNodes,
		Title:    Text{"Fork race", "分叉竞赛"},
		About:    Text{"Two nodes find a block at nearly the same time. How the network agrees again.", "两个节点几乎同时挖到区块，网络怎样重新达成一致。"},
		Question: Text{"Two nodes find the next block within a second. Which of the two stays?", "两个节点在一秒之内都挖到了下一个区块。哪一个会留下？"},
		Choices: []Text{
			{"The one that was found first", "先挖到的那个"},
			{"The one that more nodes have", "更多节点持有的那个"},
			{"The one on which the next block is found", "下一个区块接在哪个后面，哪个就留下"},
			{"Both", "两个都留下"},
		},
	},
	answer: 2,
	moral: Text{
		"Nobody decides a tie: each node keeps what it saw first, and the next block breaks the tie for all. A block at the tip may still disappear; with each block on top this becomes less likely.",
		"平局不由任何人裁决：每个节点保留先看到的区块，下一个区块替所有人打破平局。链顶的区块仍可能消失；其上每多一个区块，这种可能就越小。",
	},
	run: runForkRace,
}

func runForkRace(w *world) {
	const slowBy, second = 5, 1
	all := w.addAll(w.story.Nodes)
	for range 2 {
		w.nextBlock()
		w.settle()
	}
	w.tell("All nodes mine, and agree on block %[1]s. Then the line between %[2]s and %[3]s becomes slow: a message takes %[4]d seconds longer.",
		"所有节点都在挖矿，并且都认可区块 %[1]s。这时 %[2]s 与 %[3]s 之间的线路变慢了：一条消息要多花 %[4]d 秒。",
		w.tipLabel(all[0]), names(all[:len(all)/2]), names(all[len(all)/2:]), slowBy)

	left, right := all[:len(all)/2], all[len(all)/2:]
	w.slow(slowBy, left, right)
	x, y := left[w.dice.IntN(len(left))], right[w.dice.IntN(len(right))]
	first := w.mine(x)
	w.wait(second)
	other := w.mine(y)
	w.wait(second)
	raced := all[0].chain.Tip().Hash == first.Hash() && y.chain.Tip().Hash == other.Hash()
	w.tell("%[1]s finds block %[2]s. A second later, before it can know of it, %[3]s finds block %[4]s on the same parent. Each half of the network has another tip.",
		"%[1]s 挖到区块 %[2]s。一秒后，还没收到它的 %[3]s 在同一个父区块上挖到了区块 %[4]s。网络的两半各有一个不同的最新区块。",
		x.name, w.label(first), y.name, w.label(other))

	w.settle()
	tied := !agree(all) && holdBoth(all)
	w.tell("Now every node has both blocks. They are equally long chains, so each node keeps the one that it saw first, and mines on that.",
		"现在每个节点都有这两个区块。两条链一样长，所以每个节点保留先看到的那条，并在它上面继续挖。")

	winner, next := w.nextBlock()
	w.settle()
	lost := first
	if next.Header().Previous == first.Hash() {
		lost = other
	}
	w.tell("%[1]s finds block %[2]s on its own tip. That chain is longer, so all nodes switch to it. Block %[3]s leaves the chain, and its miner loses the reward.",
		"%[1]s 在自己的最新区块上挖到区块 %[2]s。这条链更长，所有节点都切换过来。区块 %[3]s 离开了主链，它的矿工也失去了奖励。",
		winner.name, w.label(next), w.label(lost))

	w.check(raced, "two tips at once, one in each half", "两半各有一个最新区块")
	w.check(tied, "with both blocks known, each node keeps the first it saw", "两个区块都已知时，各节点保留先看到的那个")
	w.check(agree(all) && all[0].chain.Tip().Hash == next.Hash(), "one more block makes all agree", "再多一个区块，所有节点就一致了")
	w.check(holdBoth(all) && !w.isActive(all[0], lost), "the losing block is kept beside the chain", "落败的区块留在主链之外的分支上")
}

// holdBoth reports whether each of the nodes holds exactly one side branch.
func holdBoth(nodes []*node) bool {
	for _, n := range nodes {
		if len(n.chain.Forks()) != 1 {
			return false
		}
	}
	return true
}
