package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrViolation is wrapped by every error that proves that the other side breaks the protocol: malformed,
// oversize or unrequested data. A stream that only ends or stalls is not a proof.
var ErrViolation = errors.New("breaks the protocol")

// Violation returns an error that wraps ErrViolation.
func Violation(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrViolation, fmt.Sprintf(format, args...))
}

// A frame is a length followed by that many bytes. The length is an unsigned varint (seven bits a byte, lowest
// first, the high bit says that another byte follows), in its shortest form, of at most maxLengthBytes bytes.
// All integers inside frames are big endian.
const (
	maxLengthBytes = 4        // lengths below 2^28
	FrameBuffer    = 64 << 10 // size of the buffers through which frames are written and read
)

// AppendFrame appends payload as a frame.
func AppendFrame(dst, payload []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(payload))), payload...)
}

// WriteFrame writes payload as a frame.
func WriteFrame(w *bufio.Writer, payload []byte) error {
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(payload)))
	if _, err := w.Write(length[:n]); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// ReadLength reads a frame's length and refuses one above most before anything is allocated for it. It returns
// io.EOF if the stream ends between frames, and io.ErrUnexpectedEOF if it ends inside the length.
func ReadLength(r *bufio.Reader, most int) (int, error) {
	n := 0
	for i := range maxLengthBytes {
		b, err := r.ReadByte()
		if err != nil {
			return 0, endInside(i > 0, err)
		}
		n |= int(b&0x7f) << (7 * i)
		switch {
		case b >= 0x80:
			continue
		case b == 0 && i > 0:
			return 0, Violation("frame length not in its shortest form")
		case n > most:
			return 0, Violation("frame of %d bytes, at most %d allowed here", n, most)
		}
		return n, nil
	}
	return 0, Violation("frame length of more than %d bytes", maxLengthBytes)
}

// ReadFrame reads a frame of at most most bytes.
func ReadFrame(r *bufio.Reader, most int) ([]byte, error) {
	payload, _, err := readPart(r, most)
	return payload, err
}

// readPart is ReadFrame, and also returns how many bytes of the payload arrived.
func readPart(r *bufio.Reader, most int) (payload []byte, came int, err error) {
	n, err := ReadLength(r, most)
	if err != nil {
		return nil, 0, err
	}
	payload = make([]byte, n)
	came, err = ReadFull(r, payload)
	return payload, came, err
}

// ReadFull reads the rest of a frame into b. The end of the stream before that is io.ErrUnexpectedEOF.
func ReadFull(r io.Reader, b []byte) (int, error) {
	n, err := io.ReadFull(r, b)
	return n, endInside(true, err)
}

// ReadOne reads a frame that must be there. Its errors say how many bytes were expected and how many came.
func ReadOne(r *bufio.Reader, most int) ([]byte, error) {
	payload, came, err := readPart(r, most)
	switch {
	case err == nil:
		return payload, nil
	case err == io.EOF:
		return nil, fmt.Errorf("a frame was expected, nothing came: %w", io.ErrUnexpectedEOF)
	case len(payload) > 0:
		return nil, fmt.Errorf("a frame of %d bytes was expected, %d came: %w", len(payload), came, err)
	}
	return nil, err
}

// endInside turns the end of a stream inside a frame into io.ErrUnexpectedEOF.
func endInside(inside bool, err error) error {
	if inside && err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// SkipToEnd reads to the end of the stream, before which a later version may send more frames. More than most
// bytes are a violation.
func SkipToEnd(r *bufio.Reader, most int) error {
	switch _, err := io.CopyN(io.Discard, r, int64(most)+1); err {
	case io.EOF:
		return nil
	case nil:
		return Violation("more than %d bytes behind an answer", most)
	default:
		return err
	}
}

// ReadEnd checks that nothing follows but the end of the stream.
func ReadEnd(r *bufio.Reader) error {
	switch _, err := r.ReadByte(); err {
	case io.EOF:
		return nil
	case nil:
		return Violation("more than was asked for")
	default:
		return err
	}
}
