package p2p

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
)

// TestOneLoopOwnsConnections holds that one place each subscribes to the host's events, dials peers and disconnects them.
func TestOneLoopOwnsConnections(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	calls := map[string][]string{".Subscribe(": nil, ".h.Connect(": nil, "h.Connect(": nil, ".ClosePeer(": nil}
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
	for call, want := range map[string][]string{".Subscribe(": {"discovery.go"}, ".h.Connect(": nil, "h.Connect(": {"static_dial.go"}, ".ClosePeer(": {"disconnect.go"}} {
		if !slices.Equal(calls[call], want) {
			t.Errorf("%s is called in %q, want %q", call, calls[call], want)
		}
	}
}

// TestPeersAskedForAreBounded asks for one peer more than may be kept, and again for those that are.
func TestPeersAskedForAreBounded(t *testing.T) {
	cfg := Config{Identity: newKey(t), Listen: []string{"/ip4/127.0.0.1/tcp/0"}}
	n, err := New(cfg, chaintest.Open(t, chaintest.Rules()), (&lines{}).logger())
	if err != nil {
		t.Fatal(err)
	}
	defer n.h.Close()
	at := func(i int) string { return fmt.Sprintf("/ip4/127.0.0.1/tcp/9/p2p/%s", numbered(i)) }
	for range 2 {
		for i := range maxStatics {
			if err := n.Connect(at(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := n.Connect(at(maxStatics)); err == nil || !strings.Contains(err.Error(), "disconnect one first") {
		t.Errorf("one peer more: %v", err)
	}
	if err := n.Disconnect(numbered(0).String()); err != nil {
		t.Fatal(err)
	}
	if err := n.Connect(at(maxStatics)); err != nil {
		t.Errorf("in place of one that is forgotten: %v", err)
	}
}

// numbered is a peer id without a key.
func numbered(i int) peer.ID {
	return peer.ID(append([]byte{0x12, 0x20}, fmt.Appendf(nil, "%032d", i)...))
}
