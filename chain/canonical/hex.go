package canonical

const lowerHex = "0123456789abcdef"

// DecodeHex fills dst from lower-case hex digits, and only from exactly as many as it needs.
func DecodeHex[T string | []byte](dst []byte, s T) bool {
	if len(s) != 2*len(dst) {
		return false
	}
	var all byte
	for i := range dst {
		high, low := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		all |= high | low
		dst[i] = high<<4 | low
	}
	return all <= 15
}

// hexDigit returns the value of a lower-case hex digit, 0xff for any other byte. A table, as every block's hash goes through it.
func hexDigit(c byte) byte { return hexDigits[c] }

var hexDigits = func() (table [256]byte) {
	for c := range table {
		table[c] = 0xff
	}
	for value, c := range []byte(lowerHex) {
		table[c] = byte(value)
	}
	return table
}()
