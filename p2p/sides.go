package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// Bounds of a split.
const (
	MaxSplit = wire.MaxSplit // how long one lasts
	MaxOther = wire.MaxOther // nodes on the other side

	sidesWithin = 5 * time.Second        // for the answer of one node
	healWithin  = 8 * time.Second        // for a node of the other side to be connected again
	healEvery   = 250 * time.Millisecond // between two tries of that
)

// Sides of a split, as Split.Side has them.
const (
	TeachersSide = wire.TeachersSide
	OtherSide    = wire.OtherSide
)

// Errors of Node.Split.
var (
	ErrSplit    = errors.New("the network is split already")
	ErrNobody   = errors.New("no connected lab node has agreed to be put on a side")
	ErrDisagree = errors.New("has not agreed to be put on a side")
)

var errNotTeacher = errors.New("it has agreed to another teacher's node")

// Split is a network in two sides, as this node sees it. A node of the other side connects only to the nodes in
// Other and the teacher's node; one of the teacher's side connects to all but those. The other side still
// accepts the teacher's node, so that it can end the split.
type Split struct {
	Side    int       // TeachersSide or OtherSide; 0: the network isn't split, and the rest is empty
	Teacher string    // peer id of the node that asked for it
	Other   []string  // peer ids on the other side
	Until   time.Time // when it ends by itself
}

// Asked is a lab node that was asked to change its side. Err is nil if it did.
type Asked struct {
	ID   string
	Side int
	Err  error
}

// sides is a Split with indexes. It is immutable.
type sides struct {
	Split
	teacher peer.ID
	other   map[peer.ID]bool
	asked   []peer.AddrInfo // by the teacher's node: all nodes to tell when it ends
}

// isCut reports whether p is on another side than this node.
func (s *sides) isCut(p peer.ID, now time.Time) bool {
	switch {
	case s.Side == 0 || !now.Before(s.Until):
		return false
	case s.Side == OtherSide:
		return p != s.teacher && !s.other[p]
	}
	return s.other[p]
}

func newSides(side int, teacher peer.ID, other []peer.ID, within time.Duration) *sides {
	s := &sides{teacher: teacher, other: make(map[peer.ID]bool)}
	s.Split = Split{Side: side, Teacher: teacher.String(), Until: time.Now().Add(within)}
	for _, p := range other {
		s.other[p] = true
		s.Other = append(s.Other, p.String())
	}
	return s
}

// followTeacher registers the handler by which a teacher's node puts this one on a side.
func (n *Node) followTeacher(teacher func(id string) bool) {
	if n.lab == nil || teacher == nil {
		return
	}
	limit := stream.Limit{PerPeer: 1, Total: 4, Rate: 1, Burst: 4, Within: sidesWithin}
	n.server.Handle(stream.Sides, limit, func(_ context.Context, x *stream.Exchange) error {
		raw, err := wire.ReadFrame(x.R, wire.MaxSides)
		if err == nil {
			err = wire.ReadEnd(x.R)
		}
		if err != nil {
			return err
		}
		m, err := wire.ParseSides(raw)
		if err != nil {
			return err
		}
		answer := []byte{0}
		if teacher(x.Peer.String()) {
			answer[0] = 1
			n.follow(x.Peer, m)
		}
		if err := wire.WriteFrame(x.W, answer); err != nil {
			return err
		}
		return x.W.Flush()
	})
}

// follow puts this node on the side that its teacher's node asks for.
func (n *Node) follow(teacher peer.ID, m wire.Sides) {
	if m.Within == 0 {
		n.setSides(&sides{})
		return
	}
	other := make([]peer.ID, len(m.Other))
	for i, p := range m.Other {
		other[i] = peer.ID(p)
	}
	n.setSides(newSides(m.Side, teacher, other, m.Within))
}

// setSides puts this node on another side, logs it, and disconnects and dials accordingly.
func (n *Node) setSides(to *sides) {
	before := n.lab.sides.Swap(to)
	switch {
	case to.Side != 0:
		n.log.Warn("the network is split in two: this node is cut off from the other side", "side", to.Side, "teacher", to.Teacher, "other_side", len(to.Other), "until", to.Until)
	case before.Side != 0:
		n.log.Warn("the split of the network has ended for this node")
	default:
		return
	}
	signal(n.lab.sidesChanged)
	n.table.ApplyCuts()
}

// endSplits ends each split at its time, until ctx ends.
func (n *Node) endSplits(ctx context.Context) {
	if n.lab == nil {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-n.lab.sidesChanged:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		now := n.lab.sides.Load()
		switch wait := time.Until(now.Until); {
		case now.Side == 0:
		case wait > 0:
			timer.Reset(wait)
		case n.lab.sides.CompareAndSwap(now, &sides{}):
			n.log.Warn("the split of the network has ended for this node", "reason", "its time is over")
			n.table.ApplyCuts()
		}
	}
}

// SplitNow returns the split that this node is part of, the zero value if there is none.
func (n *Node) SplitNow() Split {
	if n.lab == nil {
		return Split{}
	}
	if s := n.lab.sides.Load(); time.Now().Before(s.Until) {
		return s.Split
	}
	return Split{}
}

// Followers returns the ids of the connected lab nodes that have agreed to be put on a side by a teacher's
// node, sorted.
func (n *Node) Followers() []string {
	var all []string
	for _, p := range n.followers() {
		all = append(all, p.String())
	}
	slices.Sort(all)
	return all
}

func (n *Node) followers() []peer.ID {
	return slices.DeleteFunc(n.h.Network().Peers(), func(p peer.ID) bool { return !n.client.Speaks(p, stream.Sides) })
}

