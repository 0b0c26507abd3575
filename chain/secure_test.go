package chain_test

import (
	"errors"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

// has checks what an account has, and how much of that it can spend.
func has(t *testing.T, c *chain.Chain, name string, confirmed, spendable int64) {
	t.Helper()
	got, free, err := c.Balance(wallet.DevelopmentKey(name).Address())
	if err != nil || got != confirmed || free != spendable {
		t.Errorf("%s has %d and can spend %d, %v; want %d and %d", name, got, free, err, confirmed, spendable)
	}
}

// submitted hands c a payment as a peer does.
func submitted(t *testing.T, c *chain.Chain, from, to string, amount int64) consensus.Payment {
	t.Helper()
	p := chaintest.Pay(c.Rules(), from, to, amount)
	if _, err := c.Submit(p, "peer"); err != nil {
		t.Fatalf("%d from %s to %s: %v", amount, from, to, err)
	}
	return p
}

func TestSecurePaymentIsMined(t *testing.T) {
	r := chaintest.SecureRules()
	c := chaintest.Open(t, r)
	has(t, c, "alice", 1000, 1000)
	submitted(t, c, "alice", "bob", 600)
	has(t, c, "alice", 1000, 400)
	if _, err := c.Submit(chaintest.Pay(r, "alice", "carol", 401), "peer"); !errors.Is(err, chain.ErrFunds) {
		t.Errorf("more than is left: %v", err)
	}
	if _, err := c.Pay(chaintest.Pay(r, "alice", "carol", 400)); err != nil {
		t.Fatal(err)
	}
	b := chaintest.MineOn(t, c, 1)[0]
	has(t, c, "alice", 0, 0)
	has(t, c, "bob", 1600, 1600)
	has(t, c, "carol", 1400, 1400)
	has(t, c, "miner", 1, 1)
	if n, _ := c.PoolSize(); n != 0 || len(b.Transactions()) != 3 {
		t.Errorf("%d pending, %d in the block", n, len(b.Transactions()))
	}
	if s := c.State(); s.Work.Compare(consensus.Work{}) <= 0 {
		t.Errorf("work %s", s.Work)
	}
	sound(t, c)
}
