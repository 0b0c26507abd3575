package chaintest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

// SecureRules returns a secure network for tests: a proof takes some tries, a block 10 s of the chain's time, and each of
// wallet.DevelopmentNames has 1000 in the genesis block.
func SecureRules() *consensus.Rules {
	r := consensus.Dev()
	r.Name = "secure test"
	for i := range r.Easiest {
		r.Easiest[i] = 0xff
	}
	r.First = consensus.ZerosTarget(1)
	return r
}

// NewSecure returns a builder that stands on the genesis of SecureRules.
func NewSecure(t testing.TB) *Builder { return NewOn(t, SecureRules()) }

// Account returns the address of a name's account, whose key is wallet.DevelopmentKey's.
func Account(name string) string { return wallet.DevelopmentKey(name).Address().String() }

// Pay returns a signed payment between accounts of these names, with a fresh id.
func Pay(r *consensus.Rules, from, to string, amount int64) consensus.Payment {
	p, err := r.NewPayment(Signed(r, from, to, amount))
	if err != nil {
		panic(err)
	}
	return p
}

// PaymentOn returns a payment that is valid, and covered while few were made.
func PaymentOn(r *consensus.Rules) consensus.Payment {
	if r.IsSecure() {
		return Pay(r, "alice", "bob", 1)
	}
	return Payment()
}

// Signed is Pay as a block holds it. An amount that no rule allows is signed, too.
func Signed(r *consensus.Rules, from, to string, amount int64) consensus.Transaction {
	return Sign(r, from, Unsigned(from, to, amount))
}

// Unsigned returns a payment that is not signed yet.
func Unsigned(from, to string, amount int64) consensus.Transaction {
	return consensus.Transaction{
		Sender: Account(from), Recipient: Account(to), Amount: canonical.Number(strconv.FormatInt(amount, 10)), ID: chain.NewID(), HasID: true,
	}
}

// Sign signs a payment with the key of that name.
func Sign(r *consensus.Rules, from string, t consensus.Transaction) consensus.Transaction {
	return wallet.DevelopmentKey(from).Sign(r.Network(), t)
}

// BlockAt is Block on a secure network with a time of its own.
func BlockAt(t testing.TB, r *consensus.Rules, parent consensus.Header, at float64, recipient string, payments ...consensus.Transaction) *consensus.Block {
	t.Helper()
	if !strings.HasPrefix(recipient, "12D3KooW") {
		recipient = Account(recipient)
	}
	d := consensus.Draft{Parent: parent, Recipient: recipient, Timestamp: at}
	for i, p := range payments {
		checked, err := r.NewPayment(p)
		if err != nil {
			t.Fatalf("payment %d of a block on %d: %v", i+1, parent.Index, err)
		}
		d.Payments = append(d.Payments, checked)
	}
	b, err := SealSecure(r, d)
	if err != nil {
		t.Fatalf("sealing a block on %d: %v", parent.Index, err)
	}
	return b
}

// SealSecure seals a draft with the smallest nonce.
func SealSecure(r *consensus.Rules, d consensus.Draft) (*consensus.Block, error) {
	puzzle, nonce := r.Puzzle(d), int64(0)
	for !puzzle.Solves(nonce) {
		nonce++
	}
	b, err := r.Seal(d, nonce, 0)
	if err == nil {
		err = r.CheckLink(d.Parent, b)
	}
	if err != nil {
		return nil, fmt.Errorf("chaintest: %w", err)
	}
	return b, nil
}
