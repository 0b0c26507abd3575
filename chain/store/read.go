package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Reader reads the newest state (Store) or that of one moment (Snapshot). What it returns is the caller's,
// unless said otherwise.
type Reader struct{ r pebble.Reader }

// get calls use with the value of key; it says whether there is one.
func (r Reader) get(key []byte, use func(value []byte) error) (bool, error) {
	value, closer, err := r.r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, readError(err)
	}
	err = use(value)
	_ = closer.Close() // releases a cache entry; has nothing to report
	return err == nil, err
}

// Block returns the block at p.
func (r Reader) Block(p Place) (rec Record, ok bool, err error) {
	var k [13]byte
	key := blockKey(k[:0], p)
	ok, err = r.get(key, func(value []byte) error {
		rec, err = parseRecord(key, slices.Clone(value))
		return err
	})
	return rec, ok, err
}

// Place returns where the block with this hash is.
func (r Reader) Place(hash [32]byte) (p Place, ok bool, err error) {
	var k [33]byte
	key := hashKey(k[:0], hash)
	ok, err = r.get(key, func(value []byte) error {
		p, err = parsePlace(key, value)
		return err
	})
	return p, ok, err
}

// Mined returns the index of the active chain's block that holds the transaction, and where in its canonical bytes.
func (r Reader) Mined(id [16]byte) (index int64, offset int, ok bool, err error) {
	var k [17]byte
	key := idKey(k[:0], id)
	ok, err = r.get(key, func(value []byte) error {
		index, offset, err = parseMined(key, value)
		return err
	})
	return index, offset, ok, err
}

// Meta returns a named value, nil where there is none.
func (r Reader) Meta(name string) (value []byte, err error) {
	_, err = r.get(metaKey(nil, name), func(v []byte) error {
		value = slices.Clone(v)
		return nil
	})
	return value, err
}

// scan yields the keys in [lower, upper) and their values, ascending; both are valid until the next step.
func (r Reader) scan(lower, upper []byte) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			yield(pair{}, readError(err))
			return
		}
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				yield(pair{}, readError(err))
				return
			}
			if !yield(pair{it.Key(), value}, nil) {
				return
			}
		}
		if err := it.Error(); err != nil {
			yield(pair{}, readError(err))
		}
	}
}

type pair struct{ key, value []byte }

func (r Reader) scanKind(kind byte) iter.Seq2[pair, error] {
	return r.scan([]byte{kind}, []byte{kind + 1})
}

// Blocks yields the blocks of a branch with index in [from, to), ascending. Raw is valid until the next step.
func (r Reader) Blocks(branch uint32, from, to int64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for p, err := range r.scan(blockKey(nil, Place{branch, from}), blockKey(nil, Place{branch, to})) {
			var rec Record
			if err == nil {
				rec, err = parseRecord(p.key, p.value)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// LastIndex returns the highest index of the branch, 0 where it is empty.
func (r Reader) LastIndex(branch uint32) (int64, error) {
	it, err := r.r.NewIter(&pebble.IterOptions{
		LowerBound: blockKey(nil, Place{branch, 0}),
		UpperBound: blockKey(nil, Place{branch, math.MaxInt64}),
	})
	if err != nil {
		return 0, readError(err)
	}
	defer it.Close()
	if !it.Last() {
		return 0, readError(it.Error())
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return 0, readError(err)
	}
	rec, err := parseRecord(it.Key(), value)
	return rec.Place.Index, err
}

// EachBranch calls use for the record of every side branch, by number.
func (r Reader) EachBranch(use func(n uint32, b Branch) error) error {
	for p, err := range r.scanKind(kindBranch) {
		if err != nil {
			return err
		}
		n, err := number(p.key)
		if err != nil {
			return err
		}
		v := reader{rest: p.value}
		b := Branch{Parent: Place{uint32(v.uint()), int64(v.uint())}, Last: int64(v.uint()), Bytes: int64(v.uint())}
		if err := v.err("branch", p.key); err != nil {
			return err
		}
		if err := use(n, b); err != nil {
			return err
		}
	}
	return nil
}

// EachFilter calls use for every record of the id filter, in order. Hashes is valid during the call.
func (r Reader) EachFilter(use func(n uint32, tip int64, hashes []byte) error) error {
	for p, err := range r.scanKind(kindFilter) {
		if err != nil {
			return err
		}
		n, err := number(p.key)
		if err != nil {
			return err
		}
		v := reader{rest: p.value}
		tip := int64(v.uint())
		if err := v.err("filter record", p.key); err != nil {
			return err
		}
		if err := use(n, tip, v.rest); err != nil {
			return err
		}
	}
	return nil
}

// EachSender calls use for every sender, by number.
func (r Reader) EachSender(use func(n uint32, name string) error) error {
	for p, err := range r.scanKind(kindSender) {
		if err != nil {
			return err
		}
		n, err := number(p.key)
		if err != nil {
			return err
		}
		if err := use(n, string(p.value)); err != nil {
			return err
		}
	}
	return nil
}

// EachPending calls use for every transaction of the pool, in order. Canonical is valid during the call.
func (r Reader) EachPending(use func(p Pending) error) error {
	for p, err := range r.scanKind(kindPending) {
		if err != nil {
			return err
		}
		v := reader{rest: p.value}
		pending := Pending{Origin: v.origin(), Returned: v.uint() == 1, Canonical: v.rest}
		if len(p.key) != 9 {
			v.bad = true
		}
		if err := v.err("pending transaction", p.key); err != nil {
			return err
		}
		pending.Canonical, pending.Seq = v.rest, binary.BigEndian.Uint64(p.key[1:])
		if err := use(pending); err != nil {
			return err
		}
	}
	return nil
}

// EachPlace calls use for the place of every held block, by hash.
func (r Reader) EachPlace(use func(hash [32]byte, p Place) error) error {
	for p, err := range r.scanKind(kindHash) {
		if err != nil {
			return err
		}
		place, err := parsePlace(p.key, p.value)
		if err != nil {
			return err
		}
		if err := use([32]byte(p.key[1:]), place); err != nil {
			return err
		}
	}
	return nil
}

// EachMined calls use for every transaction of the active chain that has an id, by id.
func (r Reader) EachMined(use func(id [16]byte, index int64, offset int) error) error {
	for p, err := range r.scanKind(kindID) {
		if err != nil {
			return err
		}
		index, offset, err := parseMined(p.key, p.value)
		if err != nil {
			return err
		}
		if err := use([16]byte(p.key[1:]), index, offset); err != nil {
			return err
		}
	}
	return nil
}

// Dump calls use for every key and value, ascending; both are valid during the call.
func (r Reader) Dump(use func(key, value []byte)) error {
	for p, err := range r.scan([]byte{0}, []byte{0xff}) {
		if err != nil {
			return err
		}
		use(p.key, p.value)
	}
	return nil
}

func number(key []byte) (uint32, error) {
	if len(key) != 5 {
		return 0, fmt.Errorf("%w: key %x has %d bytes, not 5", ErrDamaged, key, len(key))
	}
	return binary.BigEndian.Uint32(key[1:]), nil
}
