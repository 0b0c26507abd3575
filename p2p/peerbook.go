package p2p

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain/atomicfile"
)

// Bounds of the peer book.
const (
	maxBook      = 256 // peers; see evict for who leaves first
	bookHearsay  = 32  // of them, never connected: as many as one answer names find room in a book full of others
	maxBookAddrs = 16  // addresses of one peer

	mostRetryKnown = 4 * time.Minute // between dials of a peer that was connected once
)

// book remembers where peers were found and how long each stayed, in this run and earlier ones.
type book struct {
	path string // "": nothing is kept on disk

	mu    sync.Mutex
	peers map[peer.ID]*acquaintance
	dirty bool
}

// acquaintance is what is remembered of a peer.
type acquaintance struct {
	addrs  []ma.Multiaddr
	own    int           // of addrs, the first ones: what it said itself while connected; the others are hearsay
	stayed time.Duration // connected, all in all
	seen   time.Time     // connected last
	since  time.Time     // connected since; zero while not connected
	fails  int           // dials in a row that failed
	after  time.Time     // no dial before
	near   bool          // on the local network: dialled also when there are peers enough
}

// remembered is an acquaintance in peers.json.
type remembered struct {
	ID     string   `json:"id"`
	Addrs  []string `json:"addresses"`
	Stayed int64    `json:"connected_seconds"`
	Seen   int64    `json:"last_seen"` // Unix seconds
}

// openBook reads dir/peers.json. A file that cannot be read costs the memory of old peers, nothing else: err says why, and
// the book is usable.
func openBook(dir string) (b *book, err error) {
	b = &book{peers: make(map[peer.ID]*acquaintance)}
	if dir == "" {
		return b, nil
	}
	b.path = filepath.Join(dir, "peers.json")
	raw, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	var list []remembered
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		return b, fmt.Errorf("remembered peers are lost: %s: %w", b.path, err)
	}
	for _, r := range list[:min(len(list), maxBook)] {
		b.recall(r)
	}
	return b, nil
}

// recall takes one entry of the file, or skips it where it makes no sense.
func (b *book) recall(r remembered) {
	id, err := peer.Decode(r.ID)
	addrs, addrErr := multiaddrs(r.Addrs)
	if err != nil || addrErr != nil || len(addrs) == 0 {
		return
	}
	addrs = bookAddrs(addrs)
	b.peers[id] = &acquaintance{
		addrs:  addrs,
		own:    len(addrs),
		stayed: time.Duration(r.Stayed) * time.Second,
		seen:   time.Unix(r.Seen, 0),
	}
}

// heard notes where a peer is said to be, behind where it said itself that it is.
func (b *book) heard(info peer.AddrInfo, near bool) {
	if len(info.Addrs) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.meet(info.ID)
	a.addrs = bookAddrs(slices.Concat(a.addrs[:a.own], info.Addrs, a.addrs[a.own:]))
	if near {
		a.near, a.fails, a.after = true, 0, time.Time{}
	}
}

// bookAddrs returns the first addresses, as many as are kept of one peer, each once.
func bookAddrs(addrs []ma.Multiaddr) []ma.Multiaddr {
	all := distinct(addrs)
	return all[:min(len(all), maxBookAddrs)]
}

// came notes that a peer is connected, reachable at addrs as it says. It says whether that is news.
func (b *book) came(id peer.ID, addrs []ma.Multiaddr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.meet(id)
	if len(addrs) > 0 {
		a.addrs = bookAddrs(addrs)
	}
	a.own = len(a.addrs)
	a.after, b.dirty = time.Time{}, true
	news := a.since.IsZero()
	if news {
		a.since = time.Now()
	}
	return news
}

// went notes that a peer's last connection ended. A short one counts as a dial that failed, or whoever accepts and closes would be
// dialled without a pause.
func (b *book) went(id peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.peers[id]
	if a == nil {
		return
	}
	stay := a.total() - a.stayed // 0 where it did not even say what it speaks
	if !a.since.IsZero() {
		a.stayed, a.seen, a.since = a.total(), time.Now(), time.Time{}
		b.dirty = true
	}
	if stay < steady {
		a.fail()
	} else {
		a.fails = 0
	}
}

// failed notes that a dial failed: the next one waits a minute, doubled each time, at most an hour, or 4 minutes where the peer was
// connected once and so may be behind a partition that heals.
func (b *book) failed(id peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil {
		a.fail()
	}
}

// fail delays the next dial.
func (a *acquaintance) fail() {
	most := time.Hour
	if a.known() {
		most = mostRetryKnown
	}
	a.after = time.Now().Add(min(time.Minute<<min(a.fails, 6), most))
	a.fails++
}

