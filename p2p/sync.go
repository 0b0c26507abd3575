package p2p

import (
	"context"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
)

// SyncStatus says what the sync is doing.
type SyncStatus struct {
	Active bool
	Peer   string // peer id of the lead, "" unless Active
	Height int64  // our height
	Target int64  // the height that the lead said, not yet proved; our height unless Active
}

// statusMsg is what a peer says of itself.
type statusMsg struct {
	Version uint16
	Genesis chain.Hash
	Height  int64
	Tip     chain.Hash
	Time    time.Time
	Agent   string
}

// syncer keeps this node's chain and pool level with its peers'.
type syncer struct {
	onSwitch func(tip *chain.Block) // called after every switch by sync, from the sync loop; set before run
}

// newSyncer returns an inert syncer on h.
func newSyncer(h host.Host, c *chain.Chain, network string, agent string, f *faults, log *slog.Logger) *syncer {
	panic("soon")
}

// run answers and asks until ctx ends, and returns when nothing that it started is alive.
func (s *syncer) run(ctx context.Context) error { panic("soon") }

// wake says that p has something longer: its status is asked soon. It never blocks.
func (s *syncer) wake(p peer.ID) { panic("soon") }

// now asks every connected peer and syncs from those that are ahead. It returns when done or when ctx ends.
func (s *syncer) now(ctx context.Context) error { panic("soon") }

// progress says what the sync is doing, for Node.SyncStatus.
func (s *syncer) progress() SyncStatus { panic("soon") }

// claim returns what p last said of itself, false where it said nothing yet.
func (s *syncer) claim(p peer.ID) (statusMsg, bool) { panic("soon") }

// fetch asks p for blocks by hash, at most 64; a block that p does not hold is nil in the answer.
func (s *syncer) fetch(ctx context.Context, p peer.ID, hashes []chain.Hash) ([][]byte, error) {
	panic("soon")
}
