package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// synced remembers how much of each log and manifest is on disk, and its checksum. The engine takes the first record that it
// cannot read for the place where a crash cut the file, so it would drop what follows damage without an error, and all of a file
// that is missing.
//
// It is kept in a file that is written after each sync of a log or manifest, but not synced: after a crash it may be an old one,
// which is still true. Only before a file in it is removed or replaced it is synced itself.
type synced struct {
	fs  vfs.FS
	dir string

	mu    sync.Mutex // held while the file is written, too: the last state is to be the last written
	files []prefix
	out   vfs.File // nil until it is first written
	block [syncedBytes]byte
}

// prefix is the part of a file that is on disk.
type prefix struct {
	name string
	n    int64
	sum  uint32
}

const (
	syncedFile = "SYNCED"

	// syncedBytes is the size of the file: it is overwritten in place. The engine has about ten logs and manifests at most, of 40
	// bytes here. Those that have no room are not checked.
	syncedBytes = 2048
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ends reports whether the engine finds the end of a file by reading it.
func ends(name string) bool {
	return isLog(name) || strings.HasPrefix(name, "MANIFEST-")
}

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// set says that the first n bytes of a file are on disk.
func (s *synced) set(p prefix) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(p.name); i >= 0 {
		s.files[i] = p
	} else {
		s.files = append(s.files, p)
	}
	return s.write()
}

// drop forgets a file that will be removed or replaced. When it returns, no crash brings it back.
func (s *synced) drop(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(name)
	if i < 0 {
		return nil
	}
	s.files = slices.Delete(s.files, i, i+1)
	if err := s.write(); err != nil {
		return err
	}
	return s.out.Sync()
}

func (s *synced) find(name string) int {
	return slices.IndexFunc(s.files, func(p prefix) bool { return p.name == name })
}

// write writes the file: a checksum, and a line for each file, the newest first.
func (s *synced) write() (err error) {
	if s.out == nil {
		if s.out, err = s.fs.OpenReadWrite(s.fs.PathJoin(s.dir, syncedFile), vfs.WriteCategoryUnspecified); err != nil {
			return err
		}
	}
	const sum = 8 + 1
	text := s.block[:sum]
	for _, p := range slices.Backward(s.files) {
		if len(text) > syncedBytes-100 {
			break
		}
		text = fmt.Appendf(text, "%s %d %08x\n", p.name, p.n, p.sum)
	}
	clear(s.block[len(text):])
	copy(s.block[:], fmt.Sprintf("%08x\n", crc32.Checksum(s.block[sum:], castagnoli)))
	_, err = s.out.WriteAt(s.block[:], 0)
	return err
}

// load reads what the last process wrote, and compares it with the files. Call it with the directory locked.
func (s *synced) load() error {
	files, err := s.read()
	if err != nil || files == nil {
		return err
	}
	described, err := pebble.Peek(s.dir, s.fs)
	if err != nil {
		return err
	}
	known := func(name string) bool {
		return slices.ContainsFunc(files, func(p prefix) bool { return p.name == name })
	}
	switch {
	case !described.Exists && !slices.ContainsFunc(files, func(p prefix) bool { return isLog(p.name) }):
		return nil // a crash came before the store was made
	case described.Exists && !known(s.fs.PathBase(described.ManifestFilename)):
		return nil // a crash left an old one, or a program that does not know it wrote since
	case !described.Exists:
		return errors.New("the file that names the manifest is missing")
	}
	for _, p := range files {
		if err := s.compare(p); err != nil {
			return err
		}
	}
	s.files = files
	return nil
}

// read returns what the file says; nothing if a crash cut it, or there is none.
func (s *synced) read() (files []prefix, err error) {
	data, err := s.head(syncedFile, syncedBytes)
	if errors.Is(err, fs.ErrNotExist) || len(data) < syncedBytes {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sum, rest, _ := bytes.Cut(data, []byte("\n"))
	if string(sum) != fmt.Sprintf("%08x", crc32.Checksum(rest, castagnoli)) {
		return nil, nil
	}
	for line := range bytes.Lines(bytes.TrimRight(rest, "\x00")) {
		var p prefix
		if _, err := fmt.Sscanf(string(line), "%s %d %x\n", &p.name, &p.n, &p.sum); err != nil {
			return nil, fmt.Errorf("%s: %w", syncedFile, err)
		}
		files = append(files, p)
	}
	slices.Reverse(files)
	return files, nil
}

// compare returns an error if a file does not begin as it did when it was synced.
func (s *synced) compare(p prefix) error {
	data, err := s.head(p.name, p.n)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing", p.name)
	case err != nil:
		return err
	case int64(len(data)) < p.n:
		return fmt.Errorf("%s has only %d of at least %d bytes", p.name, len(data), p.n)
	case crc32.Checksum(data, castagnoli) != p.sum:
		return fmt.Errorf("%s: the first %d bytes have changed since they were written", p.name, p.n)
	}
	return nil
}

// head returns the first n bytes of a file, or all that it has.
func (s *synced) head(name string, n int64) (data []byte, err error) {
	f, err := s.fs.Open(s.fs.PathJoin(s.dir, name))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, n))
}

func (s *synced) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return nil
	}
	return errors.Join(s.out.Sync(), s.out.Close())
}
