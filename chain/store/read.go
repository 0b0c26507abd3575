package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Reader reads the newest state (Store) or that of a snapshot (Snapshot). What it returns is the caller's,
// unless said otherwise.
type Reader struct{ r pebble.Reader }

// get calls use with the value of key; it reports whether there is one.
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
func (r Reader) Block(p Position) (rec Record, ok bool, err error) {
	var k [13]byte
	key := blockKey(k[:0], p)
	ok, err = r.get(key, func(value []byte) error {
		rec, err = parseRecord(key, slices.Clone(value))
		return err
	})
	return rec, ok, err
}

// Position returns where the block with this hash is stored.
func (r Reader) Position(hash [32]byte) (p Position, ok bool, err error) {
	var k [33]byte
	key := hashKey(k[:0], hash)
	ok, err = r.get(key, func(value []byte) error {
		p, err = parsePosition(key, value)
		return err
	})
	return p, ok, err
}

// Meta returns a named value, nil if there is none.
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
		for p, err := range r.scan(blockKey(nil, Position{branch, from}), blockKey(nil, Position{branch, to})) {
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

// last calls use with the last key in [lower, upper) and its value, if there is one.
func (r Reader) last(lower, upper []byte, use func(key, value []byte) error) error {
	it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return readError(err)
	}
	defer it.Close()
	if !it.Last() {
		return readError(it.Error())
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return readError(err)
	}
	return use(it.Key(), value)
}

// LastIndex returns the highest index of the branch, 0 if it is empty.
func (r Reader) LastIndex(branch uint32) (index int64, err error) {
	err = r.last(blockKey(nil, Position{branch, 0}), blockKey(nil, Position{branch, math.MaxInt64}), func(key, value []byte) error {
		rec, err := parseRecord(key, value)
		index = rec.Position.Index
		return err
	})
	return index, err
}

// Parent returns which block the first of branch n extends.
func (r Reader) Parent(n uint32) (p Position, err error) {
	var k [5]byte
	key := numberKey(k[:0], kindParent, n)
	ok, err := r.get(key, func(value []byte) error {
		p, err = parsePosition(key, value)
		return err
	})
	if err == nil && !ok {
		err = fmt.Errorf("%w: branch %d has no parent", ErrDamaged, n)
	}
	return p, err
}

// LastBranch returns the highest number of a branch, 0 if there is only the first.
func (r Reader) LastBranch() (n uint32, err error) {
	err = r.last([]byte{kindParent}, []byte{kindParent + 1}, func(key, _ []byte) error {
		n, err = number(key)
		return err
	})
	return n, err
}

// Active yields the parts of the active chain that hold the indexes [from, to), ascending. The last one ends at to, whatever the tip.
func (r Reader) Active(from, to int64) iter.Seq2[Range, error] {
	return func(yield func(Range, error) bool) {
		it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: []byte{kindActive}, UpperBound: []byte{kindActive + 1}})
		if err != nil {
			yield(Range{}, readError(err))
			return
		}
		defer it.Close()
		var key [9]byte
		found := it.SeekLT(activeKey(key[:0], from+1))
		for from < to {
			p, next, err := activeRange(it, found)
			p.From, p.To = from, min(next, to)
			if !yield(p, err) || err != nil {
				return
			}
			from, found = p.To, true
		}
	}
}

// activeRange reads the part that it stands on, and moves it to the next: where that begins, the highest index if there is none.
func activeRange(it *pebble.Iterator, found bool) (p Range, next int64, err error) {
	if !found {
		return p, 0, cmp.Or(readError(it.Error()), fmt.Errorf("%w: no branch of the active chain holds an index", ErrDamaged))
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return p, 0, readError(err)
	}
	v := reader{rest: value, bad: len(it.Key()) != 9}
	p.Branch = uint32(v.uint())
	if err := v.err("part of the active chain", it.Key()); err != nil {
		return p, 0, err
	}
	if !it.Next() {
		return p, math.MaxInt64, readError(it.Error())
	}
	if len(it.Key()) != 9 {
		return p, 0, fmt.Errorf("%w: key %x has %d bytes, not 9", ErrDamaged, it.Key(), len(it.Key()))
	}
	return p, int64(binary.BigEndian.Uint64(it.Key()[1:])), nil
}

// EachSide calls use for every branch with blocks that are not on the active chain, by number. Last is valid during the call.
func (r Reader) EachSide(use func(s Side) error) error {
	it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: []byte{kindBlock}, UpperBound: []byte{kindBlock + 1}})
	if err != nil {
		return readError(err)
	}
	defer it.Close()
	for p, err := range r.scanKind(kindSide) {
		if err != nil {
			return err
		}
		s, err := readSide(it, p)
		if err != nil {
			return err
		}
		if err := use(s); err != nil {
			return err
		}
	}
	return nil
}

// readSide reads a side branch, and its first and last blocks with it.
func readSide(it *pebble.Iterator, p pair) (s Side, err error) {
	if s.Branch, err = number(p.key); err != nil {
		return s, err
	}
	v := reader{rest: p.value}
	s.From, s.Parent = int64(v.uint()), v.position()
	if err := v.err("side branch", p.key); err != nil {
		return s, err
	}
	first, err := record(it, it.SeekGE(blockKey(nil, Position{s.Branch, s.From})))
	if err != nil {
		return s, err
	}
	if first.Position != (Position{s.Branch, s.From}) {
		return s, fmt.Errorf("%w: block %d of branch %d is missing", ErrDamaged, s.From, s.Branch)
	}
	s.Base = first.Total - int64(len(first.Raw))
	s.Last, err = record(it, it.SeekLT(blockKey(nil, Position{s.Branch, math.MaxInt64})))
	return s, err
}

// record returns the block that the iterator stands on, none if it found none.
func record(it *pebble.Iterator, found bool) (Record, error) {
	if !found {
		return Record{}, readError(it.Error())
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return Record{}, readError(err)
	}
	return parseRecord(it.Key(), value)
}

// EachPending calls use for every transaction of the pool, in order. Canonical is valid during the call.
func (r Reader) EachPending(use func(p Pending) error) error {
	for p, err := range r.scanKind(kindPending) {
		if err != nil {
			return err
		}
		v := reader{rest: p.value, bad: len(p.key) != 9}
		pending := Pending{Origin: v.origin()}
		kind := v.uint()
		pending.Returned = kind > pendingArrived
		if kind < pendingInBlock {
			pending.Canonical = v.rest
		} else {
			pending.At = At{v.position(), int(v.uint())}
		}
		if err := v.err("pending transaction", p.key); err != nil {
			return err
		}
		pending.Seq = binary.BigEndian.Uint64(p.key[1:])
		if err := use(pending); err != nil {
			return err
		}
	}
	return nil
}

// EachPosition calls use for the position of every held block, by hash.
func (r Reader) EachPosition(use func(hash [32]byte, p Position) error) error {
	for p, err := range r.scanKind(kindHash) {
		if err != nil {
			return err
		}
		position, err := parsePosition(p.key, p.value)
		if err != nil {
			return err
		}
		if err := use([32]byte(p.key[1:]), position); err != nil {
			return err
		}
	}
	return nil
}

// EachID calls use for every position of every transaction that has an id, by id, and where it is in the block there.
func (r Reader) EachID(use func(id [16]byte, p Position, offset int) error) error {
	for pair, err := range r.scanKind(kindID) {
		if err != nil {
			return err
		}
		p, offset, err := parseID(pair.key, pair.value)
		if err != nil {
			return err
		}
		if err := use([16]byte(pair.key[1:]), p, offset); err != nil {
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
