package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"path"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kuai/chain"
	"kuai/chain/store"
)

// TestDamageIsNeverBelieved flips one byte in every file of a store in turn. Either an error says so, on opening or by Verify, or
// the byte did not matter: the chain is in a state in which it was.
func TestDamageIsNeverBelieved(t *testing.T) {
	fs, h := keptChain(t)
	files, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	flips := unlessRaced(8, 2)
	found, random := 0, rand.New(rand.NewPCG(3, 4))
	for _, name := range files {
		for range flips {
			copied := vfs.NewMem()
			if _, err := vfs.Clone(fs, copied, "data", "data"); err != nil {
				t.Fatal(err)
			}
			at, ok := flip(t, copied, path.Join("data", name), random)
			if !ok {
				continue // empty
			}
			err := examine(copied, h, h.last())
			if err != nil {
				found++
			}
			if err != nil && !errors.Is(err, store.ErrDamaged) {
				t.Errorf("byte %d of %s: %v", at, name, err)
			}
		}
	}
	if found == 0 {
		t.Error("no damage was found at all")
	}
	t.Logf("%d of %d flips were found", found, flips*len(files))
}

// keptChain is the disk of a chain that was closed, and the states that it went through.
func keptChain(t *testing.T) (*vfs.MemFS, *history) {
	t.Helper()
	fs := vfs.NewMem()
	st, err := store.OpenOn(fs, "data", smallMemTable)
	if err != nil {
		t.Fatal(err)
	}
	c, err := openChain(st, rules())
	if err != nil {
		t.Fatal(err)
	}
	w := startWorkload(t, c, 11)
	for range 100 {
		if err := w.step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.Close(), st.Close()); err != nil {
		t.Fatal(err)
	}
	return fs, w.h
}

func flip(t *testing.T, fs *vfs.MemFS, name string, random *rand.Rand) (at int, ok bool) {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if len(data) == 0 {
		return 0, false
	}
	at = random.IntN(len(data))
	data[at] ^= 1 << random.IntN(8)
	f, err = fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return at, true
}

var errOtherState = errors.New("it opens to a state in which it never was, without a complaint")

// examine opens the store, reads all of it, and wants it in a state from the acknowledged one on.
func examine(fs vfs.FS, h *history, acked int) error {
	st, err := store.OpenOn(fs, "data", smallMemTable)
	if err != nil {
		return err
	}
	defer st.Close()
	c, err := openChain(st, rules())
	if err != nil {
		return err
	}
	if err := c.Verify(context.Background(), nil); err != nil {
		return err
	}
	if !h.since(acked, state(c)) {
		return errOtherState
	}
	return nil
}

// TestDamageStopsTheStore: the engine tells of a damaged table that anyone reads, itself in the background included, and that stops the
// store as damage, not as a failed disk. Reading all of it here finds the damage in any case.
func TestDamageStopsTheStore(t *testing.T) {
	fs, _ := keptChain(t)
	spoilTables(t, fs)
	st, err := store.OpenOn(fs, "data", smallMemTable)
	if err == nil {
		defer st.Close()
		_ = st.Dump(func([]byte, []byte) {}) // its own error is not what is asked for
		err = st.Err()
	}
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("the engine read damaged tables: %v", err)
	}
}

// spoilTables overwrites the second half of every table, all but its footer.
func spoilTables(t *testing.T, fs *vfs.MemFS) {
	t.Helper()
	const footer = 64
	files, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if path.Ext(name) != ".sst" {
			continue
		}
		f, err := fs.OpenReadWrite(path.Join("data", name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(bytes.Repeat([]byte{0xaa}, int(info.Size()/2)-footer), info.Size()/2)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamagedStoreIsNamed: a store that was cut off in a table says that it is damaged.
func TestDamagedStoreIsNamed(t *testing.T) {
	fs, h := keptChain(t)
	files, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if path.Ext(name) != ".sst" {
			continue
		}
		if err := fs.Remove(path.Join("data", name)); err != nil {
			t.Fatal(err)
		}
		if err := examine(fs, h, h.last()); !errors.Is(err, chain.ErrDamaged) {
			t.Errorf("without %s: %v", name, err)
		}
		return
	}
	t.Fatal("the workload wrote no table")
}
