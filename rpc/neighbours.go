package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"kuai/chain/atomicfile"
)

// Bounds of registered nodes.
const (
	maxRegister = 64  // in one request
	maxNodes    = 256 // in all
	maxAddress  = 256 // bytes of one
	maxFormer   = 4   // peer ids that one URL had before
)

// kind is what a registered node was when it answered last. A URL is a claim about a place: it is asked again.
type kind string

const (
	kindKuai    kind = "kuai"    // connected over libp2p, read on /nodes/resolve while that fails
	kindFlask   kind = "flask"   // read on /nodes/resolve
	kindUnknown kind = "unknown" // did not answer yet, or as neither does
)

// neighbour is a registered node.
type neighbour struct {
	Address string `json:"address"`       // as total_nodes lists it: host:port, or the multiaddr
	URL     string `json:"url,omitempty"` // scheme and host, "" for a multiaddr
	Kind    kind   `json:"kind"`
	Peer    string `json:"peer_id,omitempty"` // of a kuai node at a URL, as its /node said last

	Former []string `json:"former_peer_ids,omitempty"` // that the URL had before, the newest first: DELETE takes them as well
}

// become is n with another kind and peer id. n's own peer id is a former one then.
func (n neighbour) become(k kind, peer string) neighbour {
	if n.Peer != "" && n.Peer != peer {
		n.Former = slices.Insert(slices.Clone(n.Former), 0, n.Peer)
	}
	n.Former = slices.DeleteFunc(slices.Clone(n.Former), func(id string) bool { return id == peer })
	n.Former = n.Former[:min(len(n.Former), maxFormer)]
	if len(n.Former) == 0 {
		n.Former = nil
	}
	n.Kind, n.Peer = k, peer
	return n
}

// peer is the id of a kuai node, "" if it is not known.
func (n neighbour) peer() string {
	if n.URL != "" {
		return n.Peer
	}
	return peerOf(n.Address)
}

// target is what Network.Connect takes.
func (n neighbour) target() string {
	if n.URL != "" {
		return n.URL
	}
	return n.Address
}

// name is what Network.Disconnect takes, "" if there is none.
func (n neighbour) name() string {
	if n.URL != "" {
		return n.URL
	}
	return n.peer()
}

// registry is the set of registered nodes, remembered in a file.
type registry struct {
	path   string
	write  func(path string, text []byte) error // replaces the file
	saving sync.Mutex                           // one writer of the file; taken before mu

	mu    sync.Mutex
	nodes map[string]neighbour // by lower-case address
}

// loadRegistry reads the file at path. One that cannot be read is set aside, not overwritten.
func loadRegistry(path string, log *slog.Logger) *registry {
	g := &registry{path: path, write: atomicfile.Write, nodes: map[string]neighbour{}}
	if path == "" {
		return g
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return g
	}
	var list []neighbour
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		log.Error("registered nodes not read: starting without them, the file is set aside", "path", path, "err", err)
		_ = os.Rename(path, path+".damaged") // what cannot be renamed is overwritten at the next registration
		return g
	}
	for _, n := range list[:min(len(list), maxNodes)] {
		g.nodes[strings.ToLower(n.Address)] = n
	}
	return g
}

// get returns the node at an address.
func (g *registry) get(address string) (n neighbour, found bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, found = g.nodes[strings.ToLower(address)]
	return n, found
}

// all returns the nodes, sorted by address.
func (g *registry) all() []neighbour {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]neighbour, 0, len(g.nodes))
	for _, n := range g.nodes {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b neighbour) int { return strings.Compare(a.Address, b.Address) })
	return list
}

// addresses is total_nodes: sorted.
func (g *registry) addresses() []string {
	list := []string{}
	for _, n := range g.all() {
		list = append(list, n.Address)
	}
	return list
}

// add holds the nodes and writes the file, all or nothing.
func (g *registry) add(nodes []neighbour) error {
	return g.change(func(held map[string]neighbour) error {
		for _, n := range nodes {
			held[strings.ToLower(n.Address)] = n
		}
		if len(held) > maxNodes {
			return badRequest("too many nodes", fmt.Sprintf("A node keeps at most %d registered nodes.", maxNodes), "DELETE /peers/<address> forgets one; a / in the address is written %2F.")
		}
		return nil
	})
}

// remove forgets the nodes that match, and returns them.
func (g *registry) remove(match func(neighbour) bool) (gone []neighbour, err error) {
	gone = slices.DeleteFunc(g.all(), func(n neighbour) bool { return !match(n) })
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, g.change(func(held map[string]neighbour) error {
		maps.DeleteFunc(held, func(_ string, n neighbour) bool { return match(n) })
		return nil
	})
}

// update remembers what a node has become, and reports whether it is still registered under that URL.
func (g *registry) update(n neighbour) (held bool, err error) {
	key := strings.ToLower(n.Address)
	err = g.change(func(nodes map[string]neighbour) error {
		if old, found := nodes[key]; found && old.URL == n.URL {
			nodes[key], held = n, true
		}
		return nil
	})
	return held, err
}

// change edits a copy of the set, writes it to disk and then shows it.
func (g *registry) change(edit func(map[string]neighbour) error) error {
	g.saving.Lock()
	defer g.saving.Unlock()
	g.mu.Lock()
	before := g.nodes // never edited in place
	g.mu.Unlock()
	next := maps.Clone(before)
	if err := edit(next); err != nil {
		return err
	}
	if err := g.save(next); err != nil {
		_ = g.save(before) // the new file may be in place, as only the last step failed: a restart must not find it
		return fmt.Errorf("remember registered nodes: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nodes = next
	return nil
}

// save replaces the file.
func (g *registry) save(nodes map[string]neighbour) error {
	if g.path == "" {
		return nil
	}
	list := make([]neighbour, 0, len(nodes))
	for _, n := range nodes {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b neighbour) int { return strings.Compare(a.Address, b.Address) })
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return g.write(g.path, append(text, '\n'))
}
