package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// SideIDs finds transactions on side branches.
type SideIDs struct {
	it  *pebble.Iterator
	on  []Place // by branch
	key [29]byte
}

// SideIDs returns a search of these branches, each up to an index. Close it.
func (r Reader) SideIDs(on []Place) (*SideIDs, error) {
	it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: []byte{kindSideID}, UpperBound: []byte{kindSideID + 1}})
	if err != nil {
		return nil, readError(err)
	}
	on = slices.Clone(on)
	slices.SortFunc(on, func(a, b Place) int { return cmp.Compare(a.Branch, b.Branch) })
	return &SideIDs{it: it, on: on}, nil
}

// Close ends the search.
func (s *SideIDs) Close() { _ = s.it.Close() } // Find has told its errors

// Find returns the index of a block that holds the transaction. The search goes along the branches and the places of the transaction
// at once, each time past all that cannot meet: one seek for each of the fewer.
func (s *SideIDs) Find(id [16]byte) (index int64, ok bool, err error) {
	for on := s.on; len(on) > 0; {
		p, ok, err := s.next(id, on[0].Branch)
		if err != nil || !ok {
			return 0, false, err
		}
		at, met := slices.BinarySearchFunc(on, p.Branch, func(o Place, branch uint32) int { return cmp.Compare(o.Branch, branch) })
		if met && p.Index <= on[at].Index {
			return p.Index, true, nil
		}
		if met {
			at++ // the branch holds it above what is searched, and holds it once
		}
		on = on[at:]
	}
	return 0, false, nil
}

// next returns the transaction's first place on this branch or one after it.
func (s *SideIDs) next(id [16]byte, branch uint32) (p Place, ok bool, err error) {
	if !s.it.SeekGE(sideIDKey(s.key[:0], id, Place{Branch: branch})) {
		return Place{}, false, readError(s.it.Error())
	}
	key := s.it.Key()
	if !bytes.HasPrefix(key[1:], id[:]) {
		return Place{}, false, nil
	}
	if len(key) != len(s.key) {
		return Place{}, false, fmt.Errorf("%w: key %x has %d bytes, not %d", ErrDamaged, key, len(key), len(s.key))
	}
	return Place{binary.BigEndian.Uint32(key[17:]), int64(binary.BigEndian.Uint64(key[21:]))}, true, nil
}
