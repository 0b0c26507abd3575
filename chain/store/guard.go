package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between the engine and the disk. The engine ends the process, panics or tries again indefinitely when a write
// fails. So the first failed write, sync or rename freezes the disk: nothing more reaches it, as if the power had gone
// at that moment, which is what recovery knows how to deal with. The engine is told that all is well, so that its reads
// go on: what it flushes goes to memory, at most its memtables, and compactions wait for Close. The store, which asks
// failure before and after each of its writes, acknowledges nothing any more.
type guard struct {
	vfs.FS
	overlay *vfs.MemFS // files created since the disk froze
	failed  atomic.Pointer[error]
	synced  *synced
	closing chan struct{}
	once    sync.Once
}

func newGuard(fs vfs.FS, dir string) (*guard, error) {
	g := &guard{FS: fs, overlay: vfs.NewMem(), synced: &synced{fs: fs, dir: dir}, closing: make(chan struct{})}
	return g, g.overlay.MkdirAll(dir, 0o755)
}

// release lets waiting compactions end, so that the engine can close.
func (g *guard) release() { g.once.Do(func() { close(g.closing) }) }

// failure returns why the disk is frozen, nil if it is not.
func (g *guard) failure() error {
	if p := g.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// fail freezes the disk, unless it is frozen.
func (g *guard) fail(err error) {
	err = fmt.Errorf("store: %w: %w", ErrFailed, err)
	g.failed.CompareAndSwap(nil, &err)
}

func (g *guard) frozen() bool { return g.failed.Load() != nil }

// try does what changes the disk. It returns false if the disk is frozen, also by this very operation.
func (g *guard) try(change func() error) bool {
	if g.frozen() {
		return false
	}
	err := change()
	if err != nil {
		g.fail(err)
	}
	return err == nil
}

func (g *guard) create(name string, kind vfs.DiskWriteCategory, open func() (vfs.File, error)) (f vfs.File, err error) {
	if g.try(func() error { f, err = open(); return err }) {
		file := &guarded{File: f, g: g, table: isTable(kind)}
		if base := g.PathBase(name); ends(base) {
			file.head, file.log = &prefix{name: base}, isLog(base)
		}
		return file, nil
	}
	if isTable(kind) && kind != flushCategory {
		<-g.closing
		return nil, g.failure()
	}
	return g.overlay.Create(name, kind)
}

// flushCategory is the engine's word for writing a memtable to a table.
const flushCategory = "pebble-memtable-flush"

// isTable reports whether a file is read after it was written: a table or a blob file, not a log.
func isTable(kind vfs.DiskWriteCategory) bool {
	return kind == flushCategory || kind == "pebble-compaction" || kind == "pebble-blob-file-rewrite"
}

// Create implements vfs.FS.
func (g *guard) Create(name string, kind vfs.DiskWriteCategory) (vfs.File, error) {
	return g.create(name, kind, func() (vfs.File, error) {
		if err := g.synced.drop(g.PathBase(name)); err != nil {
			return nil, err
		}
		return g.FS.Create(name, kind)
	})
}

// ReuseForWrite implements vfs.FS.
func (g *guard) ReuseForWrite(oldname, newname string, kind vfs.DiskWriteCategory) (vfs.File, error) {
	return g.create(newname, kind, func() (vfs.File, error) {
		if err := g.synced.drop(g.PathBase(oldname)); err != nil {
			return nil, err
		}
		return g.FS.ReuseForWrite(oldname, newname, kind)
	})
}

// OpenReadWrite implements vfs.FS.
func (g *guard) OpenReadWrite(name string, kind vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.create(name, kind, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, kind, opts...) })
}

// OpenDir implements vfs.FS: a directory is opened to be synced.
func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guarded{File: f, g: g}, nil
}

// Open implements vfs.FS.
func (g *guard) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if g.frozen() {
		if f, err := g.overlay.Open(name, opts...); err == nil {
			return f, nil
		}
	}
	return g.FS.Open(name, opts...)
}

// Stat implements vfs.FS.
func (g *guard) Stat(name string) (vfs.FileInfo, error) {
	if g.frozen() {
		if info, err := g.overlay.Stat(name); err == nil {
			return info, nil
		}
	}
	return g.FS.Stat(name)
}