// forget drops a peer, and says whether it was known.
func (b *book) forget(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.peers[id] != nil
	delete(b.peers, id)
	b.dirty = b.dirty || known
	return known
}

// meet returns the entry of id, made where it is new; b.mu is held.
func (b *book) meet(id peer.ID) *acquaintance {
	if a := b.peers[id]; a != nil {
		return a
	}
	if len(b.peers) >= maxBook {
		b.evict()
	}
	a := &acquaintance{}
	b.peers[id] = a
	return a
}

// evict drops the peer that is missed least, of those that are not connected: one that never was, while there are enough of them;
// of the most crowded subnet; shortest-lived. b.mu is held.
func (b *book) evict() {
	crowd, hearsay := make(map[string]int), 0
	for _, a := range b.peers {
		if crowd[a.crowd()]++; !a.known() {
			hearsay++
		}
	}
	var least peer.ID
	for id, a := range b.peers {
		if a.since.IsZero() && (least == "" || a.missedLess(b.peers[least], crowd, hearsay >= bookHearsay)) {
			least = id
		}
	}
	delete(b.peers, least)
}

// crowd names those among whom the peer may be one of too many. An address that was only heard of crowds nobody who was there.
func (a *acquaintance) crowd() string { return fmt.Sprint(a.known(), subnet(a.addrs)) }

// missedLess says whether a goes before o where one must go. strangers says whether who was never connected goes before who was,
// or after.
func (a *acquaintance) missedLess(o *acquaintance, crowd map[string]int, strangers bool) bool {
	if a.known() != o.known() {
		return o.known() == strangers
	}
	n, m := crowd[a.crowd()], crowd[o.crowd()]
	return n > m || n == m && a.stayed < o.stayed
}

// total is how long the peer was connected, the time since included.
func (a *acquaintance) total() time.Duration {
	if a.since.IsZero() {
		return a.stayed
	}
	return a.stayed + time.Since(a.since)
}

// prospect is a peer that may be dialled.
type prospect struct {
	peer.AddrInfo
	near  bool
	known bool // was connected before
}

// prospects lists who is not connected and may be dialled now: neighbours first, then the longest-lived, few of one subnet
// before all others.
func (b *book) prospects() []prospect {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	crowd := make(map[string]int)
	var out []prospect
	for id, a := range b.peers {
		switch {
		case !a.since.IsZero():
			crowd[subnet(a.addrs)]++
		case len(a.addrs) > 0 && !now.Before(a.after):
			out = append(out, prospect{peer.AddrInfo{ID: id, Addrs: slices.Clone(a.addrs)}, a.near, a.known()})
		}
	}
	slices.SortFunc(out, func(x, y prospect) int {
		if x.near != y.near {
			return trueFirst(x.near, y.near)
		}
		return int(b.peers[y.ID].stayed/time.Second - b.peers[x.ID].stayed/time.Second)
	})
	return spread(out, crowd)
}

// trueFirst orders true before false.
func trueFirst(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	default:
		return 1
	}
}

// isNear says whether id is on the local network.
func (b *book) isNear(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.peers[id]
	return a != nil && a.near
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

// list returns every peer that was connected at least once.
func (b *book) list() []Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Peer
	for id, a := range b.peers {
		if a.known() {
			out = append(out, Peer{ID: id.String(), Address: fullAddress(peer.AddrInfo{ID: id, Addrs: a.addrs})})
		}
	}
	return out
}

// known says whether the peer was ever connected.
func (a *acquaintance) known() bool { return !a.since.IsZero() || !a.seen.IsZero() }

// save writes peers.json where something changed. Hearsay is not worth it.
func (b *book) save() error {
	b.mu.Lock()
	list := b.entries()
	dirty := b.dirty
	b.dirty = false
	b.mu.Unlock()
	if b.path == "" || !dirty {
		return nil
	}
	raw, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(b.path, append(raw, '\n')); err != nil {
		return fmt.Errorf("remember peers: %w", err)
	}
	return nil
}

// entries is the book as the file has it, longest-lived first; b.mu is held.
func (b *book) entries() []remembered {
	list := []remembered{}
	for id, a := range b.peers {
		if !a.known() || a.own == 0 {
			continue
		}
		seen := a.seen
		if !a.since.IsZero() {
			seen = time.Now()
		}
		r := remembered{ID: id.String(), Stayed: int64(a.total() / time.Second), Seen: seen.Unix()}
		for _, m := range a.addrs[:a.own] {
			r.Addrs = append(r.Addrs, m.String())
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y remembered) int { return int(y.Stayed - x.Stayed) })
	return list
}
