package chain

import (
	"container/list"
	"iter"
	"math"
	"slices"

	"kuai/chain/consensus"
)

// firstSeq is the sequence number of the first arrival. What arrives is numbered upwards from it, what a reorg returns downwards,
// from the first pending transaction that was returned.
const firstSeq = 1 << 63

// pending is a transaction of the pool.
type pending struct {
	consensus.Payment
	size     int // canonical bytes
	seq      uint64
	from     string
	received int64 // Unix milliseconds
	returned bool
	element  *list.Element // nil while it is staged
}

// pool is what memory keeps of the pending transactions.
type pool struct {
	byID    map[consensus.ID]*pending
	order   *list.List // of *pending, by sequence number
	bytes   int
	senders map[string]usage
	oldest  int64  // no transaction came before this, Unix milliseconds
	next    uint64 // the sequence number of the next arrival

	// Payments of this node on their way to disk. Readers do not see them; their ids, numbers and room are taken.
	staged      map[consensus.ID]*pending
	stagedBytes int
}

// usage is what one sender holds of the pool.
type usage struct{ count, bytes int }

func newPool() pool {
	return pool{byID: make(map[consensus.ID]*pending), order: list.New(), senders: make(map[string]usage), next: firstSeq, staged: make(map[consensus.ID]*pending)}
}

// insert puts p behind the others, those before which it arrived excepted.
func (l *pool) insert(p *pending) {
	before := l.order.Back()
	for before != nil && before.Value.(*pending).seq > p.seq {
		before = before.Prev()
	}
	if before == nil {
		p.element = l.order.PushFront(p)
	} else {
		p.element = l.order.InsertAfter(p, before)
	}
	l.next = max(l.next, p.seq+1)
	l.count(p, 1)
}

// stage takes p's id, number and room, and shows p to nobody.
func (l *pool) stage(p *pending) {
	l.staged[p.ID()] = p
	l.stagedBytes += p.size
	l.next = max(l.next, p.seq+1)
}

// unstage is the end of that; insert or nothing follows.
func (l *pool) unstage(p *pending) {
	delete(l.staged, p.ID())
	l.stagedBytes -= p.size
}

// find returns the transaction with this id, pending or staged.
func (l *pool) find(id consensus.ID) (*pending, bool) {
	if p, ok := l.byID[id]; ok {
		return p, true
	}
	p, ok := l.staged[id]
	return p, ok
}

func (l *pool) removeAll(ps []*pending) {
	for _, p := range ps {
		if p.element == nil {
			l.unstage(p)
			continue
		}
		l.order.Remove(p.element)
		l.count(p, -1)
	}
}

// largeExchange is from how many transactions on an exchange is made beside the pool: readers would wait for as many changes of it.
const largeExchange = 1000

// exchange returns what takes the leaving transactions out of the pool and puts those that a reorg returns in front, in their order.
func (l *pool) exchange(leaving, returned []*pending) (do func()) {
	if len(leaving)+len(returned) >= largeExchange {
		next := l.exchanged(leaving, returned)
		return func() {
			*l = next
			for _, p := range leaving {
				if l.staged[p.ID()] == p {
					l.unstage(p)
				}
			}
		}
	}
	return func() {
		l.removeAll(leaving)
		for _, p := range slices.Backward(returned) {
			p.element = l.order.PushFront(p)
			l.count(p, 1)
		}
	}
}

// exchanged returns a pool without those that leave, with those that are returned in front.
func (l *pool) exchanged(leaving, returned []*pending) pool {
	next := newPool()
	next.byID = make(map[consensus.ID]*pending, len(l.byID)+len(returned))
	next.next, next.staged, next.stagedBytes = l.next, l.staged, l.stagedBytes
	gone := make(map[*pending]bool, len(leaving))
	for _, p := range leaving {
		gone[p] = true
	}
	enter := func(p *pending) {
		p.element = next.order.PushBack(p)
		next.count(p, 1)
	}
	for _, p := range returned {
		enter(p)
	}
	for e := l.order.Front(); e != nil; e = e.Next() {
		if p := e.Value.(*pending); !gone[p] {
			enter(p)
		}
	}
	return next
}

func (l *pool) count(p *pending, sign int) {
	u := l.senders[p.from]
	u.count, u.bytes = u.count+sign, u.bytes+sign*p.size
	l.bytes += sign * p.size
	l.senders[p.from] = u
	if u.count == 0 {
		delete(l.senders, p.from)
	}
	if sign < 0 {
		delete(l.byID, p.ID())
		return
	}
	l.byID[p.ID()] = p
	if len(l.byID) == 1 || p.received < l.oldest {
		l.oldest = p.received
	}
}

// alive yields the transactions that came after limit, in order.
func (l *pool) alive(limit int64) iter.Seq[*pending] {
	return func(yield func(*pending) bool) {
		for e := l.order.Front(); e != nil; e = e.Next() {
			if p := e.Value.(*pending); p.received > limit && !yield(p) {
				return
			}
		}
	}
}

// expired returns the transactions that did not come after limit, and when the oldest of the others came.
func (l *pool) expired(limit int64) (gone []*pending, oldest int64) {
	if l.oldest > limit {
		return nil, l.oldest
	}
	oldest = math.MaxInt64
	for _, p := range l.byID {
		if p.received <= limit {
			gone = append(gone, p)
		} else {
			oldest = min(oldest, p.received)
		}
	}
	return gone, oldest
}

// room reports whether a transaction of this size fits, in all and in its sender's share.
func (l *pool) room(size int, from string) bool {
	u, share := l.senders[from], 1
	if from != "" {
		share = PoolShare
	}
	return len(l.byID)+len(l.staged) < MaxPoolTransactions && l.bytes+l.stagedBytes+size <= MaxPoolBytes &&
		u.count < MaxPoolTransactions/share && u.bytes+size <= MaxPoolBytes/share
}

// poolRoom is what a reorg may still return to the pool.
type poolRoom struct{ count, bytes int }

// take reports whether a transaction of this size fits, and takes its room.
func (r *poolRoom) take(size int) bool {
	if r.count < 1 || r.bytes < size {
		return false
	}
	r.count, r.bytes = r.count-1, r.bytes-size
	return true
}

// returnRoom returns the room for what a reorg returns, once these transactions have left.
func (l *pool) returnRoom(leaving []*pending) poolRoom {
	room := poolRoom{
		count: MaxPoolTransactions + MaxPoolReturned - len(l.byID) - len(l.staged) + len(leaving),
		bytes: MaxPoolBytes + MaxPoolReturnedBytes - l.bytes - l.stagedBytes,
	}
	for _, p := range leaving {
		room.bytes += p.size
	}
	return room
}

// number gives returned transactions their place before all others.
func (l *pool) number(returned []*pending) {
	seq := uint64(firstSeq)
	if first := l.order.Front(); first != nil {
		seq = min(seq, first.Value.(*pending).seq) // arrivals, also staged ones, are numbered from firstSeq upwards
	}
	for i, p := range returned {
		p.seq = seq - uint64(len(returned)-i)
	}
}
