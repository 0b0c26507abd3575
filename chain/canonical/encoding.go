package canonical

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON text from Windows often starts with a byte order mark or is UTF-16. DecodeText and NewTextReader turn such
// text into the plain UTF-8 that Read takes. They tell encodings apart as Python's json.detect_encoding does, and
// so as Flask does.

// encoding is how characters are written as bytes.
type encoding struct {
	unit  int              // bytes of a code unit: 1, 2 or 4
	order binary.ByteOrder // of the bytes in a unit; nil if unit is 1
	mark  int              // bytes of the byte order mark at the start
}

// detectPrefix is how many bytes detectEncoding looks at.
const detectPrefix = 4

// detectEncoding looks at the first detectPrefix bytes, or all bytes of a shorter text. Without a mark it relies
// on JSON text starting with an ASCII character, so that the zeros around it show the unit and the order of bytes.
func detectEncoding(start []byte) encoding {
	little, big := binary.ByteOrder(binary.LittleEndian), binary.ByteOrder(binary.BigEndian)
	for _, m := range []struct {
		mark string
		encoding
	}{ // the first mark of UTF-32 begins with that of UTF-16
		{"\xff\xfe\x00\x00", encoding{4, little, 4}}, {"\x00\x00\xfe\xff", encoding{4, big, 4}},
		{"\xff\xfe", encoding{2, little, 2}}, {"\xfe\xff", encoding{2, big, 2}},
		{"\xef\xbb\xbf", encoding{1, nil, 3}},
	} {
		if bytes.HasPrefix(start, []byte(m.mark)) {
			return m.encoding
		}
	}
	long := len(start) >= detectPrefix
	switch {
	case !long && len(start) != 2:
	case start[0] == 0 && (!long || start[1] != 0):
		return encoding{2, big, 0}
	case start[0] == 0:
		return encoding{4, big, 0}
	case start[1] == 0 && (!long || start[2] != 0 || start[3] != 0):
		return encoding{2, little, 0}
	case start[1] == 0:
		return encoding{4, little, 0}
	}
	return encoding{1, nil, 0}
}

// DecodeText returns text as UTF-8 without a byte order mark. Text that is UTF-8 already is not copied, and not
// checked. Text is taken as UTF-8, UTF-16 or UTF-32, with or without a mark. The error is a *SyntaxError with the
// offset in text.
func DecodeText(text []byte) ([]byte, error) {
	e := detectEncoding(text[:min(len(text), detectPrefix)])
	if e.unit == 1 {
		return text[e.mark:], nil
	}
	out, n, err := e.appendText(make([]byte, 0, len(text)), text[e.mark:])
	switch rest := text[e.mark+n:]; {
	case err != "":
	case len(rest) > 0:
		err = "the text ends inside a character"
	default:
		return out, nil
	}
	return nil, &SyntaxError{Offset: e.mark + n, Reason: err}
}

// appendText appends the whole characters at the start of src and returns how many bytes of src they took. reason says
// why the character after them is none.
func (e encoding) appendText(dst, src []byte) (out []byte, n int, reason string) {
	for n+e.unit <= len(src) {
		c, size := e.character(src[n:])
		if size == 0 {
			return dst, n, ""
		}
		if !utf8.ValidRune(c) {
			return dst, n, "invalid UTF-16 or UTF-32"
		}
		dst = utf8.AppendRune(dst, c)
		n += size
	}
	return dst, n, ""
}

// character decodes the first character of src, which has a whole unit, and its size in bytes: 0 if src ends inside a
// surrogate pair. A lone surrogate is returned as it is.
func (e encoding) character(src []byte) (c rune, size int) {
	if e.unit == 4 {
		return rune(min(e.order.Uint32(src), utf8.MaxRune+1)), 4
	}
	c = rune(e.order.Uint16(src))
	const lowest, lowSurrogate = 0xd800, 0xdc00
	if c < lowest || c >= lowSurrogate {
		return c, 2
	}
	if len(src) < 4 {
		return c, 0
	}
	if pair := utf16.DecodeRune(c, rune(e.order.Uint16(src[2:]))); pair != utf8.RuneError {
		return pair, 4
	}
	return c, 2
}

// textBytes is how much of a stream is decoded at once.
const textBytes = 32 << 10

// textReader decodes a stream.
type textReader struct {
	src   *bufio.Reader
	known bool // encoding is
	encoding
	at   int    // offset in the stream
	text []byte // decoded, and not yet read
	err  error  // after text
}

// NewTextReader returns a reader of what r reads, decoded as DecodeText decodes. It reads ahead.
func NewTextReader(r io.Reader) io.Reader {
	return &textReader{src: bufio.NewReaderSize(r, textBytes)}
}

// Read reads UTF-8.
func (t *textReader) Read(p []byte) (int, error) {
	if !t.known {
		if err := t.detect(); err != nil {
			return 0, err
		}
	}
	if t.unit == 1 {
		return t.src.Read(p)
	}
	for len(t.text) == 0 && t.err == nil {
		t.fill()
	}
	if len(t.text) == 0 {
		return 0, t.err
	}
	n := copy(p, t.text)
	t.text = t.text[n:]
	return n, nil
}

func (t *textReader) detect() error {
	start, err := t.src.Peek(detectPrefix)
	if err != nil && err != io.EOF {
		return err
	}
	t.encoding, t.known = detectEncoding(start), true
	t.at, err = t.src.Discard(t.mark)
	return err
}

// fill decodes what can be had at once.
func (t *textReader) fill() {
	_, err := t.src.Peek(t.unit)
	src, _ := t.src.Peek(t.src.Buffered())
	text, n, reason := t.appendText(t.text[:0], src)
	if n == 0 && reason == "" && err == nil { // half a surrogate pair
		_, err = t.src.Peek(2 * t.unit)
	}
	_, _ = t.src.Discard(n) // which are buffered
	t.text = text
	t.at += n
	switch {
	case reason == "" && err == io.EOF && n < len(src):
		reason = "the text ends inside a character"
		fallthrough
	case reason != "":
		t.err = &SyntaxError{Offset: t.at, Reason: reason}
	case err != nil && n == 0:
		t.err = err
	}
}
