package lab

import (
	"errors"

	"kuai/chain"
	"kuai/chain/consensus"
)

// The bugs of the tutorial that are about which chain a node adopts. In each, a node of kuai stands beside one of the tutorial with
// that bug, and both are told the same.

// bugLesson is what these lessons have in common.
func bugLesson(name string) Lesson {
	return Lesson{Name: name, Kind: KindBug, Nodes: 2, MinNodes: 2, MaxNodes: 2}
}

// described fills in a lesson.
func described(name string, title, about, question Text, choices ...Text) Lesson {
	l := bugLesson(name)
	l.Title, l.About, l.Question, l.Choices = title, about, question, choices
	return l
}

// refuses reports whether kuai refuses a chain for that rule, and keeps its tip.
func (w *world) refuses(kuai *node, all []scratch, rule consensus.Rule) bool {
	tip := kuai.chain.Tip().Hash
	err := w.offer(kuai, "forger", all)
	var invalid *consensus.InvalidError
	ok := errors.As(err, &invalid) && invalid.Rule == rule && kuai.chain.Tip().Hash == tip
	if ok {
		kuai.remark("refuses the chain: rule “%s”", "拒绝这条链：违反规则 “%s”", rule)
	}
	return ok
}

// adopts reports whether kuai adopts a chain.
func (w *world) adopts(kuai *node, all []scratch) bool {
	err := w.offer(kuai, "neighbour", all)
	return err == nil && kuai.chain.Tip().Hash == all[len(all)-1].hash()
}

var wrongHash = lesson{
	Lesson: described("wrong-hash",
		Text{"Proof checked against the wrong hash", "用错误的哈希值检查工作量证明"},
		Text{"valid_chain checks a proof against the hash in the last block, and mine searches it against the hash of the last block.", "valid_chain 用前一个区块里记录的哈希值检查证明，而 mine 用的是前一个区块本身的哈希值。"},
		Text{"A node mines by one rule, and checks the blocks of others by another. What happens to an honest, longer chain?", "一个节点挖矿用一种规则，检查别人用另一种规则。诚实的、更长的链会怎样？"},
		Text{"It is adopted", "被采用"},
		Text{"It is refused, and a forged one is adopted", "被拒绝，伪造的反而被采用"},
		Text{"Both are refused", "都被拒绝"}),
	answer: 1,
	moral: Text{
		"A rule must be one function that miner and checker share. With two versions of it, honest nodes never agree.",
		"挖矿和检查必须共用同一个函数。有两个版本，诚实的节点就永远无法一致。",
	},
	run: runWrongHash,
}

func runWrongHash(w *world) {
	t, kuai := w.newTutorial("wrong-hash")
	w.grow(t, kuai, 2)
	start := t.chain
	w.tell("Both nodes have the same chain, up to block 3.", "两个节点有同样的链，到区块 3 为止。")

	long := w.extend(start, 1, "neighbour")
	t.resolve(honest(long))
	stays, follows := !t.has(long[3]), w.adopts(kuai, long)
	w.tell("An honest neighbour has one block more. kuai adopts its chain. The tutorial's node checks each proof against last_block['previous_hash'], finds the first one wrong, and keeps its own chain: it would refuse its own blocks, too.",
		"一个诚实的邻居多一个区块。kuai 采用了它的链。教程的节点用 last_block['previous_hash'] 检查每个证明，发现第一个就不对，保留自己的链：连它自己挖的区块它也会拒绝。")

	forged := []scratch{start[0]}
	wrongRule := &tutorial{w: w, bug: "wrong-hash"}
	for len(forged) < 6 {
		last := forged[len(forged)-1]
		w.elapse()
		b := scratch{last.index + 1, last.hash().String(), 0, w.stamp(), []consensus.Transaction{w.rules.RewardTo("forger")}}
		b.proof = w.proveAny(wrongRule.puzzleAfter(last))
		w.wrong(b, "its proof fits another hash", "它的证明对应的是另一个哈希值")
		forged = append(forged, b)
	}
	t.resolve(honest(forged))
	fooled, refused := t.has(forged[5]), w.refuses(kuai, forged, consensus.RuleProof)
	w.tell("A forger has six blocks whose proofs fit that wrong hash. The tutorial's node adopts them. kuai refuses the first: its proof does not fit the hash of the block before it.",
		"伪造者有六个区块，证明都符合那个错误的哈希值。教程的节点采用了。kuai 拒绝了第一个：它的证明与前一个区块的哈希值不符。")

	w.check(stays, "the tutorial's node refuses an honest, longer chain", "教程的节点拒绝了诚实的、更长的链")
	w.check(fooled, "the tutorial's node adopts a chain of wrong proofs", "教程的节点采用了证明错误的链")
	w.check(follows && refused, "kuai adopts the honest chain and refuses the other", "kuai 采用诚实的链，拒绝另一条")
}

