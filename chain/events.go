package chain

import (
	"sync"

	"kuai/chain/consensus"
)

// EventKind says what happened.
type EventKind int

// Kinds of events.
const (
	EventBlock       EventKind = iota + 1 // a new tip extends the old one
	EventReorg                            // the active chain is another branch now
	EventTransaction                      // a transaction entered the pool
	EventExpired                          // payments were pending for too long
)

// How many events are kept for subscribers; a slower one is told that it lost some.
const (
	MaxEvents     = 8192
	MaxEventBytes = 16 << 20 // canonical bytes of the blocks in them, and the payments; the rest is of one size
)

// Event is a change of state. A run that extends the tip by many blocks is one event, of its last block:
// the blocks between Old and Header are on the active chain.
type Event struct {
	Seq      uint64 // 1, 2, 3, … within this process
	Kind     EventKind
	From     string            // the peer that sent it, "" for this node
	Header   consensus.Header  // the new tip (EventBlock, EventReorg), the tip then (EventExpired)
	Block    *consensus.Block  // the new tip (EventBlock, EventReorg)
	Payment  consensus.Payment // EventTransaction
	Unpaid   Unpaid            // EventBlock, EventReorg, EventExpired: what this change dropped for good
	Returned int               // EventReorg: transactions that are pending again
	Dropped  int               // EventReorg: blocks that left the active chain
	Old      consensus.Header  // EventBlock, EventReorg: the tip before
}

// MaxUnpaid is how many unpaid payments an event names: a reorg may have as many as the branch that it leaves.
const MaxUnpaid = 100

// Unpaid are payments that were pending, or were mined on the branch that a reorg left, and that the pool does not hold any more.
type Unpaid struct {
	Count int
	First []UnpaidPayment // at most MaxUnpaid of them
}

// UnpaidPayment is one of them.
type UnpaidPayment struct {
	Payment consensus.Payment
	Reason  UnpaidReason
}

// UnpaidReason is why a payment was dropped.
type UnpaidReason string

// Reasons. After the last two the same payment can be sent again.
const (
	UnpaidFunds    UnpaidReason = "funds"    // its sender has too little
	UnpaidConflict UnpaidReason = "conflict" // the chain holds another payment with its id
	UnpaidExpired  UnpaidReason = "expired"  // no block took it for MaxPoolAge
	UnpaidRoom     UnpaidReason = "room"     // a reorg dropped its block, and the pool was full
)

func (u *Unpaid) add(p consensus.Payment, why UnpaidReason) {
	if u.Count++; u.Count <= MaxUnpaid {
		u.First = append(u.First, UnpaidPayment{p, why})
	}
}

func (u *Unpaid) addAll(dropped []*pending, why UnpaidReason) {
	for _, p := range dropped {
		u.add(p.Payment, why)
	}
}

func (e *Event) size() int {
	size := len(e.Payment.Canonical())
	if e.Block != nil {
		size = len(e.Block.Canonical())
	}
	for _, u := range e.Unpaid.First {
		size += len(u.Payment.Canonical())
	}
	return size
}

// events keeps the last events and wakes subscribers. It has a lock of its own, so that they do not wait for a batch.
type events struct {
	mu      sync.Mutex
	ring    []Event // event n is at n modulo its length
	gone    uint64  // the last event that is not kept any more
	last    uint64
	bytes   int
	watcher map[chan struct{}]struct{}
}

func (e *events) at(seq uint64) *Event { return &e.ring[seq%uint64(len(e.ring))] }

func (e *events) add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.makeRoom(ev.size())
	e.last++
	ev.Seq = e.last
	*e.at(ev.Seq) = ev
	e.bytes += ev.size()
	for wake := range e.watcher {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// makeRoom forgets the oldest events, as many as the next one needs, and makes the ring larger if it is full.
func (e *events) makeRoom(size int) {
	for e.gone < e.last && (e.last-e.gone == MaxEvents || e.bytes+size > MaxEventBytes) {
		e.gone++
		e.bytes -= e.at(e.gone).size()
		*e.at(e.gone) = Event{} // release the block
	}
	if n := len(e.ring); e.last-e.gone == uint64(n) {
		kept := e.after(e.gone)
		e.ring = make([]Event, min(max(2*n, 64), MaxEvents))
		for _, ev := range kept {
			*e.at(ev.Seq) = ev
		}
	}
}

// after returns the events after position seq, which are all kept.
func (e *events) after(seq uint64) []Event {
	list := make([]Event, 0, e.last-seq)
	for seq < e.last {
		seq++
		list = append(list, *e.at(seq))
	}
	return list
}

// Events returns the events after position seq (0: all that are kept), ascending; lost says that some are gone already.
func (c *Chain) Events(seq uint64) (events []Event, lost bool) {
	e := &c.events
	e.mu.Lock()
	defer e.mu.Unlock()
	if seq >= e.last {
		return nil, false
	}
	return e.after(max(seq, e.gone)), seq < e.gone
}

// LastEvent returns the newest event's Seq.
func (c *Chain) LastEvent() uint64 {
	c.events.mu.Lock()
	defer c.events.mu.Unlock()
	return c.events.last
}

// Watch returns a channel of size one that receives after every change, until stop is called.
func (c *Chain) Watch() (wake <-chan struct{}, stop func()) {
	e, ch := &c.events, make(chan struct{}, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watcher == nil {
		e.watcher = make(map[chan struct{}]struct{})
	}
	e.watcher[ch] = struct{}{}
	return ch, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.watcher, ch)
	}
}
