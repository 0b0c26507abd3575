package peers

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"kuai/chain/atomicfile"
	"kuai/p2p/hosttest"
)

// TestRegistrationsSurviveARestart in peers.json, and those of a nodes.json are taken over.
func TestRegistrationsSurviveARestart(t *testing.T) {
	id, known, dir, p := hosttest.ID(t), bookPeer(t, "/ip4/192.0.2.9/tcp/15000"), t.TempDir(), &place{}
	p.become(nodeAnswer(known.ID), nil)
	at := "/ip4/10.0.0.8/tcp/15000/p2p/" + id.String()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("peers.json", `[{"id":"`+known.ID.String()+`","addresses":["/ip4/192.0.2.9/tcp/15000"],"connected_seconds":60,"last_seen":1}]`) // of an earlier program
	write("nodes.json", `[{"address":"old:5000","url":"http://old:5000","kind":"flask"},{"address":"`+at+`","kind":"kuai"},
		{"address":"kuai:5000","url":"http://kuai:5000","kind":"kuai","peer_id":"`+known.ID.String()+`","former_peer_ids":["`+id.String()+`"]}]`)
	tb := bareTable(t, dir, p)
	want := []string{at, "kuai:5000", "old:5000"}
	if got := tb.listed(); !slices.Equal(got, want) {
		t.Errorf("%q are registered", got)
	}
	if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 || filepath.Base(files[0]) != "nodes.json.old" {
		t.Errorf("files left: %q", files)
	}
	again := bareTable(t, dir, &place{})
	want = append(want, "place:5000")
	if got := again.listed(); !slices.Equal(got, want) {
		t.Errorf("%q are registered after a restart", got)
	}
	r := registeredAt(t, again, "kuai:5000")
	if r.kind != Kuai || !slices.Equal(r.formerPeers, []string{id.String()}) || !again.book.isStatic(known.ID) || registeredAt(t, again, "old:5000").kind != Flask {
		t.Errorf("%+v", r)
	}
	var file bookFile
	text, err := os.ReadFile(filepath.Join(dir, "peers.json"))
	if err != nil || json.Unmarshal(text, &file) != nil || file.Version != 1 || len(file.Peers) != 1 {
		t.Errorf("%v %s", err, text)
	}
}

// TestDamagedFilesAreSetAside, and what is in the other file is read.
func TestDamagedFilesAreSetAside(t *testing.T) {
	for _, damaged := range []string{"peers.json", "nodes.json"} {
		for _, text := range []string{"", "[{", `{"a":1}`, `{"version":2,"peers":[]}`} {
			dir := t.TempDir()
			for name, text := range map[string]string{
				"peers.json": `{"version":1,"registered":[{"address":"here:1","url":"http://here:1"}]}`, "nodes.json": `[{"address":"here:1","url":"http://here:1"}]`, damaged: text,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b, err := openBook(dir)
			b.self = "self"
			if b.loadRegistrations(); err == nil || len(b.requests) != 1 {
				t.Errorf("%s is %q: %v, %d are registered", damaged, text, err, len(b.requests))
			}
			if kept, err := os.ReadFile(filepath.Join(dir, damaged+".damaged")); err != nil || string(kept) != text {
				t.Errorf("set aside is %q, %v", kept, err)
			}
		}
	}
}

// TestRegistrationOnAFullDisk is refused. Nothing is registered, at once or after a restart, also if the new
// file is in place already when the write fails; and a deletion that fails deletes nothing.
func TestRegistrationOnAFullDisk(t *testing.T) {
	full := func(string, []byte) error { return &os.PathError{Op: "write", Path: "peers.json", Err: syscall.ENOSPC} }
	for name, write := range map[string]func(string, []byte) error{
		"before the rename": full,
		"after the rename": func(path string, text []byte) error {
			return errors.Join(atomicfile.Write(path, text), full(path, text))
		},
	} {
		dir := t.TempDir()
		tb := tableOn(t, dir, &place{})
		if err := tb.Register(t.Context(), []string{"silent:5000"}); err != nil {
			t.Fatal(err)
		}
		tb.book.write = write
		if err := tb.Register(t.Context(), []string{"place:5000"}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", name, err)
		}
		if err := tb.Disconnect("silent:5000"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: a deletion: %v", name, err)
		}
		for when, tb := range map[string]*Table{"at once": tb, "after a restart": bareTable(t, dir, &place{})} {
			if got := tb.listed(); !slices.Equal(got, []string{"silent:5000"}) || len(tb.book.requests) != 1 {
				t.Errorf("%s, %s: registered %q", name, when, got)
			}
		}
	}
}

// TestAFailedSaveIsTriedAgain: what a full disk has kept out of the file is written once there is room.
func TestAFailedSaveIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	tb := tableOn(t, dir, &place{})
	if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
		t.Fatal(err)
	}
	tb.applyResult(registeredAt(t, tb, "place:5000"), urlResult{kind: Flask, err: ErrFlask, status: 404})
	write := tb.book.write
	tb.book.write = func(string, []byte) error { return syscall.ENOSPC }
	if err := tb.book.save(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a full disk: %v", err)
	}
	tb.book.write = write
	if err := tb.book.save(); err != nil {
		t.Fatal(err)
	}
	if r := registeredAt(t, bareTable(t, dir, &place{}), "place:5000"); r.kind != Flask {
		t.Errorf("after a restart it is %q, want %q", r.kind, Flask)
	}
}
