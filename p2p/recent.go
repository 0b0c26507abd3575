package p2p

import "sync"

// recent is a set of the newest max keys.
type recent[K comparable] struct {
	mu   sync.Mutex
	has  map[K]struct{}
	ring []K // insertion order, from next on; a key that was taken out may still be in it
	next int
}

func newRecent[K comparable](max int) recent[K] {
	return recent[K]{has: make(map[K]struct{}), ring: make([]K, 0, max)}
}

// add puts k in, in place of the oldest where the set is full.
func (r *recent[K]) add(k K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.has[k]; ok {
		return
	}
	r.has[k] = struct{}{}
	if len(r.ring) < cap(r.ring) {
		r.ring = append(r.ring, k)
		return
	}
	delete(r.has, r.ring[r.next])
	r.ring[r.next] = k
	r.next = (r.next + 1) % len(r.ring)
}

// take removes k and says whether it was there.
func (r *recent[K]) take(k K) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.has[k]
	delete(r.has, k)
	return ok
}
