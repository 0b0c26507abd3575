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
	maxBook      = 256 // peers that are not static; see evict for the order of eviction
	bookHearsay  = 32  // of them, never connected: a full book still takes all peers of one answer
	maxBookAddrs = 16  // addresses of one peer

	mdnsResetEvery = 10 * time.Second // multicast DNS ends one peer's wait at most this often
)

// book keeps the addresses of peers and how long each was connected, in this run and earlier ones.
type book struct {
	path          string                               // of peers.json; "" keeps nothing on disk
	legacyPath    string                               // of an earlier version's nodes.json, "" if there is none: the next save migrates it
	write         func(path string, text []byte) error // replaces a file
	saving        sync.Mutex                           // held while the file is written; locked before mu
	self          peer.ID
	staticChanged func(id peer.ID, kept bool) // called when a peer becomes static or ordinary, while mu is held

	mu            sync.Mutex
	peers         map[peer.ID]*entry
	requests      []*request     // at most maxAsked
	registrations []registration // read from the file, until loadRegistrations
	dirty         bool
}

// addHearsay adds addresses of a peer that somebody else told of, behind those that the peer itself announced.
func (b *book) addHearsay(info peer.AddrInfo, near bool) {
	if len(info.Addrs) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	news := b.peers[info.ID] == nil
	e := b.getOrAdd(info.ID)
	e.addrs = bookAddrs(slices.Concat(e.addrs[:e.ownAddrs], info.Addrs, e.addrs[e.ownAddrs:]))
	if !near {
		return
	}
	e.onLAN = true
	switch now := time.Now(); {
	case news: // nodes that start together hear of each other in the same order; the jitter makes them dial different ones
		e.retry.next = now.Add(rand.N(mdnsJitter))
	case now.Sub(e.mdnsReset) >= mdnsResetEvery:
		e.retry.reset()
		e.mdnsReset = now
	}
}

// bookAddrs returns the first maxBookAddrs distinct addresses.
func bookAddrs(addrs []ma.Multiaddr) []ma.Multiaddr {
	all := distinct(addrs)
	return all[:min(len(all), maxBookAddrs)]
}

// identified records that a peer is connected and announces addrs. It reports whether the peer was not
// connected before.
func (b *book) identified(id peer.ID, addrs []ma.Multiaddr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.getOrAdd(id)
	if len(addrs) > 0 {
		e.addrs = bookAddrs(addrs)
	}
	e.ownAddrs, e.forgotten = len(e.addrs), false
	for _, r := range b.requests {
		if r.info.ID == id {
			r.retry.reset() // the first question after a loss goes out at once
		}
	}
	e.retry.next, e.retry.err, e.refusal, b.dirty = time.Time{}, "", nil, true
	news := e.connectedAt.IsZero()
	if news {
		e.connectedAt, e.hasStatus = time.Now(), false
	}
	return news
}

// setSubnet records the subnet of a connected peer's remote address.
func (b *book) setSubnet(id peer.ID, remote ma.Multiaddr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil {
		e.subnet = subnet(remote)
	}
}

// statusReceived records that a connected peer sent its status.
func (b *book) statusReceived(id peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil && !e.connectedAt.IsZero() {
		e.hasStatus, e.retry.fails, e.outage = true, 0, outage{}
	}
}

// setRecord keeps the signed peer record of a connected peer.
func (b *book) setRecord(id peer.ID, signed *libp2precord.Envelope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil && !e.connectedAt.IsZero() {
		e.record = signed
	}
}

// records returns the signed peer records of all connected peers but one.
func (b *book) records(without peer.ID) (all []*libp2precord.Envelope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, e := range b.peers {
		if e.record != nil && id != without {
			all = append(all, e.record)
		}
	}
	return all
}

