package store_test

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kuai/chain/store"
)

// TestAccountsComeAndGo adds to accounts and takes it back, until the engine has tidied up many times: what nets to nothing is no
// account, and does not stop the engine.
func TestAccountsComeAndGo(t *testing.T) {
	st, err := store.OpenOn(vfs.NewMem(), "data", smallMemTable)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const addresses = 500
	add := func(sign int64) {
		b := st.NewBatch()
		defer b.Close()
		for i := range uint32(addresses) {
			var a store.Address
			binary.BigEndian.PutUint32(a[:], i)
			change := store.Account{Count: sign}
			if !change.Balance.AddText([]byte("0.1"), sign < 0) {
				t.Fatal("0.1 is not taken as an amount")
			}
			b.AddAccount(a, &change)
		}
		if err := st.Apply(b); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (n int, balance string) {
		err := st.EachAccount(func(_ store.Address, account *store.Account) error {
			n, balance = n+int(account.Count), account.Balance.String()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, balance
	}
	for range 50 {
		for range 3 {
			add(1)
		}
		if n, balance := count(); n != 3*addresses || balance != "0.3" {
			t.Fatalf("%d transactions, the last address has %s", n, balance)
		}
		for range 3 {
			add(-1)
		}
		if n, _ := count(); n != 0 {
			t.Fatalf("%d transactions are left", n)
		}
	}
}
