package peers_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOneLoopOwnsConnections holds that one place each subscribes to the host's events, dials peers and
// disconnects them.
func TestOneLoopOwnsConnections(t *testing.T) {
	var files []string
	for _, dir := range []string{".", "..", "../gossip", "../chainsync", "../stream"} {
		found, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 60 {
		t.Fatalf("only %d files", len(files))
	}
	calls := map[string][]string{".Subscribe(": nil, ".h.Connect(": nil, "h.Connect(": nil, ".ClosePeer(": nil, ".disconnects.close(": nil, ".probe(": nil, "t.dialOne(": nil}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for call := range calls {
			for range bytes.Count(text, []byte(call)) {
				if !strings.HasSuffix(file, "_test.go") {
					calls[call] = append(calls[call], file)
				}
			}
		}
	}
	for call, want := range map[string][]string{".Subscribe(": {"table.go"}, ".h.Connect(": nil, "h.Connect(": {"dialler.go"}, ".ClosePeer(": {"disconnect.go"}, ".disconnects.close(": {"table.go"}, ".probe(": {"rotation.go"}, "t.dialOne(": {"dialler.go"}} {
		if !slices.Equal(calls[call], want) {
			t.Errorf("%s is called in %q, want %q", call, calls[call], want)
		}
	}
}
