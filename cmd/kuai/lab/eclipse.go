package lab

var eclipse = lesson{
	Lesson: Lesson{
		Name: "eclipse", Kind: KindIdea, Nodes: 6, MinNodes: 4, MaxNodes: MaxNodes,
		Title:    Text{"Eclipse", "日蚀攻击"},
		About:    Text{"A node whose peers all belong to an attacker sees the world that the attacker shows.", "一个节点的所有对等节点都属于攻击者，它看到的就是攻击者让它看到的世界。"},
		Question: Text{"All peers of a node belong to an attacker with 20 % of the mining power. How many honest peers does the node need to find the longest chain?", "一个节点的对等节点全都属于攻击者，攻击者掌握 20% 的算力。这个节点需要多少个诚实的对等节点才能找到最长的链？"},
		Choices: []Text{
			{"One", "一个"},
			{"More than half of its peers", "超过对等节点的一半"},
			{"All of them", "全部"},
		},
	},
	answer: 0,
	moral: Text{
		"A node checks every block itself, so peers cannot make it accept a bad one; but they can hide the better chain. One honest peer is enough against that. So kuai keeps some peers that it chose itself, and exchanges one of them now and then.",
		"节点自己检查每个区块，对等节点无法让它接受无效的区块；但他们可以隐瞒更好的链。要对付这一点，一个诚实的对等节点就够了。所以 kuai 总保留一些自己选择的对等节点，并不时更换其中一个。",
	},
	run: runEclipse,
}

func runEclipse(w *world) {
	const share, confirmations = 0.2, 2
	honest := w.addAll(w.story.Nodes - 2)
	for _, n := range honest {
		n.share = (1 - share) / float64(len(honest))
	}
	attacker, victim := w.add("X", RoleAttacker), w.add("V", RoleVictim)
	attacker.share = share
	connect(append(honest, attacker)...)
	connect(attacker, victim)
	w.nextBlock()
	w.settle()
	w.split(honest, []*node{attacker, victim})
	w.tell("%[1]s and %[2]s are a network. All connections of %[3]s lead to the attacker %[2]s, which passes on nothing of what the others mine.",
		"%[1]s 和 %[2]s 组成网络。%[3]s 的所有连接都通向攻击者 %[2]s，而 %[2]s 不转发别人挖到的任何区块。", names(honest), attacker.name, victim.name)

	id := w.id()
	w.pay(victim, w.payment(id, "mallory", "victim", 10))
	w.pay(honest[0], w.payment(id, "mallory", "mallory-2", 10))
	w.settle()
	for start := victim.chain.Tip().Index; w.goesOn(); {
		w.nextBlock()
		w.settle()
		own, others := victim.chain.Tip().Index-start, honest[0].chain.Tip().Index-start
		if own >= confirmations && others > own {
			break
		}
	}
	fooled := recipientOf(victim, id) == "victim"
	hidden, shown := honest[0].chain.Tip(), victim.chain.Tip()
	w.tell("The attacker mines for the victim alone, slowly. Its blocks are valid, and the victim sees a payment with %[1]d confirmations, up to block %[2]s. It cannot know that the others are at block %[3]s, where the same payment went elsewhere.",
		"攻击者只为受害者慢慢挖矿。这些区块都有效，受害者看到一笔付款有了 %[1]d 次确认，直到区块 %[2]s。它不可能知道别人已经到了区块 %[3]s，在那里同一笔付款付给了别人。",
		shown.Index-2, w.tipLabel(victim), w.tipLabel(honest[0]))

	connect(victim, honest[0])
	w.heal()
	w.settle()
	w.tell("The victim finds one honest peer, %[1]s. It asks for the blocks that it lacks, checks them, and adopts the longer chain at once. The payment has disappeared.",
		"受害者找到了一个诚实的对等节点 %[1]s。它索取缺少的区块，逐一检查，立即采用了更长的链。那笔付款消失了。", honest[0].name)

	w.check(fooled && shown.Hash != hidden.Hash && hidden.Index > shown.Index, "eclipsed, the victim is on a shorter chain with a payment that the network does not have", "被隔离时，受害者在较短的链上，并有一笔网络里不存在的付款")
	w.check(victim.chain.Tip().Hash == honest[0].chain.Tip().Hash && recipientOf(victim, id) == "mallory-2", "one honest peer is enough: the victim adopts the longest chain", "一个诚实的对等节点就够了：受害者采用了最长的链")
}
