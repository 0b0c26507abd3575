package chain

import (
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

// easySecure is a secure network on which every proof is valid.
func easySecure() *consensus.Rules {
	r := consensus.Dev()
	for i := range r.Easiest {
		r.Easiest[i] = 0xff
	}
	r.First, r.BlockTime = r.Easiest, time.Second // as sealed has it
	return r
}

// signedBy signs a payment of 1 to bob.
func signedBy(t testing.TB, r *consensus.Rules, name string) consensus.Transaction {
	t.Helper()
	to := wallet.DevelopmentKey("bob").Address().String()
	return wallet.DevelopmentKey(name).Sign(r.Network(), consensus.Transaction{Recipient: to, Amount: "1", ID: NewID(), HasID: true})
}

// TestKnownPaymentsAreNotCheckedAgain: what is pending, byte for byte, was checked when it came. It counts the signatures that a block
// of 1,000 payments costs.
func TestKnownPaymentsAreNotCheckedAgain(t *testing.T) {
	r := easySecure()
	r.MaxBlockBytes = consensus.MaxBlockBytes
	c := opened(t, inMemory(t), r)
	var txs []consensus.Transaction
	for range 1000 {
		p, err := r.NewPayment(signedBy(t, r, "alice"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Submit(p, "peer"); err != nil {
			t.Fatal(err)
		}
		txs = append(txs, p.Transaction())
	}
	recipient := wallet.DevelopmentKey("carol").Address().String()
	known := sealed(t, r, r.Genesis.Header(), recipient, txs...)
	if n := len(c.unchecked([]*consensus.Block{known})); n != 0 {
		t.Errorf("%d of 1,000 known payments would be checked again", n)
	}
	forged := txs[7]
	forged.Signature[0] ^= 1
	txs[7] = forged
	again := sealed(t, r, r.Genesis.Header(), recipient, append(txs, signedBy(t, r, "erin"))...)
	if n := len(c.unchecked([]*consensus.Block{again})); n != 2 {
		t.Errorf("%d of 2 unknown payments would be checked", n)
	}
	if _, err := c.Add(again, "peer"); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("a forged copy of a known payment: %v", err)
	}
	if _, err := c.Add(known, "peer"); err != nil {
		t.Error(err)
	}
	if n := len(c.unchecked([]*consensus.Block{again})); n != 2 {
		t.Errorf("%d of 2 unknown payments would be checked once the others are mined", n)
	}
}

// TestSidesShareCheckedPayments: a block beside the tip that seals the same payments costs no signature, nor does the switch to it,
// nor a payment that comes again.
func TestSidesShareCheckedPayments(t *testing.T) {
	r := easySecure()
	c := opened(t, inMemory(t), r)
	var txs []consensus.Transaction
	for range 500 {
		txs = append(txs, signedBy(t, r, "alice"))
	}
	carol, dave := wallet.DevelopmentKey("carol").Address().String(), wallet.DevelopmentKey("dave").Address().String()
	first, second := sealed(t, r, r.Genesis.Header(), carol, txs...), sealed(t, r, r.Genesis.Header(), dave, txs...)
	costs := func(b *consensus.Block, want int) {
		t.Helper()
		if n := len(c.unchecked([]*consensus.Block{b})); n != want {
			t.Errorf("block %d of %d payments costs %d signatures, want %d", b.Index(), len(b.Transactions())-1, n, want)
		}
		if _, err := c.Add(b, "peer"); err != nil {
			t.Fatal(err)
		}
	}
	costs(first, 500)
	costs(second, 0)
	last := sealed(t, r, second.Header(), dave, signedBy(t, r, "erin"))
	costs(last, 1)
	if c.Tip() != last.Header() {
		t.Fatal("no switch")
	}
	forged := txs[3]
	forged.Signature[1] ^= 1
	if n := len(c.unchecked([]*consensus.Block{sealed(t, r, last.Header(), carol, forged)})); n != 1 {
		t.Errorf("%d signatures of a forged copy would be checked", n)
	}
}

// TestVerifyChecksSignatures: a signature that is wrong on disk is found, and its block named, behind many others.
func TestVerifyChecksSignatures(t *testing.T) {
	r := easySecure()
	c := opened(t, inMemory(t), r)
	parent, recipient := r.Genesis.Header(), wallet.DevelopmentKey("carol").Address().String()
	var run []*consensus.Block
	for i := range 40 {
		tx := signedBy(t, r, "alice")
		if i == 20 {
			tx.Signature[0] ^= 1
		}
		run = append(run, sealed(t, r, parent, recipient, tx))
		parent = run[i].Header()
	}
	if _, err := c.addRun(run, ""); err != nil { // past the check
		t.Fatal(err)
	}
	if err := c.Verify(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "block 22: invalid (signature)") {
		t.Error(err)
	}
}

// BenchmarkCheckSignatures checks blocks of 100 payments on all cores.
func BenchmarkCheckSignatures(b *testing.B) {
	r := easySecure()
	c, err := Open(inMemory(b), r, func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err != nil {
		b.Fatal(err)
	}
	var txs []consensus.Transaction
	for range 100 {
		txs = append(txs, signedBy(b, r, "alice"))
	}
	run := []*consensus.Block{sealed(b, r, r.Genesis.Header(), wallet.DevelopmentKey("carol").Address().String(), txs...)}
	for b.Loop() {
		if _, err := c.checkSignatures(run); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "signatures/s")
}

// TestFundedAccountsAreFound: an account that has something is never taken for an empty one, before and after the filter is complete.
func TestFundedAccountsAreFound(t *testing.T) {
	r, st := easySecure(), inMemory(t)
	c, bob := opened(t, st, r), wallet.DevelopmentKey("bob").Address().String()
	gina := wallet.DevelopmentKey("gina").Address()
	pays := signedBy(t, r, "alice")
	pays.Recipient = gina.String()
	pays = wallet.DevelopmentKey("alice").Sign(r.Network(), pays)
	if _, err := c.Add(sealed(t, r, c.Tip(), bob, pays), "peer"); err != nil {
		t.Fatal(err)
	}
	c = opened(t, st, r)
	if c.funded.complete || !c.funded.mayHave(accountID(consensus.Address{1})) {
		t.Fatal("after a start every account is looked up")
	}
	if _, err := c.Add(sealed(t, r, c.Tip(), bob, signedBy(t, r, "carol")), "peer"); err != nil { // while the filter is made
		t.Fatal(err)
	}
	if err := c.gatherAccounts(t.Context()); err != nil || !c.funded.complete {
		t.Fatal(err)
	}
	for _, name := range append([]string{"gina"}, wallet.DevelopmentNames...) {
		if !c.funded.mayHave(accountID(wallet.DevelopmentKey(name).Address())) {
			t.Errorf("%s has something, and the filter says nothing", name)
		}
	}
	if lacks := func(i byte) bool { return !c.funded.mayHave(accountID(consensus.Address{i})) }; !lacks(1) && !lacks(2) && !lacks(3) {
		t.Error("the filter says of every account that it may have something")
	}
	if _, err := c.Add(sealed(t, r, c.Tip(), bob, signedBy(t, r, "gina")), "peer"); err != nil {
		t.Error(err)
	}
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
