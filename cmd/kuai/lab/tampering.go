package lab

var tampering = lesson{
	Lesson: Lesson{
		Name: "tampering", Kind: KindIdea, Nodes: 2, MinNodes: 2, MaxNodes: 2,
		Title:    Text{"Tampering", "篡改"},
		About:    Text{"Somebody edits an old block. What happens, and what protects the block.", "有人修改旧区块会怎样，又是什么在保护它。"},
		Question: Text{"In a copy of the chain, you change the amount in block 3 of 5. What no longer fits?", "在区块链的副本里，你改了第 3 个区块中的金额，全链共 5 个区块。哪里对不上了？"},
		Choices: []Text{
			{"Block 3: its proof is wrong now", "第 3 个区块：它的工作量证明失效了"},
			{"Block 4: it names another hash of block 3", "第 4 个区块：它记录的是原来第 3 个区块的哈希值"},
			{"Nothing: the proofs are all still there", "没有：所有工作量证明都还在"},
		},
	},
	answer: 1,
	moral: Text{
		"Links show that a block was changed, but only work makes the change expensive: each block on top must be mined again, faster than the others mine.",
		"哈希链接能让改动暴露出来，但真正让改动付出代价的是工作量：改动之后的每个区块都要重新挖，而且要比其他人挖得更快。",
	},
	run: runTampering,
}

func runTampering(w *world) {
	a, b := w.add("A", ""), w.add("B", "")
	connect(a, b)
	a.share = 1
	w.nextBlock()
	w.pay(a, w.payment(w.id(), "alice", "bob", 5))
	for range 3 {
		w.nextBlock()
	}
	w.settle()
	w.tell("A mines blocks 2 to 5, and B receives them. Block 3 holds a payment: alice pays bob 5.",
		"A 挖出区块 2 到 5，B 都收到了。区块 3 里有一笔付款：alice 付给 bob 5。")
	chain := w.scratches(a)
	if w.err != nil {
		return
	}

	edited := chain[2]
	edited.transactions = append(edited.transactions[:0:0], edited.transactions...)
	edited.transactions[0].Amount = "5000"
	copied := w.noteScratch(edited, "A")
	broken := chain[3].previous != edited.hash().String()
	w.tell("In a copy, the forger turns 5 into 5000. The hash of the block was %[1]s…, and is %[2]s… now. Block 4 still names %[3]s… as its previous hash: the link is broken. "+
		"The proof of block 3 still holds, because in the tutorial a proof covers the block before it, and not the block itself.",
		"在副本里，篡改者把 5 改成 5000。区块的哈希值原来是 %[1]s…，现在是 %[2]s…；而区块 4 的 previous_hash 仍是 %[3]s…：链接断了。区块 3 的工作量证明仍然有效，因为教程里的证明只涵盖前一个区块，不涵盖区块本身。",
		chain[2].hash().Short(), edited.hash().Short(), chain[3].previous[:12])

	forged, chart := w.forge(edited, 2)
	refused := w.offer(b, "forger", append(append(chain[:2:2], edited), forged...))
	if refused != nil || w.err != nil {
		w.fail(refused)
		return
	}
	kept := b.chain.Tip().Hash == chain[4].hash()
	w.charts = append(w.charts, chart)
	w.tell("The forger mines the blocks after it again: %[1]s and %[2]s on %[3]s, with %.0[4]f tries in all. Now all links hold, and the forger offers this chain to B. It is as long as B's own, so B keeps what it saw first.",
		"篡改者把后面的区块重挖一遍：在 %[3]s 上挖出 %[1]s 和 %[2]s，共尝试 %.0[4]f 次。现在所有链接都对上了，篡改者把这条链发给 B。它和 B 的链一样长，所以 B 保留先看到的那条。",
		w.noteScratch(forged[0], "").Label, w.noteScratch(forged[1], "").Label, copied.Label, chart.Bars[0].Found+chart.Bars[1].Found)

	w.elapse()
	longer, more := w.forge(forged[1], 1)
	if err := w.offer(b, "forger", longer); err != nil || w.err != nil {
		w.fail(err)
		return
	}
	replaced := b.chain.Tip().Hash == longer[0].hash()
	w.charts = append(w.charts, more)
	b.remark("holds the forged payment", "接受了伪造的付款")
	w.tell("Then A pauses, and the forger finds one more block. The forged chain is now the longest valid one, so B adopts it: bob has 5000. Only work protected the old payment, and %.0f tries a block take one core a few milliseconds.",
		"A 停了下来，篡改者又挖到一个区块。伪造的链成了最长的有效链，B 只好采用：bob 有了 5000。挡在中间的只有工作量，而每个区块平均 %.0f 次尝试，一个核心只要几毫秒。", more.Bars[0].Expected)
	w.tell("In Bitcoin, a block took some 6×10²³ tries at the end of 2025. One core with ten million tries a second would need two billion years for a block, while the others go on mining.",
		"在比特币里，2025 年底一个区块平均要尝试约 6×10²³ 次。一个每秒尝试一千万次的核心，挖一个区块就要二十亿年，而其他人还在不停地挖。")

	w.check(broken, "editing block 3 breaks the link from block 4", "修改区块 3 后，区块 4 的链接断了")
	w.check(kept, "B keeps its chain against a forged one of the same length", "面对同样长的伪造链，B 保留自己的链")
	w.check(replaced, "B adopts the forged chain once it is longer", "伪造的链一旦更长，B 就会采用")
}

// forge mines that many blocks on a parent that no node has, and charts the tries.
func (w *world) forge(parent scratch, count int) (blocks []scratch, c Chart) {
	c = Chart{Title: Text{"Tries to mine a block again", "重挖一个区块的尝试次数"}, Unit: "tries"}
	for range count {
		next := w.scratchAfter(parent, "forger")
		label := w.noteScratch(next, "forger").Label
		c.Bars = append(c.Bars, Bar{Text{label, label}, w.expectedTries(), float64(next.proof + 1)})
		blocks, parent = append(blocks, next), next
	}
	return blocks, c
}