// disconnected records the end of a peer's last connection. It reports whether the peer was connected, and
// whether it has sent no status. A connection without a status counts as a failed dial, or a peer that accepts
// and closes would be dialled without a pause. A peer that was never identified was not connected: two nodes
// that dial each other close one of the two connections.
func (b *book) disconnected(id peer.ID) (was, unheard bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[id]
	switch {
	case e == nil:
		return false, false
	case e.connectedAt.IsZero():
		if unheard = e.static && e.dial == nil; unheard {
			e.retry.setError(e.orRefusal(errNoStatus)) // its dial counts as failed until it is identified
		}
		return false, unheard
	}
	first, most := e.retryBounds()
	e.connected, e.lastSeen, e.connectedAt, e.record = e.totalConnected(), time.Now(), time.Time{}, nil
	b.dirty = true
	switch {
	case e.forgotten:
		delete(b.peers, id)
	case e.hasStatus:
		e.retry.backOff(first, most)
	default:
		e.retry.failed(first, most, e.orRefusal(errNoStatus))
	}
	return true, !e.hasStatus
}

// dialFailed records why a dial failed, unless the peer is connected by now.
func (b *book) dialFailed(id peer.ID, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil && e.connectedAt.IsZero() {
		first, most := e.retryBounds()
		e.retry.failed(first, most, e.orRefusal(err))
	}
}

// turnedAway records that a peer closed the connection of the last dial, and said why.
func (b *book) turnedAway(id peer.ID, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil && e.connectedAt.IsZero() {
		e.refusal = why
		e.retry.setError(why)
	}
}

// delayUntil records why a peer is not dialled before a time.
func (b *book) delayUntil(id peer.ID, err error, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil {
		e.retry.failed(firstRetry, firstRetry, err)
		e.retry.next = until
	}
}

// resetRetries ends all waits for dials and lookups: this node's addresses have changed.
func (b *book) resetRetries() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.peers {
		e.retry.reset()
	}
	for _, r := range b.requests {
		r.retry.reset()
	}
}

// forget deletes a peer, a connected one with its last connection, and reports whether it was known.
func (b *book) forget(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[id]
	if e == nil || e.forgotten {
		return false
	}
	if e.forgotten, b.dirty = true, true; e.dial != nil {
		e.dial.cancel()
	}
	if e.connectedAt.IsZero() {
		delete(b.peers, id)
	}
	return true
}

// getOrAdd returns the entry of id, and adds one if there is none; b.mu is held.
func (b *book) getOrAdd(id peer.ID) *entry {
	if e := b.peers[id]; e != nil {
		return e
	}
	if b.countOrdinary() >= maxBook {
		b.evict()
	}
	e := &entry{}
	b.peers[id] = e
	return e
}

// isConnected reports whether id is connected; b.mu is held.
func (b *book) isConnected(id peer.ID) bool {
	e := b.peers[id]
	return e != nil && !e.connectedAt.IsZero()
}

// countOrdinary counts the peers that are not static; b.mu is held.
func (b *book) countOrdinary() (n int) {
	for _, e := range b.peers {
		if !e.static {
			n++
		}
	}
	return n
}

// addresses returns the addresses that id announces, those on the host of its connection first.
func (b *book) addresses(id peer.ID) []ma.Multiaddr {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil {
		return slices.Clone(e.addrs)
	}
	return nil
}

// info returns the addresses of id, those that users gave first; b.mu is held.
func (b *book) info(id peer.ID) peer.AddrInfo {
	return peer.AddrInfo{ID: id, Addrs: bookAddrs(slices.Concat(b.requested(id), b.peers[id].addrs))}
}

// list returns every static peer, every peer that was connected at least once and can be dialled, and the requests
// without a peer.
func (b *book) list() []Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Peer
	for id, e := range b.peers {
		if (e.known() && len(e.addrs) > 0 || e.static) && !e.forgotten {
			p := Peer{ID: id.String(), Address: fullAddress(b.info(id)), Static: e.static}
			e.retry.describe(&p)
			e.dial.describe(&p)
			out = append(out, p)
		}
	}
	for _, r := range b.requests {
		if r.info.ID == "" || r.info.ID == b.self && r.retry.err != "" {
			p := Peer{Address: r.display(), Static: true}
			r.retry.describe(&p)
			r.lookup.describe(&p)
			out = append(out, p)
		}
	}
	return out
}
