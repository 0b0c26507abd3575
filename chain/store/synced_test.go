package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kuai/chain/store"
)

// kept is a disk, the states that the chain on it went through, and which of them was acknowledged last.
type kept struct {
	fs    *vfs.MemFS
	h     *history
	acked int
}

// killedChain is the disk of a chain whose process was killed, and the states that it went through.
func killedChain(t *testing.T, memTable, steps int) kept {
	t.Helper()
	fs := &disk{MemFS: vfs.NewCrashableMem()}
	st, err := store.OpenOn(fs, "data", memTable)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c, err := openChain(st, rules())
	if err != nil {
		t.Fatal(err)
	}
	w := startWorkload(t, c, 13)
	for range steps {
		if err := w.step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.sync(); err != nil {
		t.Fatal(err)
	}
	return kept{fs.crash(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: w.random}), w.h, w.h.acknowledged()}
}

// TestDamageOfEveryFile damages each file of stores at many places, takes it away, or cuts it off. Each time either an error names the
// damage, or nothing that was acknowledged is lost.
func TestDamageOfEveryFile(t *testing.T) {
	closed, h := keptChain(t)
	for name, k := range map[string]kept{
		"killed, with one log":      killedChain(t, 8<<20, 40),
		"killed, with logs, tables": killedChain(t, smallMemTable, 100),
		"closed":                    {closed, h, h.last()},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := k.fs.List("data")
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				damageFile(t, k, path.Join("data", file))
			}
		})
	}
}

// damageFile damages one file in many ways, each time on a copy of the disk.
func damageFile(t *testing.T, k kept, name string) {
	t.Helper()
	data := content(t, k.fs, name)
	found, tried := 0, 0
	try := func(what string, damaged []byte) {
		t.Helper()
		tried++
		fs := vfs.NewMem()
		if _, err := vfs.Clone(k.fs, fs, "data", "data"); err != nil {
			t.Fatal(err)
		}
		replace(t, fs, name, damaged)
		err := examine(fs, k.h, k.acked)
		if err != nil {
			found++
		}
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s, %s: %v", name, what, err)
		}
	}
	try("gone", nil)
	places := 2 // tables have checksums that the engine looks at, and to read all of a chain takes long
	if path.Ext(name) == ".log" || strings.HasPrefix(path.Base(name), "MANIFEST") {
		places = unlessRaced(40, 4)
	}
	step := max(1, len(data)/places)
	for at := 0; at < len(data); at += step {
		for _, with := range []string{"\x01", strings.Repeat("\x00", 16), strings.Repeat("\xaa", 200), strings.Repeat("\x00", 5000)} {
			damaged := bytes.Clone(data)
			for i := range damaged[at:min(at+len(with), len(data))] {
				damaged[at+i] = with[i]
			}
			if len(with) == 1 {
				damaged[at] = data[at] ^ 1
			}
			if !bytes.Equal(damaged, data) {
				try(fmt.Sprintf("%d bytes overwritten from %d of %d", len(with), at, len(data)), damaged)
			}
		}
		try(fmt.Sprintf("cut off at %d of %d", at, len(data)), data[:at:at])
	}
	t.Logf("%s: %d of %d damages were found", name, found, tried)
}

// TestLogsSwapped: two logs that have each other's content are damage.
func TestLogsSwapped(t *testing.T) {
	k := killedChain(t, smallMemTable, 100)
	files, err := k.fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	var logs []string
	for _, file := range files {
		if path.Ext(file) == ".log" {
			logs = append(logs, path.Join("data", file))
		}
	}
	if len(logs) < 2 {
		t.Fatalf("the workload left %d logs", len(logs))
	}
	for i, one := range logs {
		for _, other := range logs[:i] {
			a, b := content(t, k.fs, one), content(t, k.fs, other)
			fs := vfs.NewMem()
			if _, err := vfs.Clone(k.fs, fs, "data", "data"); err != nil {
				t.Fatal(err)
			}
			replace(t, fs, one, b)
			replace(t, fs, other, a)
			if err := examine(fs, k.h, k.acked); err != nil && !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s and %s swapped: %v", one, other, err)
			}
		}
	}
}

func content(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return data
}

// replace gives a file another content, or removes it if that is nil.
func replace(t *testing.T, fs vfs.FS, name string, data []byte) {
	t.Helper()
	if err := fs.Remove(name); err != nil {
		t.Fatal(err)
	}
	if data == nil {
		return
	}
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