// Split asks the lab nodes that are connected, and have agreed to it by an invitation that names this node, to
// part into two sides for a while. other are the peer ids on the side that this node is not on; empty: half of
// the nodes. It returns who was asked. A node of the other side that does not follow stays out: those that do
// refuse it.
func (n *Node) Split(ctx context.Context, other []string, within time.Duration) ([]Asked, error) {
	switch {
	case n.lab == nil:
		return nil, ErrNoLab
	case n.SplitNow().Side != 0:
		return nil, ErrSplit
	case within < time.Second || within > MaxSplit:
		return nil, fmt.Errorf("%v: want 1s..%v", within, MaxSplit)
	case len(other) > MaxOther:
		return nil, fmt.Errorf("%d nodes on the other side: want at most %d", len(other), MaxOther)
	}
	within = within.Truncate(time.Second)
	all := n.followers()
	far, err := farSide(all, other)
	if err != nil {
		return nil, err
	}
	// Nodes that refuse the other side are removed from the list, and the rest get the new list.
	asked := make(map[peer.ID]Asked)
	for {
		n.askSides(ctx, far, wire.Sides{Within: within, Side: OtherSide, Other: raw(far)}, asked)
		follow := slices.DeleteFunc(slices.Clone(far), func(p peer.ID) bool { return asked[p].Err != nil })
		if len(follow) == len(far) {
			break
		}
		far = follow
	}
	if len(far) == 0 {
		return listed(asked), ErrNobody
	}
	near := slices.DeleteFunc(slices.Clone(all), func(p peer.ID) bool { _, has := asked[p]; return has })
	n.askSides(ctx, near, wire.Sides{Within: within, Side: TeachersSide, Other: raw(far)}, asked)
	s := newSides(TeachersSide, n.h.ID(), far, within)
	for _, p := range all {
		if asked[p].Err == nil {
			s.asked = append(s.asked, peer.AddrInfo{ID: p, Addrs: n.h.Peerstore().Addrs(p)})
		}
	}
	n.setSides(s)
	return listed(asked), nil
}

// farSide returns the nodes of the other side: those in named, or the second half of all if it is empty.
func farSide(all []peer.ID, named []string) (far []peer.ID, err error) {
	if len(all) == 0 {
		return nil, ErrNobody
	}
	if len(named) == 0 {
		all = slices.Clone(all)
		slices.SortFunc(all, func(a, b peer.ID) int { return slices.Compare([]byte(a.String()), []byte(b.String())) })
		return all[len(all)/2 : min(len(all), len(all)/2+MaxOther)], nil
	}
	for _, text := range named {
		p, err := peer.Decode(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a peer id: %w", text, err)
		case !slices.Contains(all, p):
			return nil, fmt.Errorf("%s %w, or is not connected", text, ErrDisagree)
		case !slices.Contains(far, p):
			far = append(far, p)
		}
	}
	return far, nil
}

func raw(ids []peer.ID) (all []string) {
	for _, p := range ids {
		all = append(all, string(p))
	}
	return all
}

// listed returns the nodes that were asked, sorted by id.
func listed(asked map[peer.ID]Asked) (all []Asked) {
	for _, a := range asked {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Asked) int { return slices.Compare([]byte(a.ID), []byte(b.ID)) })
	return all
}

// askSides asks nodes, and stores the results in asked.
func (n *Node) askSides(ctx context.Context, nodes []peer.ID, m wire.Sides, asked map[peer.ID]Asked) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range nodes {
		wg.Go(func() {
			err := n.askSide(ctx, p, m)
			mu.Lock()
			defer mu.Unlock()
			asked[p] = Asked{p.String(), m.Side, err}
		})
	}
	wg.Wait()
}

func (n *Node) askSide(ctx context.Context, p peer.ID, m wire.Sides) error {
	return n.client.Ask(ctx, p, stream.Sides, sidesWithin, func(st network.Stream) error {
		if err := stream.SendRequest(st, m.Append(nil)); err != nil {
			return err
		}
		answer, err := wire.ReadFrame(bufio.NewReader(st), 1)
		switch {
		case err != nil:
			return err
		case len(answer) != 1 || answer[0] != 1:
			return errNotTeacher
		}
		return nil
	})
}

// Heal ends the split. The teacher's node asks all nodes to end it, and returns which were asked; another node
// leaves its side alone.
func (n *Node) Heal(ctx context.Context) ([]Asked, error) {
	if n.lab == nil {
		return nil, ErrNoLab
	}
	s := n.lab.sides.Load()
	n.setSides(&sides{})
	asked := make(map[peer.ID]Asked)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, to := range s.asked {
		side := TeachersSide
		if s.other[to.ID] {
			side = OtherSide
		}
		wg.Go(func() {
			err := n.reconnect(ctx, to)
			if err == nil {
				err = n.askSide(ctx, to.ID, wire.Sides{Side: side})
			}
			mu.Lock()
			defer mu.Unlock()
			asked[to.ID] = Asked{to.ID.String(), side, err}
		})
	}
	wg.Wait()
	return listed(asked), nil
}

// reconnect waits until a node that was on the other side is connected again.
func (n *Node) reconnect(ctx context.Context, to peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, healWithin)
	defer cancel()
	for {
		if n.h.Network().Connectedness(to.ID) == network.Connected && n.client.Speaks(to.ID, stream.Sides) {
			return nil
		}
		n.table.AddHearsay(to, true) // package peers dials it
		select {
		case <-ctx.Done():
			return errors.New("it cannot be reached, and ends the split at its time")
		case <-time.After(healEvery):
		}
	}
}
