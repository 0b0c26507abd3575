package main

import (
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLocalNodes(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	l := newLocalNodes(Config{MDNS: true}, "net-1", log)
	if got := l.list(); got != nil {
		t.Errorf("nobody runs: %q", got)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	pid := os.Getpid()
	leave, err := l.write("a.json", localNode{pid, []string{"/a1", "/a2"}, nil})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]localNode{
		"b.json":       {pid, []string{"/b"}, nil},
		"ended.json":   {ended.Process.Pid, []string{"/ended"}, nil},
		"nobody.json":  {0, []string{"/nobody"}, nil},
		"new.json.new": {pid, []string{"/being written"}, nil},
		"large.json":   {pid, []string{strings.Repeat("x", maxLocalFile)}, nil},
	} {
		if _, err := l.write(name, n); err != nil {
			t.Fatal(err)
		}
	}
	other := l
	other.prefix = "another-machine_"
	if _, err := other.write("other.json", localNode{pid, []string{"/other machine"}, nil}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, l.prefix+"bad.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := l.list()
	slices.Sort(got)
	if want := []string{"/a1", "/a2", "/b"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, name := range []string{"ended.json", "nobody.json"} {
		if _, err := os.Stat(filepath.Join(l.dir, l.prefix+name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	leave()
	if got := l.list(); !slices.Equal(got, []string{"/b"}) {
		t.Errorf("%q after a has left", got)
	}
	mode(t, l.dir, 0o700)
	mode(t, filepath.Join(l.dir, l.prefix+"b.json"), 0o600)
	for _, other = range []localNodes{newLocalNodes(Config{MDNS: true}, "net-2", log), newLocalNodes(Config{}, "net-1", log)} {
		if got := other.list(); got != nil {
			t.Errorf("%s: %q", other.dir, got)
		}
	}
}

func TestLocalNodesAreBounded(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	l := newLocalNodes(Config{MDNS: true}, "net-1", slog.New(slog.DiscardHandler))
	for i := range 2 * maxLocalNodes {
		if _, err := l.write(strings.Repeat("x", 1+i)+".json", localNode{os.Getpid(), []string{"/a"}, nil}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(l.list()); got != maxLocalNodes {
		t.Errorf("%d nodes, want %d", got, maxLocalNodes)
	}
}

func mode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
		t.Errorf("%s: %v, %v, want %v", path, info, err, want)
	}
}