// proveAny searches a proof. Package search takes puzzles with a hash only, and the first block of the tutorial names none.
func (w *world) proveAny(p consensus.Puzzle) (proof int64) {
	if len(p.After) == len(consensus.Hash{}.String()) {
		proof, err := w.prove(p)
		if err != nil {
			w.fail(err)
		}
		return proof
	}
	for w.goesOn() && !p.Solves(proof) {
		proof++
	}
	return proof
}

var claimedLength = lesson{
	Lesson: described("claimed-length",
		Text{"Claimed length believed", "轻信声称的长度"},
		Text{"A neighbour's answer says how long its chain is. The node does not count.", "邻居的响应声称它的链有多长，节点并不去数。"},
		Text{"A neighbour answers with 2 valid blocks and “length”: 100. The node has 4 blocks. What does it do?", "邻居的响应里有 2 个有效区块，却写着 “length”: 100。节点自己有 4 个区块。它会怎么做？"},
		Text{"It keeps its 4 blocks", "保留自己的 4 个区块"},
		Text{"It adopts the 2 blocks", "采用那 2 个区块"},
		Text{"It asks for the other 98", "索取其余的 98 个"}),
	answer: 1,
	moral: Text{
		"A node must not believe what it can count or compute itself. kuai counts the blocks that it has checked.",
		"凡是能数、能算的，都不该轻信。kuai 只数自己检查过的区块。",
	},
	run: runClaimedLength,
}

func runClaimedLength(w *world) {
	t, kuai := w.newTutorial("claimed-length")
	w.grow(t, kuai, 3, transaction(w.id(), "alice", "bob", 5))
	own := t.chain
	w.tell("Both nodes have 4 blocks. Block 2 holds a payment of alice to bob.", "两个节点都有 4 个区块。区块 2 里有 alice 付给 bob 的一笔款。")

	w.elapse()
	other := w.scratchAfter(own[0], "liar")
	w.noteScratch(other, "liar")
	short := []scratch{own[0], other}
	t.resolve(neighbour{chain: short, length: 100})
	tip := kuai.chain.Tip().Hash
	if err := w.offer(kuai, "liar", short); err != nil {
		w.fail(err)
	}
	w.tell("A liar answers GET /chain with 2 blocks and “length”: 100. The tutorial's node compares 100 with 4, finds the two blocks valid, and throws its own chain away, with the payment. kuai counts: 2 are fewer than 4.",
		"说谎者对 GET /chain 的响应是 2 个区块和 “length”: 100。教程的节点拿 100 和 4 比，又发现那两个区块有效，就扔掉了自己的链：付款没了。kuai 自己数：2 个比 4 个少。")

	w.check(t.has(other), "the tutorial's node gives up 4 blocks for 2", "教程的节点为了 2 个区块放弃了 4 个")
	w.check(kuai.chain.Tip().Hash == tip, "kuai keeps its longer chain", "kuai 保留自己更长的链")
}

var foreignGenesis = lesson{
	Lesson: described("foreign-genesis",
		Text{"Foreign genesis", "别人的创世区块"},
		Text{"valid_chain begins with the second block. The first one may be anybody's.", "valid_chain 从第二个区块开始检查，第一个是谁的都行。"},
		Text{"A neighbour has a longer chain that begins with another first block. What does the node do?", "邻居有一条更长的链，但第一个区块不同。节点会怎么做？"},
		Text{"It refuses the chain", "拒绝这条链"},
		Text{"It adopts the chain, and with it another history", "采用这条链，连同另一段历史"},
		Text{"It joins both chains", "把两条链接起来"}),
	answer: 1,
	moral: Text{
		"The first block names the network. A chain with another one is another network's, however long it is.",
		"创世区块代表网络。创世区块不同的链属于另一个网络，无论多长都一样。",
	},
	run: runForeignGenesis,
}

