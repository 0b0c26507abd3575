package store

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Errors of the store.
var (
	ErrLocked  = errors.New("data directory in use by another process")
	ErrDamaged = errors.New("data damaged")
	ErrClosed  = errors.New("store closed")
	ErrFailed  = errors.New("the disk failed, nothing more is written until a restart")
)

// Sizes of the engine. They bound its memory whatever the length of the chain.
const (
	cacheBytes    = 4 << 20 // twice that with Go's garbage; more made no insert, reorg or stream faster
	memTableBytes = 16 << 20
	maxOpenFiles  = 500

	tableBlockBytes = 16 << 10 // a read of the disk when the chain is streamed
)

// Store is an open database. All methods may be called from any goroutine until Close is called.
type Store struct {
	Reader
	db     *pebble.DB
	disk   *guard
	memory bool // no WAL: nothing outlives the process
	closed atomic.Bool
}

// Open opens or creates the database in dir. Errors wrap ErrLocked or ErrDamaged if that is the cause.
func Open(dir string) (*Store, error) { return open(vfs.Default, dir, options()) }

// OpenMemory opens the same engine in memory.
func OpenMemory() (*Store, error) {
	o := options()
	o.DisableWAL = true
	return open(vfs.NewMem(), "", o)
}

// OpenOn is Open on a given file system: tests bring ones that fail and crash. Small memtables, of that many bytes, make
// the engine write tables and change its log often.
func OpenOn(disk vfs.FS, dir string, memTable int) (*Store, error) {
	o := options()
	o.MemTableSize = uint64(memTable)
	return open(disk, dir, o)
}

func open(on vfs.FS, dir string, o *pebble.Options) (*Store, error) {
	fixAllocator()
	disk, err := newGuard(on, dir)
	if err != nil {
		return nil, openError(dir, err)
	}
	o.FS, o.Logger = disk, quiet{disk}
	o.EventListener = &pebble.EventListener{DataCorruption: func(i pebble.DataCorruptionInfo) { disk.fail(damaged(i)) }}
	db, err := pebble.Open(dir, o)
	if err != nil {
		disk.release()
		return nil, openError(dir, errors.Join(disk.failure(), err, disk.synced.close()))
	}
	s := &Store{Reader: Reader{db}, db: db, disk: disk, memory: o.DisableWAL}
	if err := disk.failure(); err != nil {
		_ = s.Close() // the failure says more
		return nil, openError(dir, err)
	}
	return s, nil
}

func options() *pebble.Options {
	o := &pebble.Options{
		CacheSize:                   cacheBytes,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       16,
		L0StopWritesThreshold:       64,
		MaxOpenFiles:                maxOpenFiles,
		WALBytesPerSync:             1 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		Merger:                      accounts,
		Comparer:                    comparer,
	}
	// Hashes and ids do not compress, and what else is in a block is not worth the time: a third of that of an insert.
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].BlockSize = tableBlockBytes
	}
	return o
}

// Apply applies b: readers see it. It does not wait for the disk, and only Sync tells of a disk that fails meanwhile.
func (s *Store) Apply(b *Batch) error {
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.db.Apply(b.b, pebble.NoSync); err != nil {
		s.disk.fail(err)
		return s.Err()
	}
	return nil
}

// Sync returns when all that was applied before the call is on disk.
func (s *Store) Sync() error {
	if err := s.Err(); err != nil || s.memory {
		return err
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		s.disk.fail(err)
	}
	return s.Err()
}

// Err returns why the store takes no more batches, nil while it does.
func (s *Store) Err() error {
	if s.closed.Load() {
		return ErrClosed
	}
	return s.disk.failure()
}

// Close releases the database. All snapshots must be closed before. It leaves nothing in the log, so that the next start is
// quick, and a damaged log cannot pass for one that a crash cut short.
func (s *Store) Close() error {
	var err error
	if s.Err() == nil && !s.memory {
		err = s.db.Flush()
	}
	s.closed.Store(true)
	s.disk.release()
	return errors.Join(err, s.db.Close(), s.disk.synced.close())
}

// Snapshot is the state as it was when it was made. It holds resources until Close.
type Snapshot struct {
	Reader
	s *pebble.Snapshot
}

// NewSnapshot returns the state as it is now.
func (s *Store) NewSnapshot() *Snapshot {
	snap := s.db.NewSnapshot()
	return &Snapshot{Reader{snap}, snap}
}

// Close releases the snapshot.
func (s *Snapshot) Close() error { return s.s.Close() }

// damaged returns what the engine found in a file, at any time: it reads some tables in the background.
func damaged(i pebble.DataCorruptionInfo) error {
	return fmt.Errorf("%w: %s: %w", ErrDamaged, i.Path, i.Details)
}

// plain returns a corruption as it was found. The engine joins it with a carrier of details that has no text for people.
func plain(err error) error {
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil && info.Details != nil {
		return fmt.Errorf("%s: %w", info.Path, info.Details)
	}
	return err
}

func openError(dir string, err error) error {
	err = plain(err)
	var system syscall.Errno
	switch {
	case pebble.IsCorruptionError(err), errors.Is(err, fs.ErrNotExist): // the engine makes the directory: a file of its own is gone
		return fmt.Errorf("%w: opening %s: %w", ErrDamaged, dir, err)
	case errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
	case errors.As(err, &system), errors.Is(err, ErrFailed):
		return fmt.Errorf("opening the store in %s: %w", dir, err)
	}
	return fmt.Errorf("%w: opening %s: %w", ErrDamaged, dir, err) // what the engine says of a file's content has no error of its own
}

func readError(err error) error {
	if err == nil {
		return nil
	}
	err = plain(err)
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("reading the store: %w", err)
}
