package miner

import (
	"sync"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
)

// maxWorks is how many drafts of a secure network are remembered for miners elsewhere. A draft takes some 64 KiB if many payments are
// pending.
const maxWorks = 128

// works are the drafts on the tip that were handed out, the oldest first.
type works struct {
	mu   sync.Mutex
	list []handedOut
}

type handedOut struct {
	root         consensus.Hash
	draft        consensus.Draft
	made         time.Time
	count, bytes int // of the pool
}

// Work returns what a miner elsewhere works on: the parent, and the payments that the block would hold now. On a secure network the
// draft is remembered for Submit while its parent is the tip, and handed out again as long as it is new.
func (m *Miner) Work() consensus.Draft {
	if !m.chain.Rules().IsSecure() {
		return m.chain.Draft(m.recipient)
	}
	m.works.mu.Lock()
	defer m.works.mu.Unlock()
	list := m.works.list
	if len(list) > 0 && list[0].draft.Parent.Hash != m.chain.Tip().Hash {
		list = nil
	}
	count, bytes := m.chain.PoolSize()
	if len(list) > 0 && list[len(list)-1].isNew(count, bytes) {
		return list[len(list)-1].draft
	}
	d := m.sealed()
	if len(list) == maxWorks {
		list = append(list[:0:0], list[1:]...)
	}
	m.works.list = append(list, handedOut{m.chain.Rules().Puzzle(d).Root, d, time.Now(), count, bytes})
	return d
}

// isNew reports whether h is what would be handed out now, but for its time.
func (h handedOut) isNew(count, bytes int) bool {
	age := time.Since(h.made)
	return age < gatherFor || age < draftAge && h.count == count && h.bytes == bytes
}

// find returns the draft with that parent and root.
func (w *works) find(parent, root consensus.Hash) (d consensus.Draft, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.list {
		if h.root == root && h.draft.Parent.Hash == parent {
			return h.draft, true
		}
	}
	return d, false
}

// Submit makes a block with a proof that was found elsewhere, for the block with hash parent; root is that of the work on a secure
// network, else zero. ErrStale if parent is no longer the tip or the work is not remembered, *consensus.InvalidError if the proof does not follow it.
func (m *Miner) Submit(parent, root consensus.Hash, proof int64) (*consensus.Block, error) {
	draft := consensus.Draft{Parent: m.chain.Tip()}
	if draft.Parent.Hash != parent {
		return nil, m.meter.count(chain.ErrStale)
	}
	if m.chain.Rules().IsSecure() {
		var ok bool
		if draft, ok = m.works.find(parent, root); !ok {
			return nil, m.meter.count(chain.ErrStale)
		}
	}
	b, err := m.seal(draft, proof)
	return b, m.meter.count(err)
}
