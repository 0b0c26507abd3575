package peers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// What is kept of the peers of peers.
const (
	maxTheirs   = 64              // connected peers that are asked
	theirsEvery = 6 * time.Second // each of them; they answer every 5 s
)

// theirs is what connected peers said last of their own peers, at most maxRecords each.
type theirs struct {
	mu sync.Mutex
	of map[peer.ID]said
}

// said is an answer, empty if there was none.
type said struct {
	at    time.Time
	knows []peer.ID
}

func newTheirs() *theirs { return &theirs{of: make(map[peer.ID]said)} }

// note keeps what p said, also that it said nothing.
func (k *theirs) note(p peer.ID, found []peer.AddrInfo) {
	s := said{at: time.Now()}
	for _, info := range found {
		s.knows = append(s.knows, info.ID)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, has := k.of[p]; has || len(k.of) < maxTheirs {
		k.of[p] = s
	}
}

func (k *theirs) forget(p peer.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.of, p)
}

// due returns those of some peers that were not asked for a while, as many as are kept.
func (k *theirs) due(peers []peer.ID, now time.Time) []peer.ID {
	k.mu.Lock()
	defer k.mu.Unlock()
	room := maxTheirs - len(k.of)
	return slices.DeleteFunc(slices.Clone(peers), func(p peer.ID) bool {
		s, has := k.of[p]
		if !has {
			room--
		}
		return has && now.Sub(s.at) < theirsEvery || !has && room < 0
	})
}

// Theirs returns the ids of the peers that p, which is connected, said last that it is connected with.
func (t *Table) Theirs(p peer.ID) (ids []string) {
	t.theirs.mu.Lock()
	defer t.theirs.mu.Unlock()
	for _, id := range t.theirs.of[p].knows {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	return ids
}

// LookAround makes connected peers be asked for theirs, if that was not done just now. It waits for nothing.
func (t *Table) LookAround() { signal(t.look) }

// runTheirs asks the connected peers for theirs, one after the other, each time that somebody wants to see that.
func (t *Table) runTheirs(ctx context.Context) {
	for {
		select {
		case <-t.look:
		case <-ctx.Done():
			return
		}
		for _, p := range t.theirs.due(t.h.Network().Peers(), time.Now()) {
			if ctx.Err() != nil {
				return
			}
			t.learn(ctx, p)
		}
	}
}
