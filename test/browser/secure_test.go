package browser

import "testing"

// TestSecureNetwork looks at what the page shows of a network with signed payments: profile, balance, signature, target and pace.
func TestSecureNetwork(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", "dev")
	n.pay("alice", "bob")
	n.mineBlocks(3)
	n.pay("alice", "carol")
	p := openTab(t, n, wide, high)
	p.shows("network", "dev (")
	p.shows("network", ", secure)")
	p.shows("pay-hint", "kuai wallet unlock")
	p.wait("accounts go by their names", `[...document.querySelectorAll("#payments bdi")].map((b) => b.textContent).join() === "alice,carol" && document.querySelector("#payments bdi").title.startsWith("12D3KooW") &&
		document.querySelector("`+"#rail"+`").textContent.includes("rewards")`)
	p.run(`document.querySelector("#payments a[href^='#/address/']").click()`) // the sender's
	p.wait("the balance is that of the chain", `document.querySelector("#detail .balance b")?.textContent === "999"`)
	p.wait("its name and address are shown", `document.querySelector("#detail h1").textContent === "Addressalice" && document.querySelector("#detail .panel .hash").textContent.startsWith("12D3KooW")`)
	p.wait("what is pending cannot be spent", `document.querySelector("#detail .balance + .hint").textContent.startsWith("998 of it can be spent")`)
	p.route("#/address/alice")
	p.wait("what a name paid is taken off", `document.querySelector("#detail tbody tr .number")?.textContent === "−1"`)
	p.route("#/chain")
	p.run(`document.querySelector("#payments a[href^='#/payment/']").click()`)
	p.wait("the payment is signed", `[...document.querySelectorAll("#detail dd")].some((e) => e.textContent.startsWith("by the sender, checked"))`)
	p.route("#/block/2")
	p.wait("the block's own hash is right", `document.querySelector("#detail .checked strong.good") !== null`)
	p.wait("its proof is explained", `document.querySelector("#detail .proof strong.good")?.textContent.includes("at most the target of that time")`)
	p.route("#/block/1")
	p.wait("what the first block endows is not a reward", `document.querySelector("#detail td em")?.textContent === "first block"`)
	p.route("#/mining")
	p.shows("mining-lead", "at most the target")
	p.wait("a proof is explained by the target", `document.querySelector("#view-mining").innerText.includes("read as a number, is at most the target")`)
	p.shows("mining-facts", "Target0000")

	t.Log("a number that somebody finds by hand becomes a block, and seals the payment")
	p.press("#try-run")
	p.wait("a number is found", `!document.getElementById("try-send").hidden`)
	p.press("#try-send")
	p.says("try", "Mined block 5")
	p.route("#/chain")
	p.tipIs(5, ".pays", "1 payment")
}
