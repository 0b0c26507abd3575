package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// Addresses of development accounts, in whose names docs/PROTOCOL.md has a signed payment.
const (
	aliceAddress = "12D3KooWPjrxd2vHyuSXgT6qFMgFpw6uKGqZcuA8yFptRDoVXo6K"
	bobAddress   = "12D3KooWSGisZAZjMwoeM1HLCPSsDz2ES2jWgREkjgy5CLLRzTaU"
)

// seedOf returns the seed of a development account, in hex: the same everywhere, as docs/PROTOCOL.md has it.
func seedOf(name string) string {
	seed := sha256.Sum256([]byte("kuai-dev-1\n" + name))
	return hex.EncodeToString(seed[:])
}

// TestKeyOfTheBrowser pays with a key that the node does not have, from a page that has no crypto.subtle: one that came over plain
// HTTP from another machine.
func TestKeyOfTheBrowser(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", "dev")
	p := openTab(t, n, wide, high, without(`Object.defineProperty(crypto, "subtle", { value: undefined })`))
	p.press("#key-make")
	p.wait("it has an address", `/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(document.getElementById("key-address")?.textContent)`)
	own := eval[string](p, `document.getElementById("key-address").textContent`)
	n.pay("alice", own)
	n.mineBlocks(1)
	p.wait("it was paid", `document.querySelector("#own-key").textContent.includes("This address has 1.")`)
	p.do(chromedp.Reload())
	p.wait("the browser keeps the key", fmt.Sprintf(`document.getElementById("key-address")?.textContent === %q`, own))

	p.press("#key-pay")
	p.wait("a name is not taken for an address", `document.querySelector('#pay [name="recipient"]').value === ""`)
	p.fill(`#pay [name="recipient"]`, "bob")
	p.press("#pay button")
	p.says("pay", "This key pays to addresses")
	p.fill(`#pay [name="recipient"]`, " "+bobAddress)
	p.fill(`#pay [name="amount"]`, "1")
	p.wait("the command is signed", `/"signature": "[0-9a-f]{128}"/.test(document.querySelector("#pay + .curl code").textContent)`)
	p.press("#pay button")
	p.says("pay", "Transaction will be added to Block 3")
	n.mineBlocks(1)
	p.wait("it has paid", `document.querySelector("#own-key").textContent.includes("This address has 0.")`)
	p.expectRefusals()
	p.press("#pay button")
	p.says("pay", "has 0, and pays 1")

	t.Log("a key that is forgotten is gone; one that was kept can be taken again")
	p.press("#key-show")
	kept := eval[string](p, `document.getElementById("key-seed").textContent`)
	p.press("#key-forget")
	p.press("#key-keep")
	p.press("#key-forget")
	p.press("#key-gone")
	if stored := eval[int](p, `Object.keys(localStorage).filter((k) => k === "kuai-key").length`); stored != 0 {
		t.Error("the forgotten key is still in the browser")
	}
	p.wait("nothing is paid from its address any more", `document.querySelector('#pay [name="sender"]').value === ""`)
	p.fill(`#key-take [name="seed"]`, "00ff")
	p.press("#key-take button")
	p.says("key-take", "64 hex digits")
	p.fill(`#key-take [name="seed"]`, kept)
	p.press("#key-take button")
	p.wait("the same address", fmt.Sprintf(`document.getElementById("key-address")?.textContent === %q`, own))

	t.Log("a known key gives the known address and signature")
	p.press("#key-forget")
	p.press("#key-gone")
	p.fill(`#key-take [name="seed"]`, seedOf("alice"))
	p.press("#key-take button")
	p.wait("alice's address", fmt.Sprintf(`document.getElementById("key-address")?.textContent === %q`, aliceAddress))
	p.run(fmt.Sprintf(`import("/web/key.js").then((k) => (window.signed =
		k.signed("bf094bfff065dfa5-2", { amount: "5", id: "00112233445566778899aabbccddeeff", recipient: %q, sender: %q })))`, bobAddress, aliceAddress))
	p.wait("it is signed", `window.signed !== undefined`)
	const want = `{"amount": 5, "id": "00112233445566778899aabbccddeeff", "recipient": "` + bobAddress + `", "sender": "` + aliceAddress + `", "signature": "9aeea7b5f0806ed084ff2daea2a47c9078316d2dc175fd5086d659f0d7c239de8c9883fca11e2ceef279a99c7759e080ae48775dc8104498e0b7326763a0fc0c"}`
	if got := eval[string](p, `window.signed`); got != want {
		t.Errorf("signed %s\nwant   %s", got, want)
	}
}

// TestKeyOfTwoTabs: a key that one tab makes is the other one's, and never written over.
func TestKeyOfTwoTabs(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", "secure")
	one, two := openTab(t, n, wide, high), openTab(t, n, wide, high)
	for _, p := range []*tab{one, two} {
		p.wait("there is no key", `document.getElementById("key-make") !== null`)
	}
	const address = `document.getElementById("key-address")?.textContent`
	one.press("#key-make")
	own := eval[string](one, address)
	two.wait("the other tab has it", fmt.Sprintf(`%s === %q`, address, own))
	two.press("#key-forget")
	two.press("#key-gone")
	one.wait("it is gone from both", `document.getElementById("key-make") !== null`)

	t.Log("a tab that has not heard of the key does not write over it")
	one.run(`localStorage.setItem("kuai-key", "` + seedOf("bob") + `")`) // no event in this tab
	one.press("#key-make")
	one.wait("it takes the one that is there", fmt.Sprintf(`%s === %q`, address, bobAddress))
}

// TestKeyFollowsTheNetwork: a page whose node came back with another network signs for that one.
func TestKeyFollowsTheNetwork(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", "dev")
	p := openTab(t, n, wide, high)
	p.expectRefusals()
	p.press("#key-make")
	p.press("#key-pay")
	p.fill(`#pay [name="recipient"]`, bobAddress)
	n.Stop()
	n.dir = t.TempDir()
	n.Start("--network", "secure")
	p.shows("network", "secure (5eec906592716bf5-2")
	p.press("#pay button")
	p.says("pay", "has 0, and pays 5")
}

// TestKeyWithoutStorage: a browser that keeps nothing says so before money goes there.
func TestKeyWithoutStorage(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", "secure")
	p := openTab(t, n, wide, high, without(`Storage.prototype.setItem = Storage.prototype.getItem = () => { throw new Error("storage is off"); }`))
	p.press("#key-make")
	p.wait("it says so", `document.querySelector("#own-key .bad")?.textContent.includes("gone when the page is closed")`)
}

// TestKeyPanel: axe-core finds nothing in any state of the panel, and it speaks the reader's language.
func TestKeyPanel(t *testing.T) {
	t.Parallel()
	source := needAxe(t)
	p := openTab(t, startNode(t, "--network", "secure"), wide, high)
	p.wait("there is no key", `document.getElementById("key-make") !== null`)
	p.run(source)
	p.axe("no key")
	p.press("#key-make")
	p.press("#key-show")
	p.wait("nothing else is shown", `document.getElementById("own-key").lastElementChild.contains(document.getElementById("key-seed")) && document.getElementById("own-key").lastChild.nodeType === 1`)
	p.axe("the key is shown")
	p.press("#key-forget")
	p.axe("it asks whether to forget it")
	p.focused("#key-keep")
	p.press("#language")
	p.wait("it speaks Chinese", `document.getElementById("own-key").textContent.startsWith("这个浏览器的密钥") && document.getElementById("key-gone").textContent === "确定忘掉"`)
}
