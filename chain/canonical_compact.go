package chain

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// AppendCompact appends canonical with the spaces after ',' and ':' outside strings left out: Flask's spelling.
func AppendCompact(dst, canonical []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(canonical))[:n+len(canonical)]
	for i := 0; i < len(canonical); {
		c := canonical[i]
		i++
		if c == ' ' {
			continue
		}
		dst[n] = c
		n++
		if c == '"' {
			copied := copyString(dst[n:], canonical[i:])
			n += copied
			i += copied
		}
	}
	return dst[:n]
}

// copyString copies the rest of a string, closing quote included, from src to dst, and returns its length. What it
// writes to dst behind that means nothing. dst is at least as long as src.
func copyString(dst, src []byte) int {
	n := 0
	for n+8 <= len(src) {
		w := binary.LittleEndian.Uint64(src[n:])
		binary.LittleEndian.PutUint64(dst[n:], w)
		stop := quoteOrBackslash(w)
		if stop == 0 {
			n += 8
			continue
		}
		n += bits.TrailingZeros64(stop) / 8
		if src[n] == '"' {
			return n + 1
		}
		n += copy(dst[n:], src[n:min(n+2, len(src))]) // the backslash, and what it escapes
	}
	return n + copyStringTail(dst[n:], src[n:])
}

func copyStringTail(dst, src []byte) int {
	for n := 0; n < len(src); n++ {
		dst[n] = src[n]
		switch {
		case src[n] == '"':
			return n + 1
		case src[n] == '\\' && n+1 < len(src):
			n++
			dst[n] = src[n]
		}
	}
	return len(src)
}

// quoteOrBackslash sets the high bit of the first byte of w that is one of them, perhaps of bytes after it, of none before.
func quoteOrBackslash(w uint64) uint64 {
	quote, backslash := w^'"'*eight, w^'\\'*eight
	return ((quote-eight)&^quote | (backslash-eight)&^backslash) & highs
}
