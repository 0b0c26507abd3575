package lab

import "kuai/chain/consensus"

var doubleSpend = lesson{
	Lesson: Lesson{
		Name: "double-spend", Kind: KindIdea, Nodes: 5, MinNodes: 3, MaxNodes: MaxNodes,
		Title:    Text{"Double spend across a partition", "网络断开时的双重支付"},
		About:    Text{"One payment, spent on both sides of a broken network. Why a shop waits for confirmations.", "同一笔付款在断开的网络两边各花一次。商店为什么要等待确认。"},
		Question: Text{"The shop sees the payment with three confirmations, and hands over the goods. Can the payment still disappear?", "商店看到付款已有三次确认，就交了货。这笔付款还会消失吗？"},
		Choices: []Text{
			{"No: a payment in a block stays there", "不会：写入区块就不变了"},
			{"No: three confirmations are final", "不会：三次确认就是最终结果"},
			{"Yes: if a longer chain has another payment with the same id", "会：如果更长的链里有同一 id 的另一笔付款"},
		},
	},
	answer: 2,
	moral: Text{
		"Confirmations make a payment likely to stay, never certain. They mean little while a part of the network is out of reach, because a longer chain may grow there. A seller of valuable goods waits longer, and watches the peers.",
		"确认次数只能让付款更可能保留，从不保证。当一部分网络连不上时，确认没有多大意义：那边可能长出更长的链。出售贵重物品的人会等得更久，也会看看对等节点是否都在。",
	},
	run: runDoubleSpend,
}

func runDoubleSpend(w *world) {
	const confirmations = 3
	all := w.addAll(w.story.Nodes)
	left, right := all[:len(all)/2], all[len(all)/2:]
	shop := left[0]
	shop.role = RoleShop
	w.nextBlock()
	w.settle()
	w.split(left, right)
	w.tell("The network breaks in two: %[1]s on one side, %[2]s on the other. %[3]s belongs to a shop.",
		"网络断成两半：一边是 %[1]s，另一边是 %[2]s。%[3]s 是一家商店的节点。", names(left), names(right), shop.name)

	id := w.id()
	w.pay(shop, w.payment(id, "alice", "shop", 10))
	w.pay(right[0], w.payment(id, "alice", "alice-2", 10))
	w.settle()
	w.tell("Alice pays the shop 10 on one side. On the other side she sends the same payment, with the same id, to another account of hers. No node sees both.",
		"Alice 在一边付给商店 10。在另一边，她把同一笔付款（id 相同）发给自己的另一个账户。没有节点同时看到两者。")

	w.mineOn(left, confirmations)
	paid := recipientOf(shop, id) == "shop"
	tip := shop.chain.Tip()
	w.mineOn(right, confirmations+1)
	w.tell("On the side of the shop, three blocks are mined: the payment has %[1]d confirmations, and the shop hands over the goods. The other side, with %[2]s, mines one block more.",
		"商店这边挖出了三个区块：付款有了 %[1]d 次确认，商店交了货。另一边有 %[2]s，多挖了一个区块。", confirmations, counted(len(right), "node", "个节点"))

	w.heal()
	w.settle()
	now := recipientOf(shop, id)
	shop.remark("goods handed over, no money", "货已交出，钱没收到")
	w.tell("The sides meet, and the longer chain wins. Payments of dropped blocks are pending again, but not this one: its id is on the new chain already. The shop has nothing.",
		"两边重新连上，更长的链胜出。被放弃区块里的付款会重新变为待确认，但这一笔不会：它的 id 已经在新链上。商店什么也没得到。")

	w.check(paid && tip.Index == 2+confirmations, "before, the shop's node shows the payment with three confirmations", "之前，商店的节点显示付款有三次确认")
	w.check(now == "alice-2" && !pending(shop, id), "afterwards, the payment to the shop is neither on the chain nor pending", "之后，付给商店的款既不在链上，也不在待确认列表里")
	once := agree(all)
	for _, n := range all {
		once = once && w.times(n, id) == 1
	}
	w.check(once, "all nodes agree, and the id is on the chain once", "所有节点一致，这个 id 在链上只出现一次")
}

// recipientOf returns the recipient of the payment with an id on a node's chain, "" if the chain has none.
func recipientOf(n *node, id consensus.ID) string {
	at, err := n.chain.Transaction(id)
	if err != nil || at.Pending {
		return ""
	}
	return at.Transaction.Recipient
}