// Link implements vfs.FS.
func (g *guard) Link(oldname, newname string) error {
	g.try(func() error { return g.FS.Link(oldname, newname) })
	return nil
}

// Rename implements vfs.FS.
func (g *guard) Rename(oldname, newname string) error {
	g.try(func() error { return g.FS.Rename(oldname, newname) })
	return nil
}

// MkdirAll implements vfs.FS.
func (g *guard) MkdirAll(dir string, perm os.FileMode) error {
	g.try(func() error { return g.FS.MkdirAll(dir, perm) })
	return nil
}

// Remove implements vfs.FS. A file that could not be removed does no harm: the next start removes it.
func (g *guard) Remove(name string) error {
	if !g.try(func() error { return g.synced.drop(g.PathBase(name)) }) {
		_ = g.overlay.Remove(name) // most are not there
		return nil
	}
	return g.FS.Remove(name)
}

// RemoveAll implements vfs.FS.
func (g *guard) RemoveAll(name string) error {
	if g.frozen() {
		return nil
	}
	return g.FS.RemoveAll(name)
}

// Lock implements vfs.FS. The engine locks the directory before it reads or changes anything else, so here is the place to look for
// damage that the engine would not find.
func (g *guard) Lock(name string) (io.Closer, error) {
	lock, err := g.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	if err := g.synced.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// Unwrap implements vfs.FS.
func (g *guard) Unwrap() vfs.FS { return g.FS }

// guarded is a file, or a directory, that is open for writing.
type guarded struct {
	vfs.File
	g     *guard
	table bool
	head  *prefix // what is written of a file whose end the engine finds by reading it
	log   bool
	room  int64 // how far a log is preallocated
}

// change is guard.try for this file. A table that is not on disk whole must not be read: there the failure is told,
// and the engine writes another one.
func (f *guarded) change(change func() error) error {
	if !f.g.try(change) && f.table {
		return f.g.failure()
	}
	return nil
}

// Write implements vfs.File.
func (f *guarded) Write(p []byte) (n int, err error) {
	n = len(p)
	f.preallocate(len(p))
	var sum uint32
	if f.head != nil {
		sum = crc32.Update(f.head.sum, castagnoli, p) // before the write, which may change p
	}
	err = f.change(func() error { n, err = f.File.Write(p); return err })
	if err == nil {
		n = len(p)
	}
	if f.head != nil {
		f.head.n, f.head.sum = f.head.n+int64(n), sum
	}
	return n, err
}

// WriteAt implements vfs.File.
func (f *guarded) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.change(func() error { n, err = f.File.WriteAt(p, at); return err })
	if err == nil {
		n = len(p)
	}
	return n, err
}

// Preallocate implements vfs.File. The engine asks for 17 MiB for each log, and a store of a thousand blocks can have three: Write
// preallocates less at a time.
func (f *guarded) Preallocate(_, _ int64) error { return nil }

// preallocateBytes is enough that most syncs of a log need not write its size: they take 30 % less time then (ext4).
const preallocateBytes = 1 << 20

// preallocate makes room for n more bytes of a log. It is a hint: a disk that cannot do it has not failed.
func (f *guarded) preallocate(n int) {
	for f.log && f.room < f.head.n+int64(n) && !f.g.frozen() {
		_ = f.File.Preallocate(f.room, preallocateBytes)
		f.room += preallocateBytes
	}
}

// Sync implements vfs.File.
func (f *guarded) Sync() error { return f.sync(f.File.Sync) }

func (f *guarded) sync(sync func() error) error {
	return f.change(func() error {
		if err := sync(); err != nil || f.head == nil {
			return err
		}
		return f.g.synced.set(*f.head)
	})
}

// SyncData implements vfs.File.
func (f *guarded) SyncData() error { return f.sync(f.File.SyncData) }

// SyncTo implements vfs.File.
func (f *guarded) SyncTo(length int64) (full bool, err error) {
	err = f.change(func() error { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Close implements vfs.File.
func (f *guarded) Close() error {
	err := f.File.Close()
	if err != nil && !f.g.frozen() {
		f.g.fail(err)
	}
	return err
}
