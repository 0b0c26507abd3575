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

// remembered is an entry in peers.json.
type remembered struct {
	ID     string   `json:"id"`
	Addrs  []string `json:"addresses"`
	Stayed int64    `json:"connected_seconds"`
	Seen   int64    `json:"last_seen"` // Unix seconds
}

// registration is a registered request in peers.json. The nodes.json of an earlier version is a list of them.
type registration struct {
	Address string   `json:"address"`
	URL     string   `json:"url,omitempty"`
	Kind    Kind     `json:"kind"`
	Peer    string   `json:"peer_id,omitempty"`         // of a kuai node at a URL
	Former  []string `json:"former_peer_ids,omitempty"` // of the URL's earlier nodes, newest first
}

func (r *request) registration() registration {
	out := registration{Address: r.address, URL: r.url, Kind: r.kind}
	if r.url != "" {
		out.Peer, out.Former = r.peer, r.formerPeers
	}
	return out
}

// openBook reads dir/peers.json, and nodes.json of an earlier version. A file that cannot be read is renamed,
// and the book starts without what is in it: err says why, and the book is usable. loadRegistrations must be
// called next.
func openBook(dir string) (b *book, err error) {
	b = &book{peers: make(map[peer.ID]*entry), staticChanged: func(peer.ID, bool) {}, write: atomicfile.Write}
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
		b.legacyPath = former
		return json.Unmarshal(text, &list)
	})
	if formerErr == nil {
		file.Registered = append(file.Registered, list...)
	} else {
		b.legacyPath = ""
	}
	b.dirty = b.legacyPath != ""
	for _, r := range file.Peers[:min(len(file.Peers), maxBook)] {
		b.loadPeer(r)
	}
	b.registrations = file.Registered[:min(len(file.Registered), maxRegistered)]
	return b, errors.Join(err, formerErr)
}

// readFile parses the file at path, if there is one. A file that cannot be read is renamed, not overwritten.
func readFile(path string, parse func([]byte) error) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = parse(text)
	}
	if err != nil {
		_ = os.Rename(path, path+".damaged") // on failure, a later save overwrites it
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// loadPeer adds one peer of the file, or skips it if it is malformed.
func (b *book) loadPeer(r remembered) {
	id, err := peer.Decode(r.ID)
	addrs, addrErr := ParseAddrs(r.Addrs)
	if err != nil || addrErr != nil || len(addrs) == 0 {
		return
	}
	addrs = bookAddrs(addrs)
	b.peers[id] = &entry{
		addrs:     addrs,
		ownAddrs:  len(addrs),
		connected: time.Duration(r.Stayed) * time.Second,
		lastSeen:  time.Unix(r.Seen, 0),
	}
}

// loadRegistrations adds the registrations of the file, once b.self and b.staticChanged are set. A URL keeps
// its last peer, if the book has it.
func (b *book) loadRegistrations() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.registrations {
		b.loadRegistration(e)
	}
	b.registrations = nil
}

// loadRegistration adds one registration of the file, or skips it if it is malformed; b.mu is held.
func (b *book) loadRegistration(e registration) {
	text := e.URL
	if text == "" {
		text = e.Address
	}
	r, err := newRequest(text)
	if err != nil || b.requestFor(r.address) != nil {
		return
	}
	r.registered = true
	if r.url != "" {
		if e.Kind == Kuai || e.Kind == Flask {
			r.kind = e.Kind
		}
		r.peer, r.formerPeers = e.Peer, e.Former[:min(len(e.Former), maxFormer)]
		if id, err := peer.Decode(e.Peer); err == nil && e.Kind == Kuai && b.peers[id] != nil {
			r.info.ID = id
		}
	}
	b.addRequest(r)
}

// save writes peers.json if something changed. Hearsay is not written.
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

// writeFile replaces peers.json, and renames nodes.json, whose contents are in it. b.saving is held.
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
	if b.legacyPath != "" {
		if err := os.Rename(b.legacyPath, b.legacyPath+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		b.legacyPath = ""
	}
	return nil
}

// file is the content of peers.json, peers that were connected longest first; b.mu is held.
func (b *book) file() bookFile {
	file := bookFile{Version: fileVersion, Peers: []remembered{}, Registered: []registration{}}
	for _, r := range b.registered() {
		file.Registered = append(file.Registered, r.registration())
	}
	for id, e := range b.peers {
		if !e.known() || e.ownAddrs == 0 || e.forgotten {
			continue
		}
		seen := e.lastSeen
		if !e.connectedAt.IsZero() {
			seen = time.Now()
		}
		r := remembered{ID: id.String(), Stayed: int64(e.totalConnected() / time.Second), Seen: seen.Unix()}
		for _, m := range e.addrs[:e.ownAddrs] {
			r.Addrs = append(r.Addrs, m.String())
		}
		file.Peers = append(file.Peers, r)
	}
	slices.SortFunc(file.Peers, func(x, y remembered) int { return int(y.Stayed - x.Stayed) })
	return file
}
