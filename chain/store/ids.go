package store

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// IDs finds the blocks that hold transactions, in the state at the time it was made.
type IDs struct {
	it  *pebble.Iterator
	key [idPrefix + 12]byte
}

// IDs returns a search. Close it.
func (r Reader) IDs() (*IDs, error) {
	it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: []byte{kindID}, UpperBound: []byte{kindID + 1}})
	if err != nil {
		return nil, readError(err)
	}
	return &IDs{it: it}, nil
}

// Close ends the search.
func (s *IDs) Close() { _ = s.it.Close() } // Of has told its errors

// Of yields the positions of the blocks that hold the transaction, and where it is in their canonical bytes. An id that no
// block holds costs a look at the engine's Bloom filters; ascending ids cost least.
func (s *IDs) Of(id [16]byte) iter.Seq2[At, error] {
	return func(yield func(At, error) bool) {
		for ok := s.it.SeekPrefixGE(idKey(s.key[:0], id, Position{})); ok; ok = s.it.Next() {
			value, err := s.it.ValueAndErr()
			var at At
			if err = readError(err); err == nil {
				at.Position, at.Offset, err = parseID(s.it.Key(), value)
			}
			if !yield(at, err) || err != nil {
				return
			}
		}
		if err := s.it.Error(); err != nil {
			yield(At{}, readError(err))
		}
	}
}

// At is where a transaction is: the position of a block, and an offset in its canonical bytes.
type At struct {
	Position
	Offset int
}

func parseID(key, value []byte) (p Position, offset int, err error) {
	if len(key) != idPrefix+12 {
		return p, 0, fmt.Errorf("%w: key %x has %d bytes, not %d", ErrDamaged, key, len(key), idPrefix+12)
	}
	p = Position{binary.BigEndian.Uint32(key[idPrefix:]), int64(binary.BigEndian.Uint64(key[idPrefix+4:]))}
	r := reader{rest: value}
	offset = int(r.uint())
	return p, offset, r.err("position of a transaction", key)
}

// comparer orders keys by their bytes. The engine's Bloom filters are over the keys, and of an id over the part that all its
// positions share.
var comparer = func() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Name = "kuai.1"
	c.Split = func(key []byte) int {
		if len(key) > idPrefix && key[0] == kindID {
			return idPrefix
		}
		return len(key)
	}
	return &c
}()
