package canonical

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds how deep arrays and objects nest: a block needs three, and recursion must end somewhere.
const MaxDepth = 8

// Read parses any JSON text within the limits of the tolerant reader; its error is a *SyntaxError.
// It refuses what RULES calls ambiguous: duplicate keys, lone surrogates, invalid UTF-8, NaN and infinities, numbers over
// MaxNumberBytes, integers beyond ±(2^63-1), depth over MaxDepth, trailing data and a byte order mark.
func Read(data []byte) (Value, error) {
	r := &reader{text: data}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		r.fail(0, "byte order mark")
	}
	v := r.value(0)
	r.space()
	if r.err == nil && r.pos < len(data) {
		r.fail(r.pos, "data after the end of the value")
	}
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

// SyntaxError says why the tolerant reader refused a text, and where.
type SyntaxError struct {
	Offset int // byte offset into the text
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// reader is a position in a text. After the first error every method returns at once.
type reader struct {
	text []byte
	pos  int
	err  *SyntaxError
}

func (r *reader) fail(offset int, reason string) {
	if r.err == nil {
		r.err = &SyntaxError{Offset: offset, Reason: reason}
	}
	r.text, r.pos = nil, 0
}

func (r *reader) space() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (r *reader) peek() byte {
	if r.pos == len(r.text) {
		return 0
	}
	return r.text[r.pos]
}

// take consumes c if it comes next, after spaces.
func (r *reader) take(c byte) bool {
	r.space()
	if r.pos == len(r.text) || r.text[r.pos] != c {
		return false
	}
	r.pos++
	return true
}

func (r *reader) expect(c byte) {
	if !r.take(c) {
		r.fail(r.pos, "expected '"+string(rune(c))+"'")
	}
}

func (r *reader) value(depth int) Value {
	r.space()
	switch c := r.peek(); {
	case c == '{':
		return r.object(depth + 1)
	case c == '[':
		return r.array(depth + 1)
	case c == '"':
		return r.string()
	case c == '-' || c-'0' <= 9:
		return r.number()
	}
	return r.literal()
}

func (r *reader) literal() Value {
	rest := r.text[r.pos:]
	for _, l := range []struct {
		text  string
		value Value
	}{{"null", nil}, {"true", true}, {"false", false}} {
		if bytes.HasPrefix(rest, []byte(l.text)) {
			r.pos += len(l.text)
			return l.value
		}
	}
	for _, l := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(rest, []byte(l)) {
			r.fail(r.pos, l+" is not a JSON number")
			return nil
		}
	}
	r.fail(r.pos, "expected a value")
	return nil
}

func (r *reader) number() Value {
	n := numberText(r.text[r.pos:])
	if n == 0 {
		if bytes.HasPrefix(r.text[r.pos:], []byte("-Infinity")) {
			return r.literal()
		}
		r.fail(r.pos, "malformed number")
		return nil
	}
	number, reason := canonicalNumber(string(r.text[r.pos : r.pos+n]))
	if reason != "" {
		r.fail(r.pos, reason)
		return nil
	}
	r.pos += n
	return number
}

func (r *reader) enter(depth int) {
	if depth > MaxDepth {
		r.fail(r.pos, "nested deeper than 8 levels")
		return
	}
	r.pos++
}

func (r *reader) array(depth int) Value {
	r.enter(depth)
	a := []Value{}
	if r.take(']') {
		return a
	}
	for r.err == nil {
		a = append(a, r.value(depth))
		if !r.take(',') {
			r.expect(']')
			return a
		}
	}
	return a
}

func (r *reader) object(depth int) Value {
	r.enter(depth)
	o := make(Object, 0, 4)
	if r.take('}') {
		return o
	}
	seen := keySet{}
	for r.err == nil {
		r.space()
		at := r.pos
		if r.peek() != '"' {
			r.fail(r.pos, "expected a key in quotes")
			return o
		}
		key := r.string()
		if !seen.add(o, key) {
			r.fail(at, "duplicate key "+Quote(key))
		}
		r.expect(':')
		o = append(o, Member{Key: key, Value: r.value(depth)})
		if !r.take(',') {
			r.expect('}')
			return o
		}
	}
	return o
}

// keySet finds duplicate keys: by looking at the few that a small object has, by a map in a large one.
type keySet map[string]struct{}

func (k *keySet) add(o Object, key string) bool {
	const small = 8
	if len(o) < small {
		_, found := o.Get(key)
		return !found
	}
	if len(*k) == 0 {
		*k = make(keySet, 2*small)
		for _, m := range o {
			(*k)[m.Key] = struct{}{}
		}
	}
	n := len(*k)
	(*k)[key] = struct{}{}
	return len(*k) > n
}

// string reads the string that starts at the quote under pos.
func (r *reader) string() string {
	start := r.pos
	r.pos++
	var s []byte
	for r.pos < len(r.text) {
		n := plainPrefix(r.text[r.pos:])
		plain := r.text[r.pos : r.pos+n]
		r.pos += n
		if r.peek() == '"' {
			r.pos++
			if s == nil {
				return string(plain) // most strings: one copy
			}
			return string(append(s, plain...))
		}
		s = append(s, plain...)
		switch c := r.peek(); {
		case r.pos == len(r.text):
		case c == '\\':
			s = r.escape(s)
		case c < ' ':
			r.fail(r.pos, "control character in a string")
		default:
			s = r.multibyte(s)
		}
	}
	r.fail(start, "string without an end")
	return ""
}

// multibyte reads one character at or above 0x7f.
func (r *reader) multibyte(s []byte) []byte {
	c, size := utf8.DecodeRune(r.text[r.pos:])
	if c == utf8.RuneError && size == 1 {
		r.fail(r.pos, "invalid UTF-8")
		return s
	}
	r.pos += size
	return utf8.AppendRune(s, c)
}

// escape reads one escape, or the two of a surrogate pair.
func (r *reader) escape(s []byte) []byte {
	start := r.pos
	if r.pos+1 == len(r.text) {
		r.fail(start, "string without an end")
		return s
	}
	c := r.text[r.pos+1]
	if c == 'u' {
		return r.unicodeEscape(s)
	}
	if i := bytes.IndexByte([]byte(shortEscapes+"/"), c); i >= 0 {
		r.pos += 2
		return append(s, (shortEscaped + "/")[i])
	}
	r.fail(start, "unknown escape")
	return s
}

func (r *reader) unicodeEscape(s []byte) []byte {
	start := r.pos
	c, ok := hex4(r.text[r.pos:])
	if !ok {
		r.fail(start, "malformed \\u escape")
		return s
	}
	r.pos += 6
	if utf16.IsSurrogate(c) {
		low, _ := hex4(r.text[r.pos:])
		c = utf16.DecodeRune(c, low)
		if c == utf8.RuneError {
			r.fail(start, "lone surrogate")
			return s
		}
		r.pos += 6
	}
	return utf8.AppendRune(s, c)
}

// hex4 reads the \u and its four digits at the start of s, of either case.
func hex4(s []byte) (c rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, d := range s[2:6] {
		switch {
		case d-'0' <= 9:
			d -= '0'
		case d|0x20 >= 'a' && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		c = c<<4 | rune(d)
	}
	return c, true
}

// DecodeString reads a canonical string, quotes included.
func DecodeString(quoted []byte) string {
	if inside := quoted[1 : len(quoted)-1]; bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	r := reader{text: quoted}
	return r.string()
}
