package chain

import "bytes"

// AppendCompact appends canonical with the spaces after ',' and ':' outside strings left out: Flask's spelling.
func AppendCompact(dst, canonical []byte) []byte {
	for {
		quote := bytes.IndexByte(canonical, '"')
		if quote < 0 {
			return appendNoSpaces(dst, canonical)
		}
		dst = appendNoSpaces(dst, canonical[:quote])
		end := quote + stringEnd(canonical[quote:])
		dst = append(dst, canonical[quote:end]...)
		canonical = canonical[end:]
	}
}

// stringEnd returns the length of the JSON string at the start of s, both quotes included; len(s) where it is not closed.
func stringEnd(s []byte) int {
	for end := 1; ; {
		next := bytes.IndexByte(s[end:], '"')
		if next < 0 {
			return len(s)
		}
		end += next + 1
		if !escaped(s[:end-1]) {
			return end
		}
	}
}

// escaped says whether the byte that follows s, inside a string, is escaped: an odd run of backslashes stands before it.
func escaped(s []byte) bool {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

func appendNoSpaces(dst, s []byte) []byte {
	for _, c := range s {
		if c != ' ' {
			dst = append(dst, c)
		}
	}
	return dst
}
