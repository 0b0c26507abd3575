package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"kuai/chain/consensus"
)

// An announcement takes the place of a block of more than MaxWhole bytes on the block topic. Its only form,
// spaces included:
//
//	{"hash": "<64 hex>", "index": 7, "previous_hash": "<64 hex>", "size": 70000}
//
// hash is the block's hash, size the number of its canonical bytes. A node that sends it holds the block and
// serves it by /kuai/<net>/blocks/1. No block begins with the same bytes, as its first key is "index".
const (
	MaxWhole        = 64 << 10 // bytes of a block that is sent whole
	maxAnnouncement = 256      // bytes; the longest is 205
)

var announcementStart = []byte(`{"hash": "`)

// IsAnnouncement reports whether raw begins as an announcement does.
func IsAnnouncement(raw []byte) bool { return bytes.HasPrefix(raw, announcementStart) }

// Announcement announces a block that is too large to be flooded.
type Announcement struct {
	Hash, Parent consensus.Hash
	Index        int64
	Size         int
}

// Append appends the wire form.
func (a Announcement) Append(dst []byte) []byte {
	return fmt.Appendf(dst, `{"hash": "%s", "index": %d, "previous_hash": "%s", "size": %d}`, a.Hash, a.Index, a.Parent, a.Size)
}

// AnnouncementOf returns the announcement of b.
func AnnouncementOf(b *consensus.Block) Announcement {
	h := b.Header()
	return Announcement{Hash: h.Hash, Parent: h.Previous, Index: h.Index, Size: len(b.Canonical())}
}

// ParseAnnouncement parses the wire form, and accepts no other spelling. The block's size may be up to most.
func ParseAnnouncement(raw []byte, most int) (Announcement, error) {
	if len(raw) > maxAnnouncement {
		return Announcement{}, fmt.Errorf("announcement of %d bytes, at most %d", len(raw), maxAnnouncement)
	}
	var m struct {
		Hash     string `json:"hash"`
		Index    int64  `json:"index"`
		Previous string `json:"previous_hash"`
		Size     int    `json:"size"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return Announcement{}, fmt.Errorf("announcement: %w", err)
	}
	a := Announcement{Index: m.Index, Size: m.Size}
	var err1, err2 error
	a.Hash, err1 = consensus.ParseHash(m.Hash)
	a.Parent, err2 = consensus.ParseHash(m.Previous)
	if err := errors.Join(err1, err2); err != nil {
		return Announcement{}, fmt.Errorf("announcement: %w", err)
	}
	if string(a.Append(nil)) != string(raw) {
		return Announcement{}, errors.New("announcement is not in its one form")
	}
	if a.Index < 2 || a.Size <= MaxWhole || a.Size > most {
		return Announcement{}, fmt.Errorf("announcement of block %d of %d bytes: only %d to %d are announced", a.Index, a.Size, MaxWhole+1, most)
	}
	return a, nil
}
