package rpc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"kuai/chain"
	"kuai/chain/canonical"
)

// LineError is what is wrong with a line of a chain that is written as JSON lines, a block each.
type LineError struct {
	Line int64 // from 1
	err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.err) }

func (e *LineError) Unwrap() error { return e.err }

// ErrCut is wrapped by the error about a text that ends in the middle of a block.
var ErrCut = errors.New("the file is cut off here")

// lineStart matches the first line of a chain as JSON lines, which begins with a key of a block. An answer of /chain has other keys.
var lineStart = regexp.MustCompile(`^\s*\{\s*"(index|previous_hash|proof|timestamp|transactions)"\s*:`)

// EachBlock hands the text of each block of a chain to take, in order: from what /chain answers, or JSON lines, a block each. The text is
// valid until take returns and has at most largest bytes. Of lines, an error wraps a LineError.
func EachBlock(r io.Reader, largest int, take func(text []byte) error) error {
	in := bufio.NewReaderSize(canonical.NewTextReader(r), 64<<10)
	if head, _ := in.Peek(256); lineStart.Match(head) { // reading says what is wrong with a shorter one
		return eachLine(in, largest, take)
	}
	return splitObject(in, largest, take)
}

func eachLine(in *bufio.Reader, largest int, take func(text []byte) error) error {
	var long []byte // a line that does not fit in the buffer
	for line := int64(1); ; line++ {
		text, err := in.ReadSlice('\n')
		for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); text, err = in.ReadSlice('\n') {
			if long = append(long, text...); len(long) > largest {
				return &LineError{line, fmt.Errorf("it has more than %d bytes", largest)}
			}
		}
		if len(long) > 0 {
			text = append(long, text...)
		}
		whole := bytes.HasSuffix(text, []byte{'\n'})
		text = bytes.TrimSpace(text)
		switch {
		case len(text) == 0:
		case !whole && !bytes.HasSuffix(text, []byte{'}'}):
			return &LineError{line, ErrCut}
		default:
			if err := take(text); err != nil {
				return &LineError{line, err}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF): // of a compressed file
			return &LineError{line + 1, ErrCut}
		case err != nil:
			return &LineError{line + 1, err}
		}
	}
}

// WriteLines writes snap's blocks from an index on as JSON lines, in constant memory. A line is a block in its canonical form: its SHA-256,
// without the newline, is the block's hash. Every write ends with a line.
func WriteLines(ctx context.Context, w io.Writer, snap *chain.Snapshot, from int64, progress func(done, total int64)) error {
	total := snap.Tip().Index
	buf := make([]byte, 0, 2*chunkBytes)
	done := from - 1
	for raw, err := range snap.Blocks(from, total+1) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			_, writeErr := w.Write(buf)
			return errors.Join(err, writeErr)
		}
		done++
		if buf = append(append(buf, raw...), '\n'); len(buf) < chunkBytes {
			continue
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
		if progress != nil {
			progress(done, total)
		}
	}
	_, err := w.Write(buf)
	return err
}
