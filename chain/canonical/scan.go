package canonical

import (
	"encoding/binary"
	"math/bits"
)

// eight repeats a byte in each byte of a word, as a multiplier.
const (
	eight = 0x0101010101010101
	highs = 0x80 * eight
)

// IsHex reports whether all bytes of s, a multiple of eight, are lower-case hex digits.
func IsHex(s []byte) bool {
	for ; len(s) >= 8; s = s[8:] {
		if !hexWord(binary.LittleEndian.Uint64(s)) {
			return false
		}
	}
	return len(s) == 0
}

// hexWord reports whether the eight bytes of w are lower-case hex digits. Where no byte has its high bit, adding 0x80-c
// sets the high bit of the bytes that are at least c.
func hexWord(w uint64) bool {
	digit := (w + (0x80-'0')*eight) &^ (w + (0x80-'9'-1)*eight)
	letter := (w + (0x80-'a')*eight) &^ (w + (0x80-'f'-1)*eight)
	return w&highs == 0 && (digit|letter)&highs == highs
}

// ScanString measures the inside of a canonical string at the start of s, up to where the closing quote must be: its bytes, and the
// bytes of UTF-8 that they stand for. ok is false at an escape that CPython would have written in another way.
func ScanString(s []byte) (n, utf8Bytes int, ok bool) {
	for {
		plain := plainRun(s[n:])
		n += plain
		utf8Bytes += plain
		if n == len(s) || s[n] != '\\' {
			return n, utf8Bytes, true
		}
		escape, size := canonicalEscape(s[n:])
		if escape == 0 {
			return n, utf8Bytes, false
		}
		n += escape
		utf8Bytes += size
	}
}

// plainRun counts the leading bytes of s that stand for themselves in a canonical string: plainPrefix, eight at a time.
func plainRun(s []byte) int {
	n := 0
	for ; n+8 <= len(s); n += 8 {
		if special := specialBytes(binary.LittleEndian.Uint64(s[n:])); special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	return n + plainPrefix(s[n:])
}

// specialBytes sets the high bit of the first byte of w that is not plain (isPlain), perhaps of bytes after it, of none before.
func specialBytes(w uint64) uint64 {
	quoteOrControl := (w ^ 2*eight) - 0x21*eight // 2 swaps the quote, 0x22, with the space, which ends the control characters
	backslash := (w ^ '\\'*eight) - eight
	return (quoteOrControl | backslash | (w + eight) | w) & highs
}

// canonicalEscape returns the length of the escape, or of the surrogate pair, at the start of s, and the bytes of UTF-8
// that it stands for; 0 if CPython would have written it in another way.
func canonicalEscape(s []byte) (n, utf8Size int) {
	if len(s) < 2 {
		return 0, 0
	}
	if s[1] != 'u' {
		return shortEscape(s[1])
	}
	c, ok := lowerHex4(s)
	switch {
	case !ok || c < 0x7f && (c >= ' ' || shortForm(c)):
		return 0, 0
	case c < 0x80:
		return 6, 1
	case c < 0x800:
		return 6, 2
	case c < 0xd800 || c > 0xdfff:
		return 6, 3
	}
	low, ok := lowerHex4(s[6:])
	if !ok || c > 0xdbff || low < 0xdc00 || low > 0xdfff {
		return 0, 0
	}
	return 12, 4
}

func shortEscape(letter byte) (n, utf8Size int) {
	switch letter {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return 2, 1
	}
	return 0, 0
}

// shortForm reports whether a control character has an escape of two bytes.
func shortForm(c rune) bool {
	return c >= '\b' && c <= '\r' && c != '\v'
}

// lowerHex4 reads the \u and its four digits at the start of s, in lower case.
func lowerHex4(s []byte) (c rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, d := range s[2:6] {
		digit := hexDigit(d)
		if digit > 15 {
			return 0, false
		}
		c = c<<4 | rune(digit)
	}
	return c, true
}
