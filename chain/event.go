package chain

// EventKind says what happened.
type EventKind int

// Kinds of events.
const (
	EventBlock       EventKind = iota + 1 // a new tip extends the old one
	EventReorg                            // the active chain is another branch now
	EventTransaction                      // a transaction entered the pool
)

// MaxEvents is how many events are kept for subscribers; a slower one is told that it lost some.
const MaxEvents = 8192

// Event is a change of state.
type Event struct {
	Seq         uint64 // 1, 2, 3, … within this process
	Kind        EventKind
	From        string      // the peer that sent it, "" for this node
	Header      Header      // the new tip (EventBlock, EventReorg)
	Block       *Block      // the new tip (EventBlock, EventReorg)
	Transaction Transaction // EventTransaction
	Returned    int         // EventReorg: transactions that are pending again
	Dropped     int         // EventReorg: blocks that left the active chain
	Old         Header      // EventReorg: the tip before
}

// Events returns the events after position seq (0: all that are kept), ascending; lost says that some are gone already.
func (c *Chain) Events(seq uint64) (events []Event, lost bool) { panic("skeleton") }

// LastEvent returns the newest event's Seq.
func (c *Chain) LastEvent() uint64 { panic("skeleton") }

// Watch returns a channel of size one that receives after every change, until stop is called.
func (c *Chain) Watch() (wake <-chan struct{}, stop func()) { panic("skeleton") }
