package rpc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"kuai/chain/canonical"
)

// errNoChain says that a text is not what /chain answers.
var errNoChain = errors.New(`not an answer of /chain: {"chain": [blocks], "length": N} is expected`)

// splitChain reads what /chain answers and hands each block's text to take, in order. It finds only where the blocks begin
// and end; the text is UTF-8, whatever the encoding of r, is valid until take returns and has at most largest bytes. It reads the whole body, so that half an answer is none.
func splitChain(r io.Reader, largest int, take func(text []byte) error) error {
	return splitObject(bufio.NewReaderSize(canonical.NewTextReader(r), 64<<10), largest, take)
}

func splitObject(in *bufio.Reader, largest int, take func(text []byte) error) error {
	s := &splitter{in: in, largest: largest}
	found, err := s.members(take)
	if err == nil && !found {
		err = errNoChain
	}
	if err == nil {
		err = s.trailing()
	}
	return err
}

type splitter struct {
	in      *bufio.Reader
	largest int
	buf     []byte // the value being read, if it is wanted
}

// members walks the outer object.
func (s *splitter) members(take func([]byte) error) (found bool, err error) {
	if err := s.expect('{'); err != nil {
		return false, err
	}
	for {
		key, err := s.key()
		if err != nil {
			return false, err
		}
		if string(bytes.TrimRight(key, " \t\r\n")) == `"chain"` {
			if found {
				return false, errNoChain
			}
			found = true
			err = s.elements(take)
		} else {
			err = s.value(false)
		}
		if err != nil {
			return false, err
		}
		if c, err := s.next(); err != nil || c == '}' {
			return found, err
		} else if c != ',' {
			return false, errNoChain
		}
	}
}

// key reads a member's key, quotes included, and the colon.
func (s *splitter) key() ([]byte, error) {
	c, err := s.next()
	if err != nil {
		return nil, err
	}
	if c != '"' {
		return nil, errNoChain
	}
	if err := s.in.UnreadByte(); err != nil {
		return nil, err
	}
	if err := s.value(true); err != nil {
		return nil, err
	}
	return s.buf, s.expect(':')
}

// elements walks the list of blocks.
func (s *splitter) elements(take func([]byte) error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c == ']' && first {
			return nil
		}
		if err := s.in.UnreadByte(); err != nil {
			return err
		}
		if err := s.value(true); err != nil {
			return err
		}
		if err := take(s.buf); err != nil {
			return err
		}
		if c, err = s.next(); err != nil || c == ']' {
			return err
		} else if c != ',' {
			return errNoChain
		}
	}
}

// value reads one value and stands behind it; its text is in buf if it is wanted.
func (s *splitter) value(wanted bool) error {
	s.buf = s.buf[:0]
	if _, err := s.next(); err != nil {
		return err
	}
	if err := s.in.UnreadByte(); err != nil {
		return err
	}
	var e extent
	for size := 0; ; size++ {
		c, err := s.in.ReadByte()
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if e.ends(c) {
			return s.in.UnreadByte()
		}
		if size >= s.largest {
			return fmt.Errorf("a value has more than %d bytes", s.largest)
		}
		if wanted {
			s.buf = append(s.buf, c)
		}
	}
}

// extent follows quotes and brackets to the end of a value.
type extent struct {
	depth           int
	quoted, escaped bool
}

// ends reports whether c is behind the value.
func (e *extent) ends(c byte) bool {
	switch {
	case e.escaped:
		e.escaped = false
	case e.quoted:
		e.escaped, e.quoted = c == '\\', c != '"'
	case c == '"':
		e.quoted = true
	case c == '{' || c == '[':
		e.depth++
	case c == '}' || c == ']':
		e.depth--
	case c == ',' || c == ':':
		return e.depth == 0
	}
	return e.depth < 0
}

// next returns the next byte that is not white space.
func (s *splitter) next() (byte, error) {
	for {
		c, err := s.in.ReadByte()
		if err == io.EOF {
			return 0, io.ErrUnexpectedEOF
		}
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

func (s *splitter) expect(want byte) error {
	c, err := s.next()
	if err == nil && c != want {
		err = errNoChain
	}
	return err
}

// trailing reads the white space to the end.
func (s *splitter) trailing() error {
	if c, err := s.next(); err == nil {
		return fmt.Errorf("%w, and %q follows it", errNoChain, c)
	} else if err != io.ErrUnexpectedEOF {
		return err
	}
	return nil
}
