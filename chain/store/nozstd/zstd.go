// Package zstd takes the place of a C library of 40 files that the storage engine links on machines with a C compiler: a sixth of the
// work of a first build (go.mod replaces it). kuai's store is not compressed, so nothing here is ever called. The chain's exports use
// github.com/klauspost/compress.
package zstd

import "errors"

// ErrNotLinked is the answer to every call.
var ErrNotLinked = errors.New("zstd is not linked: kuai's store is not compressed")

// Ctx is what the engine uses of the library.
type Ctx struct{}

// NewCtx is called only for blocks that are compressed.
func NewCtx() Ctx { return Ctx{} }

// CompressBound returns the room that n bytes need.
func CompressBound(n int) int { return n }

// CompressLevel fails.
func (Ctx) CompressLevel(_, _ []byte, _ int) ([]byte, error) { return nil, ErrNotLinked }

// DecompressInto fails.
func (Ctx) DecompressInto(_, _ []byte) (int, error) { return 0, ErrNotLinked }
