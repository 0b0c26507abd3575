package canonical

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// AppendCompact appends canonical with the spaces after ',' and ':' outside strings left out: Flask's spelling. dst may be
// canonical[:0].
func AppendCompact(dst, canonical []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(canonical))[:n+len(canonical)]
	if bytes.IndexByte(canonical, '\\') >= 0 {
		return dst[:n+compactBytes(dst[n:], canonical, false)]
	}
	src, inside := canonical, uint64(0) // the high bit of every byte where src starts inside a string
	for len(src) >= 8 {
		w := binary.LittleEndian.Uint64(src)
		strings := inside ^ fromEachOn(bytesEqual(w, '"'))
		spaces := bytesEqual(w, ' ') &^ strings
		left := 8 - bits.OnesCount64(spaces)
		for spaces != 0 {
			w, spaces = dropFirst(w, spaces)
		}
		binary.LittleEndian.PutUint64(dst[n:], w)
		n, src, inside = n+left, src[8:], uint64(int64(strings)>>63)&highs
	}
	return dst[:n+compactBytes(dst[n:], src, inside != 0)]
}

// bytesEqual sets the high bit of each byte of w that is c, and nothing else. No byte of w has its high bit set: canonical text is ASCII.
func bytesEqual(w uint64, c byte) uint64 { return ^((w ^ uint64(c)*eight) + 0x7f*eight) & highs }

// dropFirst takes the first marked byte out of w. The bytes above it move down, and so do their marks.
func dropFirst(w, marks uint64) (rest, left uint64) {
	below := (marks&-marks)>>7 - 1 // all if there is none
	return w&below | (w>>8)&^below, (marks & (marks - 1)) >> 8
}

// fromEachOn flips, for every high bit of marks, the high bits from there on. So quotes become what lies between them.
func fromEachOn(marks uint64) uint64 {
	marks ^= marks << 8
	marks ^= marks << 16
	return marks ^ marks<<32
}

// compactBytes is AppendCompact byte by byte, from inside a string or not. It returns the length of what it wrote to dst, which is
// as long as src.
func compactBytes(dst, src []byte, inside bool) (n int) {
	for i := 0; i < len(src); i++ {
		c := src[i]
		if c == ' ' && !inside {
			continue
		}
		dst[n] = c
		n++
		switch {
		case c == '"':
			inside = !inside
		case c == '\\' && i+1 < len(src):
			i++
			dst[n] = src[i]
			n++
		}
	}
	return n
}
