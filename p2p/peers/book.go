package peers

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2precord "github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
)

// Bounds of the peer book.
const (
	maxBook      = 256 // peers that nobody asked for; see evict for who leaves first
	bookHearsay  = 32  // of them, never connected: as many as one answer names find room in a book full of others
	maxBookAddrs = 16  // addresses of one peer

	hurryEvery = 10 * time.Second // one peer's waits are ended by mDNS at most so often
)

// book remembers where peers were found and how long each stayed, in this run and earlier ones.
type book struct {
	path   string                               // "": nothing is kept on disk
	former string                               // nodes.json of an earlier program, "" if there is none: it is taken over with the next save
	write  func(path string, text []byte) error // replaces a file
	saving sync.Mutex                           // one writer of the file; taken before mu
	self   peer.ID
	kept   func(id peer.ID, kept bool) // told of who becomes a static peer, and who is one no more, while mu is held

	mu       sync.Mutex
	peers    map[peer.ID]*acquaintance
	asked    []*request     // at most maxAsked
	recalled []registration // of the file, until recallAll
	dirty    bool
}

// heard notes where a peer is said to be, behind where it said itself that it is.
func (b *book) heard(info peer.AddrInfo, near bool) {
	if len(info.Addrs) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	news := b.peers[info.ID] == nil
	a := b.meet(info.ID)
	a.addrs = bookAddrs(slices.Concat(a.addrs[:a.own], info.Addrs, a.addrs[a.own:]))
	if !near {
		return
	}
	a.near = true
	switch now := time.Now(); {
	case news: // neighbours that start together hear of each other in one order; chance lets them dial different ones
		a.dials.next = now.Add(rand.N(spreadFor))
	case now.Sub(a.hurry) >= hurryEvery:
		a.dials.hurry()
		a.hurry = now
	}
}

// bookAddrs returns the first addresses, as many as are kept of one peer, each once.
func bookAddrs(addrs []ma.Multiaddr) []ma.Multiaddr {
	all := distinct(addrs)
	return all[:min(len(all), maxBookAddrs)]
}

// came notes that a peer is connected, reachable at addrs as it says, and reports whether that is news.
func (b *book) came(id peer.ID, addrs []ma.Multiaddr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.meet(id)
	if len(addrs) > 0 {
		a.addrs = bookAddrs(addrs)
	}
	a.own, a.forgotten = len(a.addrs), false
	for _, r := range b.asked {
		if r.info.ID == id {
			r.dials.hurry() // the first question after a loss goes out at once
		}
	}
	a.dials.next, a.dials.err, b.dirty = time.Time{}, "", true
	news := a.since.IsZero()
	if news {
		a.since, a.spoke = time.Now(), false
	}
	return news
}

// proved notes the address that a connected peer speaks from.
func (b *book) proved(id peer.ID, remote ma.Multiaddr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil {
		a.from = subnet(remote)
	}
}

// said notes that a connected peer said its status.
func (b *book) said(id peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil && !a.since.IsZero() {
		a.spoke, a.dials.fails, a.complaint = true, 0, complaint{}
	}
}

// signs keeps what a connected peer signed about itself.
func (b *book) signs(id peer.ID, signed *libp2precord.Envelope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil && !a.since.IsZero() {
		a.signed = signed
	}
}

// signed returns what connected peers signed about themselves, without that of one.
func (b *book) signed(without peer.ID) (all []*libp2precord.Envelope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, a := range b.peers {
		if a.signed != nil && id != without {
			all = append(all, a.signed)
		}
	}
	return all
}

// went notes that a peer's last connection ended, and reports whether it was connected until then, and whether it said no status. A stay without a status counts as a
// dial that failed, or a peer that accepts and closes would be dialled without a pause. One that never said what it speaks was not there:
// it may have lost a race of dials.
func (b *book) went(id peer.ID) (was, unheard bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.peers[id]
	switch {
	case a == nil:
		return false, false
	case a.since.IsZero():
		if unheard = a.asked && a.dial == nil; unheard {
			a.dials.says(errLeft) // its dial counted as failed until it says what it speaks
		}
		return false, unheard
	}
	first, most := a.retry()
	a.stayed, a.seen, a.since, a.signed = a.total(), time.Now(), time.Time{}, nil
	b.dirty = true
	switch {
	case a.forgotten:
		delete(b.peers, id)
	case a.spoke:
		a.dials.rest(first, most)
	default:
		a.dials.failed(first, most, errLeft)
	}
	return true, !a.spoke
}

// failed notes why a dial failed, unless the peer is connected by now.
func (b *book) failed(id peer.ID, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil && a.since.IsZero() {
		first, most := a.retry()
		a.dials.failed(first, most, err)
	}
}

// rests notes why a peer is not dialled before a time.
func (b *book) rests(id peer.ID, err error, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil {
		a.dials.failed(firstRetry, firstRetry, err)
		a.dials.next = until
	}
}

// hurryAll ends all waits: where this node is has changed.
func (b *book) hurryAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.peers {
		a.dials.hurry()
	}
	for _, r := range b.asked {
		r.dials.hurry()
	}
}

// forget drops a peer, one that is connected with its last connection, and reports whether it was known.
func (b *book) forget(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.peers[id]
	if a == nil || a.forgotten {
		return false
	}
	if a.forgotten, b.dirty = true, true; a.dial != nil {
		a.dial.cancel()
	}
	if a.since.IsZero() {
		delete(b.peers, id)
	}
	return true
}

// meet returns the entry of id, made where it is new; b.mu is held.
func (b *book) meet(id peer.ID) *acquaintance {
	if a := b.peers[id]; a != nil {
		return a
	}
	if b.others() >= maxBook {
		b.evict()
	}
	a := &acquaintance{}
	b.peers[id] = a
	return a
}

// isConnected reports whether id is connected; b.mu is held.
func (b *book) isConnected(id peer.ID) bool {
	a := b.peers[id]
	return a != nil && !a.since.IsZero()
}

// others counts the peers that nobody asked for; b.mu is held.
func (b *book) others() (n int) {
	for _, a := range b.peers {
		if !a.asked {
			n++
		}
	}
	return n
}

// addresses returns where id says that it listens, the address that its connection proves first.
func (b *book) addresses(id peer.ID) []ma.Multiaddr {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil {
		return slices.Clone(a.addrs)
	}
	return nil
}

// info is where id may be, what the operator said of it first; b.mu is held.
func (b *book) info(id peer.ID) peer.AddrInfo {
	return peer.AddrInfo{ID: id, Addrs: bookAddrs(slices.Concat(b.requested(id), b.peers[id].addrs))}
}

// list returns every peer that was connected at least once or was asked for, and the requests that lead to no other node.
func (b *book) list() []Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Peer
	for id, a := range b.peers {
		if (a.known() || a.asked) && !a.forgotten {
			e := Peer{ID: id.String(), Address: fullAddress(b.info(id)), Static: a.asked}
			a.dials.show(&e)
			out = append(out, e)
		}
	}
	for _, r := range b.asked {
		if r.info.ID == "" || r.info.ID == b.self && r.dials.err != "" {
			e := Peer{Address: r.shown(), Static: true}
			r.dials.show(&e)
			out = append(out, e)
		}
	}
	return out
}
