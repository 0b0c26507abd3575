package store

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Errors of the store.
var (
	ErrLocked  = errors.New("data directory in use by another process")
	ErrDamaged = errors.New("data damaged")
	ErrClosed  = errors.New("store closed")
)

// Sizes of the engine. They bound its memory whatever the length of the chain.
const (
	cacheBytes    = 16 << 20
	memTableBytes = 16 << 20
	maxOpenFiles  = 500
)

// Store is an open database. All methods may be called from any goroutine until Close is called.
type Store struct {
	Reader
	db     *pebble.DB
	memory bool // no WAL: nothing outlives the process
	log    *quiet
	failed atomic.Pointer[error]
}

// Open opens or creates the database in dir. Errors wrap ErrLocked or ErrDamaged where that is the cause.
func Open(dir string) (*Store, error) { return OpenOn(vfs.Default, dir) }

// OpenMemory opens the same engine in memory.
func OpenMemory() (*Store, error) { return open(vfs.NewMem(), "", true) }

// OpenOn is Open on a given file system: tests bring ones that fail and crash.
func OpenOn(fs vfs.FS, dir string) (*Store, error) { return open(fs, dir, false) }

func open(fs vfs.FS, dir string, memory bool) (*Store, error) {
	s := &Store{memory: memory, log: &quiet{}}
	db, err := pebble.Open(dir, options(fs, memory, s.log))
	if err != nil {
		return nil, openError(dir, err)
	}
	s.db, s.Reader = db, Reader{db}
	return s, nil
}

func options(fs vfs.FS, memory bool, log *quiet) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs,
		DisableWAL:                  memory,
		CacheSize:                   cacheBytes,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       64,
		MaxOpenFiles:                maxOpenFiles,
		WALBytesPerSync:             1 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      log,
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// Apply applies b. It does not wait for the disk. After an error the store takes no more.
func (s *Store) Apply(b *Batch) error {
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.db.Apply(b.b, pebble.NoSync); err != nil {
		return s.fail("write", err)
	}
	return s.Err()
}

// Sync returns when all that was applied before the call is on disk.
func (s *Store) Sync() error {
	if err := s.Err(); err != nil {
		return err
	}
	if s.memory {
		return nil
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		return s.fail("sync", err)
	}
	return s.Err()
}

// Err returns why the store takes no more batches, nil while it does.
func (s *Store) Err() error {
	if p := s.failed.Load(); p != nil {
		return *p
	}
	return nil
}

func (s *Store) fail(what string, err error) error {
	err = fmt.Errorf("store: %s failed, nothing more is written until a restart: %w", what, err)
	s.failed.CompareAndSwap(nil, &err)
	return s.Err()
}

// Close releases the database. All snapshots must be closed before.
func (s *Store) Close() error {
	s.failed.CompareAndSwap(nil, &ErrClosed)
	return s.db.Close()
}

// Snapshot is the state of one moment. It holds resources until Close.
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

func openError(dir string, err error) error {
	switch {
	case pebble.IsCorruptionError(err):
		return fmt.Errorf("%w: opening %s: %w", ErrDamaged, dir, err)
	case errors.Is(err, errLockHeld):
		return fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
	}
	return fmt.Errorf("opening the store in %s: %w", dir, err)
}

func readError(err error) error {
	if err == nil {
		return nil
	}
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("reading the store: %w", err)
}
