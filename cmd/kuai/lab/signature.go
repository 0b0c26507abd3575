package lab

import (
	"crypto/ed25519"

	"kuai/chain/consensus"
)

var signature = lesson{
	Lesson: Lesson{
		Name: "signature", Kind: KindIdea, Nodes: 2, MinNodes: 2, MaxNodes: 2,
		Title:    Text{"What a signature adds", "签名带来了什么"},
		About:    Text{"The tutorial takes a payment in anybody's name. A signed payment proves who sent it.", "教程接受以任何人名义发出的付款。签名的付款能证明是谁发的。"},
		Question: Text{"On the tutorial's network, Mallory sends the payment: alice pays mallory 100. What happens?", "在教程的网络里，Mallory 发出一笔付款：alice 付给 mallory 100。会发生什么？"},
		Choices: []Text{
			{"It is refused: Mallory is not Alice", "被拒绝：Mallory 不是 Alice"},
			{"It is refused: Alice has no 100", "被拒绝：Alice 没有 100"},
			{"It is mined as any other", "和其他付款一样写入区块"},
		},
	},
	answer: 2,
	moral: Text{
		"Proof of work orders payments; it does not decide who may pay. A signature does: it fits one payment, one sender and one network. Anybody can check it, and only the owner of the key can make it.",
		"工作量证明决定付款的顺序，但不决定谁有权付款。签名才能做到：它只对应一笔付款、一个付款人和一个网络，人人都能验证，只有密钥的主人能做出来。",
	},
	run: runSignature,
}

func runSignature(w *world) {
	all := w.addAll(2)
	id := w.id()
	w.pay(all[0], w.payment(id, "alice", "mallory", 100))
	w.settle()
	_, b := w.nextBlock()
	w.settle()
	robbed := agree(all) && recipientOf(all[1], id) == "mallory"
	w.tell("On the tutorial's network, Mallory sends a payment in Alice's name. No rule is broken: block %s holds it, and all nodes agree.",
		"在教程的网络里，Mallory 以 Alice 的名义发出一笔付款。没有违反任何规则：区块 %s 写入了它，所有节点都认可。", w.label(b))

	const network, other = "secure-1", "secure-2"
	alice, mallory := w.key(), w.key()
	payment := consensus.Transaction{Recipient: addressOf(mallory).String(), Amount: "5", ID: w.id(), HasID: true}
	signed := consensus.SignPayment(alice, network, payment)
	genuine := w.accepts(signed, network)
	w.tell("On a secure network an account is the public half of a key: Alice is %[1]s…. She signs a payment of 5, and any node can check the signature: it holds.",
		"在安全网络里，账户就是密钥的公开部分：Alice 是 %[1]s…。她给一笔 5 的付款签名，任何节点都能验证：签名有效。", signed.Sender[:16])

	forged := consensus.SignPayment(mallory, network, payment)
	forged.Sender = signed.Sender
	byOther := w.accepts(forged, network)
	w.tell("Mallory writes a payment in Alice's name, and signs it with her own key. The signature is not Alice's: every node refuses it.",
		"Mallory 以 Alice 的名义写一笔付款，用自己的密钥签名。签名不是 Alice 的：每个节点都拒绝。")

	raised := signed
	raised.Amount = "5000"
	changed := w.accepts(raised, network)
	elsewhere := w.accepts(signed, other)
	w.tell("She takes Alice's real payment and turns 5 into 5000: the signature no longer fits. She sends it unchanged on another network: refused, as the network is in what was signed. Sending it twice on the same network does nothing, because an id is on a chain once.",
		"她拿来 Alice 真正的付款，把 5 改成 5000：签名不再匹配。原样发到另一个网络：被拒绝，因为签名的内容包含网络。在同一网络里再发一次也没用，因为一个 id 在链上只出现一次。")

	w.check(robbed, "without signatures, a payment in another's name is mined", "没有签名时，冒名的付款被写入区块")
	w.check(genuine, "a payment that its sender signed is valid", "付款人自己签名的付款有效")
	w.check(!byOther, "a payment signed by somebody else is refused", "由别人签名的付款被拒绝")
	w.check(!changed, "a payment that was changed after signing is refused", "签名后被改动的付款被拒绝")
	w.check(!elsewhere, "a payment signed for another network is refused", "为另一个网络签名的付款被拒绝")
}

// key draws a key.
func (w *world) key() ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	for i := range seed {
		seed[i] = byte(w.dice.UintN(256))
	}
	return ed25519.NewKeyFromSeed(seed[:])
}

func addressOf(key ed25519.PrivateKey) consensus.Address {
	return consensus.Address(key.Public().(ed25519.PublicKey))
}

// accepts reports whether nodes of a secure network accept a payment, as they receive it: in canonical form.
func (w *world) accepts(p consensus.Transaction, network string) bool {
	received, err := consensus.ParseSigned(p.AppendCanonical(nil))
	if err != nil {
		return false
	}
	return w.broken == "trusting" || received.CheckSignature(network) == nil
}
