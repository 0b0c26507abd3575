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
	maxHeld      = 1024             // messages that wait for their delay,
	maxHeldBytes = 8 << 20          // and their bytes; what comes beyond is lost
	allPercent   = 100
)

// ErrNoLab is returned by Node.Switch if the node was made without a Lab.
var ErrNoLab = errors.New("this node has no lab")

// Switches are the faults that a node makes on purpose. The zero value makes none.
//
// Delay, Loss and Pause are about gossip: each message that arrives, and each one that this node publishes itself. While one of them is
// set, gossip's own repair is off as well, so that a lost message stays lost. Statuses and syncs go on: they are what makes nodes agree.
type Switches struct {
	CutAll bool     // from every peer,
	Cut    []string // or from these, by peer id
	Delay  time.Duration
	Loss   int  // percent
	Pause  bool // nothing is published or taken
}

// Lab holds the switches of a node, and what they delay. It ends with the process: nothing of it is on disk.
type Lab struct {
	state atomic.Pointer[labState]
	wake  chan struct{} // size one: the switches have changed, or a message is held
	sides atomic.Pointer[sides]
	moved chan struct{} // size one: sides has changed

	mu    sync.Mutex
	held  []heldMessage // in order of arrival
	bytes int           // of held
}

// labState is the switches as they are asked for. It never changes.
type labState struct {
	Switches
	cut map[peer.ID]bool
}

// heldMessage is a message that waits. Its sender is this node's own id if it is to be published.
type heldMessage struct {
	from  peer.ID
	topic string
	data  []byte
	since time.Time
}

// NewLab returns a Lab with all switches off.
func NewLab() *Lab {
	l := &Lab{wake: make(chan struct{}, 1), moved: make(chan struct{}, 1)}
	l.state.Store(&labState{})
	l.sides.Store(&sides{})
	return l
}

// Gater refuses connections with the peers that l cuts off, for a host that is given to NewOn. New does so by itself.
func (l *Lab) Gater() connmgr.ConnectionGater {
	return peers.NewGater("", "", l.cuts, slog.New(slog.DiscardHandler))
}

// set changes the switches and reports whether other peers are cut off than before.
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

// cuts reports whether this node is cut off from p.
func (l *Lab) cuts(p peer.ID) bool {
	if l == nil {
		return false
	}
	s := l.state.Load()
	return s.CutAll || s.cut[p] || l.sides.Load().cut(p, time.Now())
}

// Hear takes out of an RPC what is lost or comes later, and the offers of what was missed: asking for it and losing the answer would look
// like a promise that the peer broke.
func (l *Lab) Hear(from peer.ID, rpc *pubsub.RPC) {
	if l == nil || !l.state.Load().disturbs() {
		return
	}
	rpc.Publish = slices.DeleteFunc(rpc.Publish, func(m *pb.Message) bool { return l.Takes(from, m.GetTopic(), m.GetData()) })
	if rpc.Control == nil {
		return
	}
	rpc.Control.Ihave = nil
	if l.state.Load().Pause {
		rpc.Control.Iwant = nil
	}
}

// Takes reports whether a message is lost, or held until later. from is this node's id if it is to be published.
func (l *Lab) Takes(from peer.ID, topic string, data []byte) bool {
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

// disturbs reports whether gossip is not as usual.
func (s *labState) disturbs() bool { return s.Pause || s.Loss > 0 || s.Delay > 0 }

// hold keeps a message, or loses it if too many wait.
func (l *Lab) hold(m heldMessage) {
	l.mu.Lock()
	if len(l.held) < maxHeld && l.bytes+len(m.data) <= maxHeldBytes {
		l.held, l.bytes = append(l.held, m), l.bytes+len(m.data)
	}
	l.mu.Unlock()
	signal(l.wake)
}

// drop loses all messages that wait.
func (l *Lab) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.bytes = nil, 0
}

// due takes out the messages that have waited for the delay, and returns how long the next one waits, 0 if none does.
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

// Deliver hands what has waited to late until ctx ends.
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

// Switches returns the faults that this node makes on purpose.
func (n *Node) Switches() Switches {
	if n.lab == nil {
		return Switches{}
	}
	return n.lab.state.Load().Switches
}

// Switch makes s the faults of this node. It disconnects the peers that are cut off, and dials those that no longer are at once.
func (n *Node) Switch(s Switches) error {
	if n.lab == nil {
		return ErrNoLab
	}
	recut, err := n.lab.set(s)
	if err != nil || !recut {
		return err
	}
	n.table.Recut()
	return nil
}

// signal fills a channel of size one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
