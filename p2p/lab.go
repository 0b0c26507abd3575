package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/peers"
)

// Bounds of what the switches take.
const (
	MaxCut       = 256              // peers that are named
	MaxDelay     = 30 * time.Second // of a message
	maxHeld      = 1024             // delayed messages,
	maxHeldBytes = 8 << 20          // and their bytes; more are lost
	allPercent   = 100
)

// ErrNoLab is returned by Node.Switch if the node was made without a Lab.
var ErrNoLab = errors.New("this node has no lab")

// Switches are the faults to inject. The zero value injects none.
//
// Delay, Loss and Pause apply to gossip: to each message that arrives, and to each one that this node
// publishes. While one of them is set, gossip's own recovery is off, so that a lost message stays lost.
// Statuses and syncs continue: they make nodes agree.
type Switches struct {
	CutAll bool     // from every peer,
	Cut    []string // or from these, by peer id
	Delay  time.Duration
	Loss   int  // percent
	Pause  bool // no message is published or accepted
}

// Lab holds the switches of a node, and delayed messages. It is not saved to disk.
type Lab struct {
	state        atomic.Pointer[labState]
	wake         chan struct{} // size one: the switches have changed, or a message is held
	sides        atomic.Pointer[sides]
	sidesChanged chan struct{} // size one: sides has changed

	mu    sync.Mutex
	held  []heldMessage // in order of arrival
	bytes int           // of held
}

// labState is the switches and an index of them. It is immutable.
type labState struct {
	Switches
	cut map[peer.ID]bool
}

// heldMessage is a delayed message. Its sender is this node's own id if it is to be published.
type heldMessage struct {
	from  peer.ID
	topic string
	data  []byte
	since time.Time
}

// NewLab returns a Lab with all switches off.
func NewLab() *Lab {
	l := &Lab{wake: make(chan struct{}, 1), sidesChanged: make(chan struct{}, 1)}
	l.state.Store(&labState{})
	l.sides.Store(&sides{})
	return l
}

// Gater returns a gater that refuses connections with the peers that l cuts off, for a host that is passed to
// NewOn. New does so by itself.
func (l *Lab) Gater() connmgr.ConnectionGater {
	return peers.NewGater("", "", l.isCut, slog.New(slog.DiscardHandler))
}

// set changes the switches, and reports whether the set of cut-off peers has changed.
func (l *Lab) set(s Switches) (recut bool, err error) {
	next := &labState{Switches: s, cut: make(map[peer.ID]bool)}
	switch {
	case s.Delay < 0 || s.Delay > MaxDelay:
		return false, fmt.Errorf("delay %v: want 0..%v", s.Delay, MaxDelay)
	case s.Loss < 0 || s.Loss > allPercent:
		return false, fmt.Errorf("loss %d %%: want 0..100", s.Loss)
	case len(s.Cut) > MaxCut:
		return false, fmt.Errorf("%d peers to cut off: at most %d can be named, or all", len(s.Cut), MaxCut)
	}
	next.Cut = nil
	for _, text := range s.Cut {
		p, err := peer.Decode(text)
		if err != nil {
			return false, fmt.Errorf("%q is not a peer id: %w", text, err)
		}
		if !next.cut[p] {
			next.cut[p], next.Cut = true, append(next.Cut, p.String())
		}
	}
	before := l.state.Swap(next)
	if s.Pause {
		l.drop()
	}
	signal(l.wake)
	return before.CutAll != s.CutAll || !slices.Equal(before.Cut, next.Cut), nil
}

// isCut reports whether p is cut off.
func (l *Lab) isCut(p peer.ID) bool {
	if l == nil {
		return false
	}
	s := l.state.Load()
	return s.CutAll || s.cut[p] || l.sides.Load().isCut(p, time.Now())
}

// Filter removes from an RPC what is lost or delayed, and the offers of missed messages: if this node asked for
// one and lost the answer, pubsub would count a broken promise of the peer.
func (l *Lab) Filter(from peer.ID, rpc *pubsub.RPC) {
	if l == nil || !l.state.Load().disturbs() {
		return
	}
	rpc.Publish = slices.DeleteFunc(rpc.Publish, func(m *pb.Message) bool { return l.Intercepts(from, m.GetTopic(), m.GetData()) })
	if rpc.Control == nil {
		return
	}
	rpc.Control.Ihave = nil
	if l.state.Load().Pause {
		rpc.Control.Iwant = nil
	}
}

// Intercepts reports whether a message is lost or delayed. from is this node's id if it is to be published.
func (l *Lab) Intercepts(from peer.ID, topic string, data []byte) bool {
	if l == nil {
		return false
	}
	s := l.state.Load()
	switch {
	case s.Pause, s.Loss > rand.N(allPercent):
		return true
	case s.Delay > 0:
		l.hold(heldMessage{from, topic, data, time.Now()})
		return true
	}
	return false
}

// disturbs reports whether s affects gossip.
func (s *labState) disturbs() bool { return s.Pause || s.Loss > 0 || s.Delay > 0 }

// hold keeps a message until later, or loses it if too many are held.
func (l *Lab) hold(m heldMessage) {
	l.mu.Lock()
	if len(l.held) < maxHeld && l.bytes+len(m.data) <= maxHeldBytes {
		l.held, l.bytes = append(l.held, m), l.bytes+len(m.data)
	}
	l.mu.Unlock()
	signal(l.wake)
}

// drop loses all held messages.
func (l *Lab) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.bytes = nil, 0
}

// due removes and returns the messages whose delay has passed, and returns the remaining wait of the next one,
// 0 if there is none.
func (l *Lab) due(now time.Time) (due []heldMessage, wait time.Duration) {
	delay := l.state.Load().Delay
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.held) > 0 {
		if wait := l.held[0].since.Add(delay).Sub(now); wait > 0 {
			return due, wait
		}
		due, l.bytes = append(due, l.held[0]), l.bytes-len(l.held[0].data)
		l.held = l.held[1:]
	}
	l.held = nil
	return due, 0
}

// Deliver calls late with each message after its delay, until ctx ends.
func (l *Lab) Deliver(ctx context.Context, late func(from peer.ID, topic string, data []byte)) {
	if l == nil {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		due, wait := l.due(time.Now())
		for _, m := range due {
			late(m.from, m.topic, m.data)
		}
		if wait > 0 {
			timer.Reset(wait)
		}
	}
}

// Switches returns the faults that this node injects.
func (n *Node) Switches() Switches {
	if n.lab == nil {
		return Switches{}
	}
	return n.lab.state.Load().Switches
}

// Switch sets the faults to inject. It disconnects the peers that are cut off now, and dials those that no
// longer are at once.
func (n *Node) Switch(s Switches) error {
	if n.lab == nil {
		return ErrNoLab
	}
	recut, err := n.lab.set(s)
	if err != nil || !recut {
		return err
	}
	n.table.ApplyCuts()
	return nil
}

// signal sends to a channel of size one, unless it is full.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
