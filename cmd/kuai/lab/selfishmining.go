package lab

import (
	"math"

	"kuai/chain/consensus"
)

var selfishMining = lesson{
	Lesson: Lesson{
		Name: "selfish-mining", Kind: KindIdea, Nodes: 4, MinNodes: 2, MaxNodes: MaxNodes,
		Title:    Text{"Selfish mining", "自私挖矿"},
		About:    Text{"A miner who withholds blocks gets more than a fair share, if he has enough mining power.", "扣住区块不公布的矿工，如果算力足够大，收益会超过应得的份额。"},
		Question: Text{"A miner with 40 % of the mining power publishes blocks only when it suits him. What share of the rewards does he get?", "一个掌握 40% 算力的矿工，只在对自己有利时才公布区块。他能得到链上多大比例的奖励？"},
		Choices: []Text{
			{"Less than 40 %: he risks his blocks", "少于 40%：他的区块有风险"},
			{"40 %, like the mining power", "40%：算力多少就是多少"},
			{"More than 40 %", "多于 40%"},
		},
	},
	answer: 2,
	moral: Text{
		"Withheld blocks make the others waste their work on a branch that will lose. Above a third of the mining power this pays, even if nobody helps the attacker in a tie. So a chain needs two thirds of its mining power to be honest.",
		"扣住的区块让其他人在注定失败的分支上浪费算力。算力超过三分之一时，即使平局时没有人帮助攻击者，这样做也有利可图。要让区块链诚实，需要三分之二的算力诚实。",
	},
	run: runSelfishMining,
}

func runSelfishMining(w *world) {
	const share = 0.4
	all := w.addAll(w.story.Nodes)
	attacker, honest := all[0], all[1:]
	attacker.role, attacker.share = RoleAttacker, share
	for _, n := range honest {
		n.share = (1 - share) / float64(len(honest))
	}
	w.split(honest, []*node{attacker})
	w.tell("%[1]s has %[2]s of the mining power, and does not publish its blocks. When the others find a block, it decides: it publishes its own, or gives up and follows them.",
		"%[1]s 掌握 %[2]s 的算力，挖到的区块先不公布。别人挖到区块时它再决定：公布自己的，或者放弃并跟随别人。", attacker.name, percent(share))

	strategy, dropped := selfish{}, 0
	for dropped == 0 && w.goesOn() {
		dropped = w.selfishStep(attacker, honest, &strategy)
	}
	w.tell("%[1]s is ahead until the others find block %[2]s and are only one block behind. Then %[1]s publishes its branch. It is longer, so all nodes adopt it: the others have mined %[3]s for nothing.",
		"%[1]s 一直领先，直到别人挖到区块 %[2]s，只差一个区块。这时 %[1]s 公布自己的分支。它更长，所有节点都采用：别人白挖了 %[3]s。",
		attacker.name, w.blocks[len(w.blocks)-1].Label, blocksText(dropped))
	replaced := agree(all) && dropped > 0

	for range 20 {
		dropped += w.selfishStep(attacker, honest, &strategy)
	}
	w.give(attacker, honest)
	w.give(honest[0], all)
	w.settle()
	own := w.minedBy(honest[0], attacker)
	w.tell("They go on for 20 blocks more. Of the %[1]d blocks on the chain, %[3]s has mined %[2]d; %[4]d blocks of the others were dropped. A run this short shows little, so the chart comes from long ones.",
		"他们又挖了 20 个区块。链上的 %[1]d 个区块中，%[2]d 个是 %[3]s 的；别人有 %[4]d 个区块被放弃。这么短的过程说明不了什么：图中是长时间的结果。",
		honest[0].chain.Tip().Index-1, own, attacker.name, dropped)

	c := Chart{Title: Text{"Share of the rewards, by share of the mining power", "各算力比例得到的奖励比例"}, Unit: "%", Bars: []Bar{}}
	asComputed, found40, found25 := true, 0.0, 0.0
	for _, s := range []float64{0.25, 0.3, 0.35, 0.4, 0.45} {
		expected, found := selfishRevenue(s), selfishPart(w.finds(s))
		asComputed = asComputed && math.Abs(found-expected) < 0.03
		switch s {
		case 0.25:
			found25 = found
		case share:
			found40 = found
		}
		c.Bars = append(c.Bars, Bar{percent(s), 100 * expected, 100 * found})
	}
	w.charts = append(w.charts, c)
	w.tell("The same strategy over %[1]d blocks for each share, beside the formula of Eyal and Sirer (2013). Below a third of the mining power the strategy costs; above, it pays.",
		"对每种算力比例，用同样的策略模拟 %[1]d 个区块，与 Eyal 和 Sirer（2013）的公式对照。算力低于三分之一时吃亏，高于三分之一时获利。", selfishFinds)

	w.check(replaced, "withheld blocks replace blocks of the others", "扣住的区块取代了别人的区块")
	w.check(asComputed, "the simulation agrees with the formula", "模拟与公式相符")
	w.check(found40 > share && found25 < 0.25, "with 40 % of the mining power the strategy pays, with 25 % it costs", "40% 的算力获利，25% 的算力吃亏")
}

// selfishStep makes somebody find a block and the attacker act by the strategy. It returns how many blocks of the others that drops.
func (w *world) selfishStep(attacker *node, honest []*node, s *selfish) (dropped int) {
	wasTie, lead := s.tie, s.lead
	miner, _ := w.nextBlock()
	w.settle()
	s.found(miner == attacker)
	before := len(honest[0].last)
	switch {
	case miner == attacker && wasTie, miner != attacker && lead == 2 && !wasTie:
		w.give(attacker, honest)
	case miner != attacker && (lead == 0 || wasTie):
		w.give(honest[0], []*node{attacker})
	}
	if len(honest[0].last) > before {
		dropped = lastReorg(honest[0]).Dropped
	}
	return dropped
}

// give hands the chain of a node to others, also across a cut.
func (w *world) give(from *node, to []*node) {
	for _, n := range to {
		if n == from || w.err != nil {
			continue
		}
		raws, err := blocksAfter(from.chain, n.chain.Locator())
		if err != nil {
			w.fail(err)
			return
		}
		w.adopt(n, from, raws)
		w.follow(n)
	}
	w.settle()
}

// minedBy counts the blocks on a node's chain that a miner has the reward of.
func (w *world) minedBy(n, miner *node) (count int) {
	for _, s := range w.scratches(n) {
		for _, t := range s.transactions {
			if t.Sender == consensus.RewardSender && t.Recipient == miner.name {
				count++
			}
		}
	}
	return count
}
