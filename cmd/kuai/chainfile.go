package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kuai/chain/consensus"
	"kuai/rpc"
)

// Suffixes of compressed files.
const (
	suffixGzip = ".gz"
	suffixZstd = ".zst"
)

const (
	maxWindow = 64 << 20                    // bytes that reading a zstd file may hold
	maxText   = 4 * consensus.MaxBlockBytes // of a block, in any spelling
)

// isLines reports whether a chain's file of this name has a block a line. A name that ends in .json, and standard output, get what
// GET /chain answers.
func isLines(file string) bool {
	plain := strings.TrimSuffix(strings.TrimSuffix(file, suffixGzip), suffixZstd)
	return file != "-" && filepath.Ext(plain) != ".json"
}

// fileSource is the chain in a file, compressed or not.
func fileSource(file string) rpc.Source {
	return func(context.Context) (io.ReadCloser, error) { return openChainFile(file) }
}

// chainReader reads a file, and closes what was opened for it.
type chainReader struct {
	io.Reader
	close func() error
}

func (r chainReader) Close() error { return r.close() }

// openChainFile opens a file and takes its compression off, which its first bytes tell.
func openChainFile(file string) (io.ReadCloser, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("%s is a directory: name a file", file)
	}
	in := bufio.NewReaderSize(f, 256<<10)
	head, _ := in.Peek(4) // a shorter file is not compressed
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", file, err), f.Close())
		}
		return chainReader{z, func() error { return errors.Join(z.Close(), f.Close()) }}, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", file, err), f.Close())
		}
		return chainReader{z, func() error { z.Close(); return f.Close() }}, nil
	}
	return chainReader{in, f.Close}, nil
}

// plainWriter is a writer without compression.
type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

// compressor returns what compresses into w as the suffix of the file's name says. Closing it leaves w open. What is written in several
// turns is read as one.
func compressor(w io.Writer, file string) (io.WriteCloser, error) {
	switch filepath.Ext(file) {
	case suffixGzip:
		return gzip.NewWriter(w), nil
	case suffixZstd:
		return zstd.NewWriter(w)
	}
	return plainWriter{w}, nil
}

// compressed calls write with a writer into w that compresses as the file's name says.
func compressed(w io.Writer, file string, write func(io.Writer) error) error {
	z, err := compressor(w, file)
	if err != nil {
		return err
	}
	return errors.Join(write(z), z.Close())
}

// exported is what a file of lines holds already.
type exported struct {
	blocks int64 // whole lines
	end    int64 // bytes of them, uncompressed
	last   []byte
	cut    bool // something follows the last whole line
}

// readExported reads a file of lines to its end.
func readExported(ctx context.Context, file string) (e exported, err error) {
	f, err := openChainFile(file)
	if err != nil {
		return e, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, maxText)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case err == nil:
			e.blocks++
			e.end += int64(len(line))
			e.last = append(e.last[:0], bytes.TrimSuffix(line, []byte{'\n'})...)
		case errors.Is(err, io.EOF):
			e.cut = len(line) > 0
			return e, nil
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, bufio.ErrBufferFull):
			e.cut = true
			return e, nil
		default:
			return e, fmt.Errorf("%s: %w", file, err)
		}
		if err := ctx.Err(); err != nil {
			return e, err
		}
	}
}
