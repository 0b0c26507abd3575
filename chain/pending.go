package chain

import (
	"cmp"
	"iter"
	"maps"
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
	seq      uint64
	from     string
	received int64 // Unix milliseconds
	returned bool

	sender consensus.Address // with amount: what it spends, on a secure network
	amount int64
}

// pending returns a transaction of the pool, which has no number yet.
func (c *Chain) pending(payment consensus.Payment, from string, received int64) *pending {
	p := &pending{Payment: payment, from: from, received: received}
	if c.rules.IsSecure() {
		t := payment.Transfer()
		p.sender, p.amount = t.Sender, t.Amount
	}
	return p
}

// size is the number of canonical bytes.
func (p *pending) size() int { return len(p.Canonical()) }

// pool is what memory keeps of the pending transactions.
type pool struct {
	byID    map[consensus.ID]*pending
	order   []*pending // the same, by sequence number
	bytes   int
	senders map[string]usage
	spends  map[consensus.Address]int64 // what accounts have promised, staged payments included; secure networks only
	oldest  int64                       // no transaction came before this, Unix milliseconds
	next    uint64                      // the sequence number of the next arrival

	// Payments of this node on their way to disk. Readers do not see them; their ids, numbers and room are taken.
	staged      map[consensus.ID]*pending
	stagedBytes int
}

// usage is what one sender holds of the pool.
type usage struct{ count, bytes int }

// newPool returns an empty pool with space for so many transactions.
func newPool(space int) pool {
	return pool{
		byID: make(map[consensus.ID]*pending, space), senders: make(map[string]usage), next: firstSeq,
		staged: make(map[consensus.ID]*pending), spends: make(map[consensus.Address]int64),
	}
}

func bySeq(p *pending, seq uint64) int { return cmp.Compare(p.seq, seq) }

// insert puts p in order: behind the others, unless some arrived while it was staged.
func (l *pool) insert(p *pending) {
	at, _ := slices.BinarySearchFunc(l.order, p.seq, bySeq)
	l.order = slices.Insert(l.order, at, p)
	l.next = max(l.next, p.seq+1)
	l.count(p, 1)
}

// stage takes p's id, number and room, and shows p to nobody.
func (l *pool) stage(p *pending) {
	l.staged[p.ID()] = p
	l.stagedBytes += p.size()
	l.next = max(l.next, p.seq+1)
	l.spend(p, 1)
}

// spend counts what p spends.
func (l *pool) spend(p *pending, sign int64) {
	if p.amount == 0 { // a classic payment
		return
	}
	if l.spends[p.sender] += sign * p.amount; l.spends[p.sender] == 0 {
		delete(l.spends, p.sender)
	}
}

// all returns the transactions in order, those that are staged last.
func (l *pool) all() []*pending {
	if len(l.staged) == 0 {
		return l.order
	}
	return slices.AppendSeq(slices.Clip(l.order), maps.Values(l.staged))
}

// unstage reverts stage, if p is staged. It reports whether it was.
func (l *pool) unstage(p *pending) bool {
	if l.staged[p.ID()] != p {
		return false
	}
	delete(l.staged, p.ID())
	l.stagedBytes -= p.size()
	l.spend(p, -1)
	return true
}

// find returns the transaction with this id, pending or staged.
func (l *pool) find(id consensus.ID) (*pending, bool) {
	if p, ok := l.byID[id]; ok {
		return p, true
	}
	p, ok := l.staged[id]
	return p, ok
}

func (l *pool) removeAll(leaving []*pending) {
	l.order = without(l.order, leaving)
	for _, p := range leaving {
		if !l.unstage(p) {
			l.count(p, -1)
		}
	}
}

// without removes the leaving transactions from order, in place. Those that are staged are not in it.
func without(order, leaving []*pending) []*pending {
	gone := make([]int, 0, len(leaving)+1)
	for _, p := range leaving {
		if at, ok := slices.BinarySearchFunc(order, p.seq, bySeq); ok && order[at] == p {
			gone = append(gone, at)
		}
	}
	slices.Sort(gone)
	gone = append(gone, len(order))
	kept := gone[0]
	for i, at := range gone[:len(gone)-1] {
		kept += copy(order[kept:], order[at+1:gone[i+1]])
	}
	clear(order[kept:])
	return order[:kept]
}

// exchange returns what takes the leaving transactions out of the pool and puts those that a reorg returns in front. The new pool is
// made beside the old one, so that readers do not wait for it.
func (l *pool) exchange(leaving, returned []*pending) (do func()) {
	order := append(slices.Clip(returned), without(slices.Clone(l.order), leaving)...)
	next := newPool(len(order))
	next.next, next.order = l.next, order
	for _, p := range next.order {
		next.count(p, 1)
	}
	return func() {
		for _, p := range leaving {
			l.unstage(p)
		}
		next.staged, next.stagedBytes = l.staged, l.stagedBytes
		for _, p := range l.staged {
			next.spend(p, 1)
		}
		*l = next
	}
}

func (l *pool) count(p *pending, sign int) {
	u := l.senders[p.from]
	u.count, u.bytes = u.count+sign, u.bytes+sign*p.size()
	l.bytes += sign * p.size()
	l.spend(p, int64(sign))
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
		for _, p := range l.order {
			if p.received > limit && !yield(p) {
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

// poolRoom is what a reorg may still return to the pool, and the number of the next transaction there.
type poolRoom struct {
	count, bytes int
	seq          uint64
}

// take gives p its room and its number, and reports whether there was room.
func (r *poolRoom) take(p *pending) bool {
	if r.count < 1 || r.bytes < p.size() {
		return false
	}
	p.seq = r.seq
	r.count, r.bytes, r.seq = r.count-1, r.bytes-p.size(), r.seq+1
	return true
}

// returnRoom returns the room for what a reorg returns, in front of all others, once the leaving transactions have left.
func (l *pool) returnRoom(leaving []*pending) poolRoom {
	room := poolRoom{
		count: MaxPoolTransactions + MaxPoolReturned - len(l.byID) - len(l.staged) + len(leaving),
		bytes: MaxPoolBytes + MaxPoolReturnedBytes - l.bytes - l.stagedBytes,
		seq:   firstSeq,
	}
	for _, p := range leaving {
		room.bytes += p.size()
	}
	if len(l.order) > 0 {
		room.seq = min(room.seq, l.order[0].seq) // arrivals, also staged ones, are numbered from firstSeq upwards
	}
	room.seq -= uint64(max(room.count, 0))
	return room
}