func runForeignGenesis(w *world) {
	const day = 24 * 3600
	t, kuai := w.newTutorial("foreign-genesis")
	w.grow(t, kuai, 2, transaction(w.id(), "alice", "bob", 5))
	w.tell("Both nodes have 3 blocks, on the first block of their network.", "两个节点都有 3 个区块，建立在自己网络的创世区块上。")

	genesis := scratchOf(w.rules.Genesis)
	genesis.timestamp -= day
	w.wrong(genesis, "it is the first block of another network", "它是另一个网络的创世区块")
	foreign := w.extend([]scratch{genesis}, 4, "stranger")
	t.resolve(honest(foreign))
	tip := kuai.chain.Tip().Hash
	orphan := errors.Is(w.offer(kuai, "stranger", foreign), chain.ErrOrphan) && kuai.chain.Tip().Hash == tip
	kuai.remark("does not know the parent of the first block", "不认识第一个区块的父区块")
	w.tell("A stranger's chain has 5 blocks, on a first block that is a day older. All its links and proofs hold, so the tutorial's node adopts it: alice never paid bob there. kuai finds that the blocks lead to no block it has, and keeps its own.",
		"陌生人的链有 5 个区块，创世区块早一天。所有链接和证明都对，于是教程的节点采用了它：在那里 alice 从没付过款给 bob。kuai 发现这些区块接不到自己的任何区块上，保留自己的链。")

	w.check(t.has(foreign[4]), "the tutorial's node adopts another network's chain", "教程的节点采用了另一个网络的链")
	w.check(orphan, "kuai keeps its own", "kuai 保留自己的链")
}

var tamperedTip = lesson{
	Lesson: described("tampered-tip",
		Text{"Tampered tip", "被篡改的最新区块"},
		Text{"The loop of valid_chain ends one block early, so nobody checks the last one.", "valid_chain 的循环少走一步，最后一个区块没有人检查。"},
		Text{"The last block of a longer chain has a wrong proof. The loop runs while current_index < len(chain) - 1. What does the node do?", "一条更长的链，最后一个区块的证明是错的。循环条件是 current_index < len(chain) - 1。节点会怎么做？"},
		Text{"It refuses the chain", "拒绝这条链"},
		Text{"It adopts all of it", "全部采用"},
		Text{"It adopts all but the last block", "采用除最后一个以外的区块"}),
	answer: 1,
	moral: Text{
		"This off-by-one error leaves the newest block unchecked, and that one matters most. A test needs a case for each end.",
		"循环少走一步，最新的区块就没有人检查，而它恰恰最重要。测试时，两端都要有用例。",
	},
	run: runTamperedTip,
}

func runTamperedTip(w *world) {
	t, kuai := w.newTutorial("tampered-tip")
	w.grow(t, kuai, 2)
	w.tell("Both nodes have 3 blocks.", "两个节点都有 3 个区块。")

	w.elapse()
	last := t.tip()
	forged := scratch{last.index + 1, last.hash().String(), 0, w.stamp(), []consensus.Transaction{transaction(w.id(), "bob", "mallory", 500), w.rules.RewardTo("mallory")}}
	for w.rules.ValidProof(last.proof, forged.proof, last.hash()) {
		forged.proof++
	}
	w.wrong(forged, "its proof is wrong: nobody searched it", "它的证明是错的：没有人搜索过")
	all := append(append([]scratch{}, t.chain...), forged)
	t.resolve(honest(all))
	refused := w.refuses(kuai, all, consensus.RuleProof)
	w.tell("Mallory appends block 4, in which bob pays her 500, with the proof %d: she has not searched one. The tutorial's node checks all blocks but the last, and adopts the chain. kuai checks every block.",
		"Mallory 接上区块 4，其中 bob 付给她 500，证明写成 %d：她根本没有搜索。教程的节点检查了除最后一个以外的区块，采用了这条链。kuai 检查每个区块。", forged.proof)

	w.check(t.has(forged), "the tutorial's node adopts a block that cost no work", "教程的节点采用了一个不费任何算力的区块")
	w.check(refused, "kuai refuses it: its proof is wrong", "kuai 拒绝了它：证明是错的")
}

var mintedReward = lesson{
	Lesson: described("minted-reward",
		Text{"Minted reward", "凭空增发的奖励"},
		Text{"valid_chain looks at hashes and proofs, and never at the payments.", "valid_chain 只看哈希值和证明，从不看付款。"},
		Text{"A miner pays himself a reward of 1000 instead of 1. His chain is the longest. What do the other nodes do?", "一个矿工给自己发了 1000 的奖励，而不是 1。他的链最长。其他节点会怎么做？"},
		Text{"They adopt it: hashes and proofs are right", "采用：哈希值和证明都对"},
		Text{"They refuse it: the hash is wrong", "拒绝：哈希值不对"},
		Text{"They lower the reward to 1", "把奖励改回 1"}),
	answer: 0,
	moral: Text{
		"A proof shows that work was done, not that the content is right. Each node must check every rule of every block itself; then cheating only wastes work.",
		"证明只说明做过功，不说明内容正确。每个节点必须自己检查每个区块的每条规则；这样作弊的人就白费算力。",
	},
	run: runMintedReward,
}

