package lab

import "fmt"

var majority = lesson{
	Lesson: Lesson{
		Name: "51-percent", Kind: KindIdea, Nodes: 4, MinNodes: 2, MaxNodes: MaxNodes,
		Title:    Text{"51 % attack", "51% 攻击"},
		About:    Text{"A miner with most of the mining power rewrites the chain. What the odds are with less.", "掌握多数算力的矿工可以改写区块链。算力不够时成功的机会有多大。"},
		Question: Text{"An attacker is three blocks behind and has unlimited time. How much of the mining power makes it certain that he overtakes?", "攻击者落后三个区块，时间不限。算力占多大比例时，他必定能追上并超过？"},
		Choices: []Text{
			{"About 10 %", "约 10%"},
			{"About 30 %", "约 30%"},
			{"Half of it", "一半"},
			{"All of it", "全部"},
		},
	},
	answer: 2,
	moral: Text{
		"With half of the mining power or more, an attacker catches up with any lead in the end. With less, each further confirmation divides his chance by the same factor. That is what confirmations are for.",
		"掌握一半以上的算力，攻击者最终能追上任何领先。算力不足一半时，每多一次确认，成功的机会就按比例缩小：这正是等待确认的意义。",
	},
	run: runMajority,
}

func runMajority(w *world) {
	const share, confirmations, behind, giveUp = 0.7, 3, 3, 30
	all := w.addAll(w.story.Nodes)
	attacker, honest := all[0], all[1:]
	attacker.role, attacker.share = RoleAttacker, share
	for _, n := range honest {
		n.share = (1 - share) / float64(len(honest))
	}
	shop := honest[0]
	shop.role = RoleShop
	w.nextBlock()
	w.settle()
	id := w.id()
	w.split(honest, []*node{attacker})
	w.pay(shop, w.payment(id, "mallory", "shop", 10))
	w.pay(attacker, w.payment(id, "mallory", "mallory-2", 10))
	w.settle()
	w.tell("%[1]s has %[2]s of the mining power. It pays the shop of %[3]s, and leaves the network. In secret it mines a chain of its own, in which the same payment goes back to itself.",
		"%[1]s 掌握 %[2]s 的算力。它向 %[3]s 的商店付款，然后离开网络，秘密地挖自己的链，在那条链里同一笔付款又付给了自己。", attacker.name, percent(share), shop.name)

	paid := false
	for w.goesOn() {
		w.nextBlock()
		w.settle()
		height, secret := shop.chain.Tip().Index, attacker.chain.Tip().Index
		if paid = paid || height >= 2+confirmations; paid && secret > height {
			break
		}
	}
	confirmed := recipientOf(shop, id) == "shop"
	public, secret := shop.chain.Tip(), attacker.chain.Tip()
	w.tell("The public chain is at block %[1]s. The shop has seen %[2]d confirmations, and hands over the goods. The secret chain is at block %[3]s: it is longer.",
		"公开的链到了区块 %[1]s。商店看到了 %[2]d 次确认，交了货。秘密的链到了区块 %[3]s：它更长。", w.tipLabel(shop), public.Index-2, w.tipLabel(attacker))

	w.heal()
	w.settle()
	e := lastReorg(shop)
	w.tell("%[1]s shows its chain. All nodes adopt it, as it is valid and longer: %[2]s of the others are dropped, with the payment to the shop.",
		"%[1]s 公开它的链。这条链有效而且更长，所有节点都采用了它：其他人的 %[2]s 被放弃，付给商店的款也随之消失。", attacker.name, blocksText(e.Dropped))

	c := Chart{Title: Text{"Overtakes from three blocks behind, before giving up 30 further back", "从落后三个区块开始、在再落后 30 个而放弃之前反超的比例"}, Unit: "%", Bars: []Bar{}}
	asComputed := true
	for _, s := range []float64{0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6} {
		expected, found := catchUp(s, behind+1, giveUp), raceWins(w.finds(s), behind+1, giveUp)
		asComputed = asComputed && near(found, expected, races)
		c.Bars = append(c.Bars, Bar{percent(s), 100 * expected, 100 * found})
	}
	w.charts = append(w.charts, c)
	w.tell("The same with other shares of the mining power: %[1]d races each. A race starts three blocks behind. It ends when the attacker leads, or when he falls %[2]d blocks further back and gives up. So the figures are the chance to overtake before giving up, the gambler's ruin: with half of the mining power %[3]s %%. An attacker who never gives up overtakes in the end with half of it or more: 100 %%.",
		"换成其他算力比例：每种比例模拟 %[1]d 场竞赛，从落后三个区块开始，直到攻击者领先，或再落后 %[2]d 个区块而放弃。所以图中是放弃之前反超的概率，按赌徒破产问题计算：算力占一半时为 %[3]s %%。如果永不放弃，掌握一半以上的算力最终必定反超：100 %%。",
		races, giveUp, fmt.Sprintf("%.1f", 100*catchUp(0.5, behind+1, giveUp)))

	w.check(confirmed && secret.Index > public.Index, "the shop's payment was confirmed, and the secret chain got longer", "商店的付款曾被确认，而秘密的链更长")
	w.check(agree(all) && recipientOf(shop, id) == "mallory-2", "all nodes adopt the attacker's chain", "所有节点都采用了攻击者的链")
	w.check(asComputed, "the races are won as often as computed", "竞赛的胜率与理论值相符")
}
