package peers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Bounds of what is kept of the peers of peers.
const (
	maxReports  = 64              // connected peers that are asked
	reportEvery = 6 * time.Second // between two questions to one peer, which answers every 5 s
)

// reportedPeers is what connected peers last told of their own peers, at most maxRecords each.
type reportedPeers struct {
	mu     sync.Mutex
	byPeer map[peer.ID]report
}

// report is the answer of a peer, empty if there was none.
type report struct {
	at    time.Time
	peers []peer.ID
}

func newReportedPeers() *reportedPeers { return &reportedPeers{byPeer: make(map[peer.ID]report)} }

// note keeps the answer of p, also an empty one.
func (k *reportedPeers) note(p peer.ID, found []peer.AddrInfo) {
	s := report{at: time.Now()}
	for _, info := range found {
		s.peers = append(s.peers, info.ID)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, has := k.byPeer[p]; has || len(k.byPeer) < maxReports {
		k.byPeer[p] = s
	}
}

func (k *reportedPeers) forget(p peer.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byPeer, p)
}

// due returns the peers that were not asked for reportEvery, as many as there is space for.
func (k *reportedPeers) due(peers []peer.ID, now time.Time) []peer.ID {
	k.mu.Lock()
	defer k.mu.Unlock()
	free := maxReports - len(k.byPeer)
	return slices.DeleteFunc(slices.Clone(peers), func(p peer.ID) bool {
		s, has := k.byPeer[p]
		if !has {
			free--
		}
		return has && now.Sub(s.at) < reportEvery || !has && free < 0
	})
}

// PeersOf returns the ids of the peers that p, which is connected, last said to be connected with.
func (t *Table) PeersOf(p peer.ID) (ids []string) {
	t.reported.mu.Lock()
	defer t.reported.mu.Unlock()
	for _, id := range t.reported.byPeer[p].peers {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	return ids
}

// RefreshPeerLists asks connected peers for theirs, each at most every reportEvery. It does not wait for the answers.
func (t *Table) RefreshPeerLists() { signal(t.refresh) }

// runRefresh asks the connected peers for theirs, one after the other, after each call of RefreshPeerLists.
func (t *Table) runRefresh(ctx context.Context) {
	for {
		select {
		case <-t.refresh:
		case <-ctx.Done():
			return
		}
		for _, p := range t.reported.due(t.h.Network().Peers(), time.Now()) {
			if ctx.Err() != nil {
				return
			}
			t.exchangePeers(ctx, p)
		}
	}
}