func runMintedReward(w *world) {
	t, kuai := w.newTutorial("minted-reward")
	w.grow(t, kuai, 1)
	w.tell("Both nodes have 2 blocks. A block rewards its miner with 1.", "两个节点都有 2 个区块。每个区块奖励矿工 1。")

	w.elapse()
	minted := w.scratchAfter(t.tip(), "mallory")
	minted.transactions[0].Amount = "1000"
	w.wrong(minted, "its reward is 1000 instead of 1", "它的奖励是 1000，而不是 1")
	w.noteScratch(minted, "mallory").Miner = "mallory"
	all := w.extend(append(append([]scratch{}, t.chain...), minted), 1, "mallory")
	w.wrong(all[3], "its parent breaks a rule", "它的父区块违反规则")
	t.resolve(honest(all))
	refused := w.refuses(kuai, all, consensus.RuleReward)
	w.tell("Mallory mines block 3 with a reward of 1000 for herself, and block 4 on top. Hashes and proofs are right, so the tutorial's node adopts both. kuai refuses block 3, and so all that follows it.",
		"Mallory 挖出区块 3，给自己 1000 的奖励，又在上面挖出区块 4。哈希值和证明都对，教程的节点采用了两个。kuai 拒绝区块 3，因此也拒绝其后的所有区块。")

	w.check(t.has(all[3]), "the tutorial's node adopts a reward of 1000", "教程的节点采用了 1000 的奖励")
	w.check(refused, "kuai refuses it: a reward is 1", "kuai 拒绝了它：奖励只能是 1")
}

var lostPayments = lesson{
	Lesson: described("lost-payments",
		Text{"Payments lost on resolve", "resolve 时丢失付款"},
		Text{"When a longer chain replaces the node's own, the payments of the dropped blocks are forgotten.", "更长的链取代自己的链时，被放弃区块中的付款被遗忘了。"},
		Text{"Alice's payment was in block 3. A longer chain without it replaces the node's. Where is the payment now?", "Alice 的付款原来在区块 3 里。一条不含它的更长的链取代了节点的链。付款现在在哪里？"},
		Text{"In block 3 of the new chain", "在新链的区块 3 里"},
		Text{"Among the pending payments", "在待确认的付款中"},
		Text{"Nowhere", "哪里都没有"}),
	answer: 2,
	moral: Text{
		"A node that drops a block must give its payments another chance. kuai puts them back among the pending ones, and the next block holds them.",
		"放弃一个区块的节点，应该再给其中的付款一次机会。kuai 把它们放回待确认列表，由下一个区块写入。",
	},
	run: runLostPayments,
}

func runLostPayments(w *world) {
	t, kuai := w.newTutorial("lost-payments")
	w.grow(t, kuai, 1)
	base := t.chain
	id := w.id()
	w.grow(t, kuai, 1, transaction(id, "alice", "bob", 5))
	w.tell("Both nodes have 3 blocks. Block 3 holds a payment: alice pays bob 5.", "两个节点都有 3 个区块。区块 3 里有一笔付款：alice 付给 bob 5。")

	long := w.extend(base, 2, "neighbour")
	t.resolve(honest(long))
	both := t.has(long[3]) && w.adopts(kuai, long)
	w.tell("A neighbour has 4 blocks, in which the payment is not. Both nodes adopt that chain. kuai puts the payment back among the pending ones; the tutorial's node forgets it.",
		"邻居有 4 个区块，其中没有这笔付款。两个节点都采用了那条链。kuai 把付款放回待确认列表；教程的节点把它忘了。")

	w.elapse()
	t.mine()
	w.mine(kuai)
	inTutorial := 0
	for _, b := range t.chain {
		for _, tx := range b.transactions {
			if tx.HasID && tx.ID == id {
				inTutorial++
			}
		}
	}
	w.tell("Each node mines its next block. kuai's holds the payment again. On the tutorial's node bob's money is neither in a block nor pending: alice would have to notice, and to pay again.",
		"每个节点各挖下一个区块。kuai 的区块里又有了这笔付款。在教程的节点上，bob 的钱既不在区块里，也不在待确认列表里：只能等 alice 发现后再付一次。")

	w.check(both, "both nodes adopt the longer chain", "两个节点都采用了更长的链")
	w.check(inTutorial == 0 && len(t.pending) == 0, "on the tutorial's node the payment is lost", "在教程的节点上，付款丢失了")
	w.check(w.times(kuai, id) == 1 && kuai.chain.Tip().Index == 5, "on kuai it is mined again, once", "在 kuai 上，它又被写入一次，且只有一次")
}
