package peers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/atomicfile"
)

// bookFile is peers.json. Version 0 is a list of peers, without the rest.
type bookFile struct {
	Version    int            `json:"version"`
	Peers      []remembered   `json:"peers"`
	Registered []registration `json:"registered"`
}

const fileVersion = 1

// remembered is an acquaintance in peers.json.
type remembered struct {
	ID     string   `json:"id"`
	Addrs  []string `json:"addresses"`
	Stayed int64    `json:"connected_seconds"`
	Seen   int64    `json:"last_seen"` // Unix seconds
}

// registration is a registered request in peers.json. In a nodes.json of an earlier program, there is a list of them.
type registration struct {
	Address string   `json:"address"`
	URL     string   `json:"url,omitempty"`
	Kind    Kind     `json:"kind"`
	Peer    string   `json:"peer_id,omitempty"`         // of a kuai node at a URL
	Former  []string `json:"former_peer_ids,omitempty"` // that the URL had before, the newest first
}

func (r *request) registration() registration {
	out := registration{Address: r.address, URL: r.url, Kind: r.kind}
	if r.url != "" {
		out.Peer, out.Former = r.peer, r.former
	}
	return out
}

// openBook reads dir/peers.json, and nodes.json beside it, which an earlier program has left. A file that cannot be read is set aside and
// costs what is in it, nothing else: err says why, and the book is usable. recallAll must be called next.
func openBook(dir string) (b *book, err error) {
	b = &book{peers: make(map[peer.ID]*acquaintance), kept: func(peer.ID, bool) {}, write: atomicfile.Write}
	if dir == "" {
		return b, nil
	}
	b.path = filepath.Join(dir, "peers.json")
	var file bookFile
	err = readFile(b.path, func(text []byte) error {
		if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
			return json.Unmarshal(text, &file.Peers)
		}
		err := json.Unmarshal(text, &file)
		if err == nil && file.Version != fileVersion {
			err = fmt.Errorf("version %d is not one that this program knows", file.Version)
		}
		return err
	})
	if err != nil {
		file = bookFile{}
	}
	former := filepath.Join(dir, "nodes.json")
	var list []registration
	formerErr := readFile(former, func(text []byte) error {
		b.former = former
		return json.Unmarshal(text, &list)
	})
	if formerErr == nil {
		file.Registered = append(file.Registered, list...)
	} else {
		b.former = ""
	}
	b.dirty = b.former != ""
	for _, r := range file.Peers[:min(len(file.Peers), maxBook)] {
		b.recall(r)
	}
	b.recalled = file.Registered[:min(len(file.Registered), maxRegistered)]
	return b, errors.Join(err, formerErr)
}

// readFile has parse read the file at path, if there is one. One that cannot be read is set aside, not overwritten.
func readFile(path string, parse func([]byte) error) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = parse(text)
	}
	if err != nil {
		_ = os.Rename(path, path+".damaged") // what cannot be renamed is overwritten some time
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// recall takes one peer of the file, or skips it where it makes no sense.
func (b *book) recall(r remembered) {
	id, err := peer.Decode(r.ID)
	addrs, addrErr := ParseAddrs(r.Addrs)
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

// recallAll registers again what the file lists, once b.self and b.kept are set. A URL leads to the peer that it led to before, if
// it is known where that is.
func (b *book) recallAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.recalled {
		b.reregister(e)
	}
	b.recalled = nil
}

// reregister takes one registration of the file, or skips it where it makes no sense; b.mu is held.
func (b *book) reregister(e registration) {
	text := e.URL
	if text == "" {
		text = e.Address
	}
	r, err := newRequest(text)
	if err != nil || b.requestFor(r.address) != nil || r.info.ID == b.self {
		return
	}
	r.registered = true
	if r.url != "" {
		if e.Kind == Kuai || e.Kind == Flask {
			r.kind = e.Kind
		}
		r.peer, r.former = e.Peer, e.Former[:min(len(e.Former), maxFormer)]
		if id, err := peer.Decode(e.Peer); err == nil && e.Kind == Kuai && b.peers[id] != nil {
			r.info.ID = id
		}
	}
	b.keep(r)
}

// save writes peers.json where something changed. Hearsay is not worth it.
func (b *book) save() error {
	b.saving.Lock()
	defer b.saving.Unlock()
	b.mu.Lock()
	file, dirty := b.file(), b.dirty
	b.dirty = false
	b.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := b.writeFile(file); err != nil {
		b.mu.Lock()
		b.dirty = true // the next save tries again
		b.mu.Unlock()
		return fmt.Errorf("remember peers: %w", err)
	}
	return nil
}

// writeFile replaces peers.json. What a nodes.json held is in it, so that one is renamed. b.saving is held.
func (b *book) writeFile(file bookFile) error {
	if b.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	if err := b.write(b.path, append(text, '\n')); err != nil {
		return err
	}
	if b.former != "" {
		if err := os.Rename(b.former, b.former+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		b.former = ""
	}
	return nil
}

// file is the book as peers.json has it, the longest-lived first; b.mu is held.
func (b *book) file() bookFile {
	file := bookFile{Version: fileVersion, Peers: []remembered{}, Registered: []registration{}}
	for _, r := range b.registered() {
		file.Registered = append(file.Registered, r.registration())
	}
	for id, a := range b.peers {
		if !a.known() || a.own == 0 || a.forgotten {
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
		file.Peers = append(file.Peers, r)
	}
	slices.SortFunc(file.Peers, func(x, y remembered) int { return int(y.Stayed - x.Stayed) })
	return file
}
