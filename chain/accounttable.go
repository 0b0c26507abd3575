package chain

import (
	"bytes"
	"hash/maphash"
	"iter"
	"slices"

	"kuai/chain/consensus"
)

// accountTable maps accounts to balances. A switch may touch a million of them: here one takes 44 to 52 bytes, in Go's own map 47 to 94,
// and growing copies no balance.
type accountTable struct {
	seed   maphash.Seed    // senders choose accounts
	slots  []uint32        // of an open hash table, at most three quarters full: 1 more than the number of an account, or 0
	chunks [][]accountSlot // in order of insertion
	n      int
}

type accountSlot struct {
	account consensus.Address
	balance int64
}

const (
	chunkAccounts = 128
	firstSlots    = 64
)

func newAccountTable() *accountTable {
	return &accountTable{seed: maphash.MakeSeed(), slots: make([]uint32, firstSlots)}
}

func (t *accountTable) at(i int) *accountSlot { return &t.chunks[i/chunkAccounts][i%chunkAccounts] }

// slot returns where account is in slots, or where it is to be put.
func (t *accountTable) slot(account *consensus.Address) int {
	mask := len(t.slots) - 1
	i := int(maphash.Bytes(t.seed, account[:])) & mask
	for t.slots[i] != 0 && t.at(int(t.slots[i]-1)).account != *account {
		i = (i + 1) & mask
	}
	return i
}

// find returns the balance of account, if it is in the table.
func (t *accountTable) find(account consensus.Address) (balance int64, ok bool) {
	number := t.slots[t.slot(&account)]
	if number == 0 {
		return 0, false
	}
	return t.at(int(number - 1)).balance, true
}

// set puts the balance of account.
func (t *accountTable) set(account consensus.Address, balance int64) {
	i := t.slot(&account)
	if number := t.slots[i]; number != 0 {
		t.at(int(number - 1)).balance = balance
		return
	}
	if t.n%chunkAccounts == 0 {
		t.chunks = append(t.chunks, make([]accountSlot, chunkAccounts))
	}
	*t.at(t.n) = accountSlot{account, balance}
	t.n++
	t.slots[i] = uint32(t.n)
	if 4*t.n > 3*len(t.slots) {
		t.grow()
	}
}

func (t *accountTable) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	for n := range t.n {
		t.slots[t.slot(&t.at(n).account)] = uint32(n + 1)
	}
}

// sorted yields all accounts in the order of their bytes. It may be called once, and nothing after it.
func (t *accountTable) sorted() iter.Seq2[consensus.Address, int64] {
	order := t.slots[:0] // the table is not needed any more
	for n := range t.n {
		order = append(order, uint32(n))
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return bytes.Compare(t.at(int(a)).account[:], t.at(int(b)).account[:])
	})
	return func(yield func(consensus.Address, int64) bool) {
		for _, n := range order {
			if s := t.at(int(n)); !yield(s.account, s.balance) {
				return
			}
		}
	}
}
