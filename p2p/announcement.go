package p2p

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"kuai/chain/consensus"
)

// An announcement stands on the block topic for a block of more than maxWhole bytes. Its one form, spaces included:
//
//	{"hash": "<64 hex>", "index": 7, "previous_hash": "<64 hex>", "size": 70000}
//
// hash is the block's, size its canonical bytes. Whoever passes it on holds the block and gives it by /kuai/<net>/blocks/1.
// No block begins with the same bytes, as its first key is "index".
const (
	maxWhole        = 64 << 10 // bytes of a block that travels whole
	maxAnnouncement = 256      // bytes; the longest is 205
)

var announcementStart = []byte(`{"hash": "`)

// isAnnouncement reports whether raw begins as an announcement does.
func isAnnouncement(raw []byte) bool { return bytes.HasPrefix(raw, announcementStart) }

// announcement names a block that is too large to be flooded.
type announcement struct {
	hash, parent consensus.Hash
	index        int64
	size         int
}

// append appends the wire form.
func (a announcement) append(dst []byte) []byte {
	return fmt.Appendf(dst, `{"hash": "%s", "index": %d, "previous_hash": "%s", "size": %d}`, a.hash, a.index, a.parent, a.size)
}

// announcementOf stands for b.
func announcementOf(b *consensus.Block) announcement {
	h := b.Header()
	return announcement{hash: h.Hash, parent: h.Previous, index: h.Index, size: len(b.Canonical())}
}

// parseAnnouncement reads the wire form and takes no other spelling. The block's size may be up to most.
func parseAnnouncement(raw []byte, most int) (announcement, error) {
	if len(raw) > maxAnnouncement {
		return announcement{}, fmt.Errorf("announcement of %d bytes, at most %d", len(raw), maxAnnouncement)
	}
	var m struct {
		Hash     string `json:"hash"`
		Index    int64  `json:"index"`
		Previous string `json:"previous_hash"`
		Size     int    `json:"size"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return announcement{}, fmt.Errorf("announcement: %w", err)
	}
	a := announcement{index: m.Index, size: m.Size}
	var err1, err2 error
	a.hash, err1 = consensus.ParseHash(m.Hash)
	a.parent, err2 = consensus.ParseHash(m.Previous)
	if err := errors.Join(err1, err2); err != nil {
		return announcement{}, fmt.Errorf("announcement: %w", err)
	}
	if string(a.append(nil)) != string(raw) {
		return announcement{}, errors.New("announcement is not in its one form")
	}
	if a.index < 2 || a.size <= maxWhole || a.size > most {
		return announcement{}, fmt.Errorf("announcement of block %d of %d bytes: only %d to %d are announced", a.index, a.size, maxWhole+1, most)
	}
	return a, nil
}
