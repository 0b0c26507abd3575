package canonical

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is a JSON value as the tolerant reader found it: nil, bool, string, Number (canonical spelling),
// []Value, or Object.
type Value any

// Object is a JSON object, members in order of appearance, keys unique.
type Object []Member

// Member is a key of an Object and its value.
type Member struct {
	Key   string
	Value Value
}

// Get returns the value of key, matched by exact case.
func (o Object) Get(key string) (Value, bool) {
	for i := range o {
		if o[i].Key == key {
			return o[i].Value, true
		}
	}
	return nil, false
}

// AppendValue appends v as json.dumps(v, sort_keys=True) prints it. v is made of the types that Value names; any other
// is a mistake of the caller, and panics.
func AppendValue(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return AppendString(dst, v)
	case Number:
		return append(dst, v...)
	case []Value:
		return appendArray(dst, v)
	case Object:
		return appendObject(dst, v)
	}
	panic("canonical: a Value is nil, bool, string, Number, []Value or Object")
}

func appendArray(dst []byte, a []Value) []byte {
	dst = append(dst, '[')
	for i, v := range a {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = AppendValue(dst, v)
	}
	return append(dst, ']')
}

// appendObject sorts by UTF-8 bytes, which is the order of code points, which is how CPython compares strings.
func appendObject(dst []byte, o Object) []byte {
	byKey := func(a, b Member) int { return cmp.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(o, byKey) {
		o = slices.Clone(o)
		slices.SortFunc(o, byKey)
	}
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = AppendString(dst, m.Key)
		dst = append(dst, ": "...)
		dst = AppendValue(dst, m.Value)
	}
	return append(dst, '}')
}

// AppendString appends s as a canonical JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		i := plainPrefix(s)
		dst = append(dst, s[:i]...)
		if i == len(s) {
			return append(dst, '"')
		}
		c, size := utf8.DecodeRuneInString(s[i:])
		dst = appendEscape(dst, c)
		s = s[i+size:]
	}
}

// plainPrefix counts the leading bytes of s that stand for themselves in a canonical string.
func plainPrefix[T string | []byte](s T) int {
	for i := range len(s) {
		if !isPlain(s[i]) {
			return i
		}
	}
	return len(s)
}

// isPlain reports whether c stands for itself in a canonical string. 0x7f does not: CPython escapes what is not ' '..'~'.
func isPlain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }

// shortEscapes and shortEscaped pair the letters of the two-byte escapes with what they stand for.
const (
	shortEscapes = `"\bfnrt`
	shortEscaped = "\"\\\b\f\n\r\t"
)

func appendEscape(dst []byte, c rune) []byte {
	if i := strings.IndexRune(shortEscaped, c); i >= 0 {
		return append(dst, '\\', shortEscapes[i])
	}
	if c >= 0x10000 {
		c -= 0x10000
		dst = appendUnicode(dst, 0xd800+c>>10)
		c = 0xdc00 + c&0x3ff
	}
	return appendUnicode(dst, c)
}

func appendUnicode(dst []byte, c rune) []byte {
	return append(dst, '\\', 'u', lowerHex[c>>12&15], lowerHex[c>>8&15], lowerHex[c>>4&15], lowerHex[c&15])
}

// AppendFloat appends f, which must be finite, as Python's repr prints it.
func AppendFloat(dst []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if !slices.Contains(dst[start:], '.') {
		dst = append(dst, ".0"...)
	}
	return dst
}
