package peers

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// maxStatics is how many peers may be asked for: each is dialled for ever.
const maxStatics = 1024

// statics are the peers that the operator named. The loop of the table dials them.
type statics struct {
	self    peer.ID
	h       host.Host
	f       *faults
	resolve func(ctx context.Context, url string) ([]string, error)
	twin    *twin
	log     *slog.Logger

	wake chan struct{} // size one, the loop's: somebody is to be dialled

	mu   sync.Mutex
	list []*static
}

// static is one of them. key is its URL, or its peer id where it was given by multiaddr.
type static struct {
	key string
	url string // "": info is what the operator gave

	// Guarded by statics.mu.
	info  peer.AddrInfo
	stop  context.CancelFunc // calls off the dial that is under way; nil: there is none
	up    bool               // connected, when the loop looked last
	spoke bool               // it said its status since it was dialled, or disconnected, last
	dials redial
	since time.Time // of the first dial in a row that failed
	told  bool      // the operator knows
}

// add takes a multiaddr or a URL. One that is there already is dialled at once.
func (t *statics) add(addr string) error {
	s := &static{}
	if isURL(addr) {
		u, err := parseURL(addr)
		if err != nil {
			return err
		}
		if t.resolve == nil {
			return fmt.Errorf("peer %q: URLs cannot be asked here, give a multiaddr", addr)
		}
		s.key, s.url = u, u
	} else {
		info, err := parsePeer(addr)
		if err != nil {
			return err
		}
		s.key, s.info = info.ID.String(), info
	}
	return t.keep(s)
}

// keep adds s, or its addresses to the one that is there.
func (t *statics) keep(s *static) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer signal(t.wake)
	if i := slices.IndexFunc(t.list, func(o *static) bool { return o.key == s.key }); i >= 0 {
		old := t.list[i]
		old.info.Addrs = distinct(append(slices.Clone(s.info.Addrs), old.info.Addrs...))
		t.f.forgive(old.info.ID)
		old.hurry()
		return nil
	}
	if len(t.list) >= maxStatics {
		return fmt.Errorf("peer %q: %d peers are asked for already, which is the most: disconnect one first", s.key, maxStatics)
	}
	t.list = append(t.list, s)
	if s.info.ID != "" && s.info.ID != t.self {
		t.f.Protect(s.info.ID)
	}
	return nil
}

// hurry ends the wait for the next dial; statics.mu is held.
func (s *static) hurry() { s.dials.fails, s.dials.next = 0, time.Time{} }

// hurryAll ends all waits: the addresses of this node have changed.
func (t *statics) hurryAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.list {
		s.hurry()
	}
}

// said notes that a connected peer said its status.
func (t *statics) said(id peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.list {
		if s.info.ID == id {
			s.spoke, s.dials.fails = true, 0
		}
	}
}

// remove drops the statics that are meant. It returns their peer ids, "" for a URL that has not answered.
func (t *statics) remove(meant func(*static) bool) (gone []peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = slices.DeleteFunc(t.list, func(s *static) bool {
		if !meant(s) {
			return false
		}
		if s.stop != nil {
			s.stop()
		}
		gone = append(gone, s.info.ID)
		return true
	})
	for _, id := range gone {
		t.release(id)
	}
	return gone
}

// release makes id an ordinary peer, unless a static peer has it. The caller holds mu.
func (t *statics) release(id peer.ID) {
	if !slices.ContainsFunc(t.list, func(s *static) bool { return s.info.ID == id }) {
		t.f.unprotect(id)
		t.h.ConnManager().Unprotect(id, "static")
	}
}

// infos lists the peers that are known by id, without this node: a URL may have led to it.
func (t *statics) infos() map[peer.ID]peer.AddrInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[peer.ID]peer.AddrInfo)
	for _, s := range t.list {
		if s.info.ID != "" && s.info.ID != t.self {
			out[s.info.ID] = s.info
		}
	}
	return out
}

// unreached lists the static peers, as far as they are not connected: by their peer id, or by a URL that has not answered.
func (t *statics) unreached() []Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Peer
	for _, s := range t.list {
		own := s.info.ID == t.self
		if own && s.dials.err == "" || s.info.ID != "" && t.h.Network().Connectedness(s.info.ID) == network.Connected {
			continue
		}
		e := Peer{Address: s.key, Static: true}
		if s.info.ID != "" && !own {
			e.ID, e.Address = s.info.ID.String(), fullAddress(s.info)
		}
		s.dials.show(&e)
		out = append(out, e)
	}
	return out
}
