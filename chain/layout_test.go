package chain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
)

// TestStoreOfOtherRulesIsRefused: the same genesis under other rules is another network.
func TestStoreOfOtherRulesIsRefused(t *testing.T) {
	r := chaintest.Rules()
	c := openRestartable(t, r)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	harder := *r
	harder.Zeros++
	_, err := chain.Open(c.st, &harder, time.Now)
	if !errors.Is(err, chain.ErrDamaged) || !strings.Contains(err.Error(), r.Network()) || !strings.Contains(err.Error(), harder.Network()) {
		t.Errorf("the same genesis under other rules: %v", err)
	}
}

// TestStoreOfAnotherLayoutIsRefused: what another version wrote is not guessed at.
func TestStoreOfAnotherLayoutIsRefused(t *testing.T) {
	c := openRestartable(t, chaintest.Rules())
	b := c.st.NewBatch()
	b.SetMeta("schema", []byte{2})
	defer b.Close()
	if err := errors.Join(c.st.Apply(b), c.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Open(c.st, chaintest.Rules(), time.Now); !errors.Is(err, chain.ErrLayout) {
		t.Errorf("a store of layout 2: %v", err)
	}
}
