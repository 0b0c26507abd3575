package peers_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// callers are the files that may make these calls, once for each call. All other packages of p2p leave
// connections to the table.
var callers = map[string][]string{
	".Subscribe(":         {"peers/table.go"},
	".Notify(":            {"peers/unidentified.go", "portmap/portmap.go"}, // the second for listen addresses
	".h.Connect(":         {"peers/dialler.go"},                            // for the DHT's queries
	" h.Connect(":         {"peers/dialler.go"},
	".host.Connect(":      nil,
	".Host.Connect(":      nil,
	".DialPeer(":          nil,
	".ClosePeer(":         {"peers/disconnect.go"},
	".NewStream(":         {"gossip/gossip.go", "gossip/gossip.go", "peers/dht.go", "reach/reach.go", "stream/client.go"}, // see TestStreamsDoNotDial
	".disconnects.close(": {"peers/table.go"},
	".probe(":             {"peers/rotation.go"},
	"t.dialOne(":          {"peers/dialler.go"},
}

// TestOneLoopOwnsConnections holds that one place each subscribes to the host's events, dials peers and disconnects
// them.
func TestOneLoopOwnsConnections(t *testing.T) {
	calls, files := make(map[string][]string), 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "p2ptest" || d.Name() == "hosttest"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		for call := range callers {
			for range strings.Count(string(text), call) {
				calls[call] = append(calls[call], filepath.ToSlash(path)[len("../"):])
			}
		}
		return err
	})
	if err != nil || files < 60 {
		t.Fatalf("%d files: %v", files, err)
	}
	for _, call := range slices.Sorted(maps.Keys(callers)) {
		if !slices.Equal(calls[call], callers[call]) {
			t.Errorf("%q is called in %q, want %q", call, calls[call], callers[call])
		}
	}
}
