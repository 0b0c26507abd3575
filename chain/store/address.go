package store

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"kuai/chain/decimal"
)

// Address is an address as keys have it: of one size, whatever its length.
type Address [16]byte

// Account is what all transactions of an address come to, or what some of them change.
type Account struct {
	Count   int64 // transactions that name the address
	Balance decimal.Decimal
}

// Spot is where a transaction is on the active chain.
type Spot struct {
	Index    int64
	Position int // in the block, from 0
}

// Before reports whether s comes first.
func (s Spot) Before(o Spot) bool {
	return s.Index < o.Index || s.Index == o.Index && s.Position < o.Position
}

// runSpots is how many spots a run of an address's history has before the next block starts another: what a reader of a page
// reads in vain, at most, besides the transactions of one block.
const runSpots = 512

// Run is a part of an address's history, ascending, as the store keeps it: under the index of its first block.
type Run struct {
	First int64
	last  int64
	count int
	raw   []byte // index less the one before, position, …
}

// Add appends a spot; ok is false if it belongs into another run.
func (r *Run) Add(s Spot) (ok bool) {
	if r.count == 0 {
		r.First, r.last = s.Index, s.Index
	}
	if r.count >= runSpots && s.Index > r.last {
		return false
	}
	r.raw = binary.AppendUvarint(r.raw, uint64(s.Index-r.last))
	r.raw = binary.AppendUvarint(r.raw, uint64(s.Position))
	r.last = s.Index
	r.count++
	return true
}

// Below returns the run's spots in blocks up to index.
func (r *Run) Below(index int64) (kept Run) {
	for s := range r.spots {
		if s.Index <= index {
			kept.Add(s)
		}
	}
	return kept
}

// spots yields the spots, ascending.
func (r *Run) spots(yield func(Spot) bool) {
	v, s := reader{rest: r.raw}, Spot{Index: r.First}
	for len(v.rest) > 0 {
		s.Index += int64(v.uint())
		s.Position = int(v.uint())
		if v.bad || !yield(s) {
			return
		}
	}
}

func parseRun(key, value []byte) (Run, error) {
	r := Run{First: int64(binary.BigEndian.Uint64(key[len(key)-8:])), raw: value}
	v := reader{rest: value, bad: len(key) != 25}
	for len(v.rest) > 0 && !v.bad {
		v.uint()
		v.uint()
		r.count++
	}
	return r, v.err("history", key)
}

// SetRun puts a part of the address's history.
func (b *Batch) SetRun(a Address, r *Run) { b.set(runKey(b.key[:0], a, r.First), r.raw) }

// DeleteRun removes the part that begins in block first.
func (b *Batch) DeleteRun(a Address, first int64) { b.remove(runKey(b.key[:0], a, first)) }

// AddAccount adds change to what the address has. It reads nothing: the engine adds up when it is asked, or tidies up.
func (b *Batch) AddAccount(a Address, change *Account) {
	b.val = change.append(b.val[:0])
	_ = b.b.Merge(accountKey(b.key[:0], a), b.val, nil)
}

// ForgetAddresses removes all accounts and histories.
func (b *Batch) ForgetAddresses() {
	for _, kind := range []byte{kindRun, kindAccount} {
		_ = b.b.DeleteRange([]byte{kind}, []byte{kind + 1}, nil)
	}
}

// Account returns what the address has; of one that is in no transaction nothing.
func (r Reader) Account(a Address) (*Account, error) {
	var k [17]byte
	total := new(Account)
	key := accountKey(k[:0], a)
	_, err := r.get(key, func(value []byte) error { return total.add(key, value) })
	return total, err
}

// EachAccount calls use for every account with transactions, by address; account is valid during the call.
func (r Reader) EachAccount(use func(a Address, account *Account) error) error {
	for p, err := range r.scanKind(kindAccount) {
		if err != nil {
			return err
		}
		var total Account
		if err := total.add(p.key, p.value); err != nil {
			return err
		}
		if total.Count == 0 && total.Balance.Sign() == 0 {
			continue
		}
		if err := use(Address(p.key[1:]), &total); err != nil {
			return err
		}
	}
	return nil
}

// EachSpot calls use for every spot of every address, ascending for each.
func (r Reader) EachSpot(use func(a Address, s Spot) error) error {
	for p, err := range r.scanKind(kindRun) {
		if err != nil {
			return err
		}
		run, err := parseRun(p.key, p.value)
		if err != nil {
			return err
		}
		for s := range run.spots {
			if err := use(Address(p.key[1:]), s); err != nil {
				return err
			}
		}
	}
	return nil
}

// Runs yields the parts of the address's history, the newest first, from the one that holds what is in blocks up to index.
func (r Reader) Runs(a Address, index int64) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: runKey(nil, a, 0), UpperBound: runKey(nil, a, index+1)})
		if err != nil {
			yield(Run{}, readError(err))
			return
		}
		defer it.Close()
		for ok := it.Last(); ok; ok = it.Prev() {
			value, err := it.ValueAndErr()
			if err != nil {
				yield(Run{}, readError(err))
				return
			}
			run, err := parseRun(it.Key(), value)
			if !yield(run, err) || err != nil {
				return
			}
		}
		if err := it.Error(); err != nil {
			yield(Run{}, readError(err))
		}
	}
}

// History yields where the address's transactions before spot are, the newest first.
func (r Reader) History(a Address, before Spot) iter.Seq2[Spot, error] {
	return func(yield func(Spot, error) bool) {
		var spots []Spot
		for run, err := range r.Runs(a, before.Index) {
			if err != nil {
				yield(Spot{}, err)
				return
			}
			spots = spots[:0]
			for s := range run.spots {
				spots = append(spots, s)
			}
			for i := len(spots) - 1; i >= 0; i-- {
				if spots[i].Before(before) && !yield(spots[i], nil) {
					return
				}
			}
		}
	}
}

func (a *Account) append(dst []byte) []byte {
	return a.Balance.Append(binary.AppendVarint(dst, a.Count))
}

// add adds what append wrote.
func (a *Account) add(key, value []byte) error {
	count, n := binary.Varint(value)
	var balance decimal.Decimal
	if n <= 0 || !balance.Read(value[n:]) || len(key) != 17 {
		return fmt.Errorf("%w: account at key %x is malformed", ErrDamaged, key)
	}
	a.Count += count
	a.Balance.Add(&balance)
	return nil
}

// accounts is how the engine adds up the values of a key. Accounts alone are added; the name is that of the engine's own
// merger, which no other key ever used, so that stores from before there were accounts open.
var accounts = &pebble.Merger{
	Name: pebble.DefaultMerger.Name,
	Merge: func(key, value []byte) (pebble.ValueMerger, error) {
		s := &adding{key: append([]byte(nil), key...)}
		return s, s.MergeNewer(value)
	},
}

// adding is a sum of accounts while the engine makes it.
type adding struct {
	key []byte
	sum Account
}

// MergeNewer implements pebble.ValueMerger.
func (s *adding) MergeNewer(value []byte) error { return s.sum.add(s.key, value) }

// MergeOlder implements pebble.ValueMerger.
func (s *adding) MergeOlder(value []byte) error { return s.sum.add(s.key, value) }

// Finish implements pebble.ValueMerger. An address whose transactions have all left the chain keeps an empty account: the engine
// (2.1.7) ends the process when a compaction meets a sum that asks to be removed.
func (s *adding) Finish(bool) ([]byte, io.Closer, error) { return s.sum.append(nil), nil, nil }
