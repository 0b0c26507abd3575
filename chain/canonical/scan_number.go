package canonical

import (
	"math"
	"math/bits"
	"strconv"
)

// ScanNumber reads the canonical number at the start of s, which is not negative: its value and length. The length is 0
// if none stands there or its spelling is not canonical.
func ScanNumber(s []byte) (value float64, n int) {
	whole, n := ScanUint(s)
	if n == 0 {
		return 0, 0
	}
	if n == len(s) || s[n] != '.' && s[n] != 'e' {
		return float64(whole), integerLength(whole, n)
	}
	if s[n] == 'e' {
		return anyFloat(s)
	}
	return decimal(s, whole, n)
}

// integerLength is n, and 0 for integers beyond 2^63-1.
func integerLength(value uint64, n int) int {
	if value > math.MaxInt64 {
		return 0
	}
	return n
}

// ScanUint reads decimal digits without a leading zero: the value and how many. 20 digits or more count as none.
func ScanUint(s []byte) (value uint64, n int) {
	for n < len(s) && s[n]-'0' <= 9 {
		value = value*10 + uint64(s[n]-'0')
		n++
	}
	if n > 19 || n > 1 && s[0] == '0' { // 19 digits fit 64 bits
		return 0, 0
	}
	return value, n
}

// decimal reads a float whose n digits before the point have the value whole. Of the floats that repr writes without an
// exponent it proves nearly all without writing them.
func decimal(s []byte, whole uint64, n int) (float64, int) {
	end := n + 1
	value := whole
	for end < len(s) && s[end]-'0' <= 9 {
		value = value*10 + uint64(s[end]-'0')
		end++
	}
	places := end - n - 1
	switch {
	case places == 0 || end < len(s) && s[end] == 'e':
		return anyFloat(s)
	case s[end-1] == '0':
		return wholeFloat(s, whole, end, places)
	case end-1 > maxDecimalDigits || places > maxPlaces || value < tenTo[places]/10_000:
		return anyFloat(s)
	case value < 1e15:
		// At most 15 significant digits: no two such decimals round to one float64, so this is its shortest spelling.
		// Both operands are exact, so the quotient is rounded once.
		return float64(value) / floatTenTo[places], end
	}
	if f, ok := shortestDecimal(value, places); ok {
		return f, end
	}
	return anyFloat(s)
}

// wholeFloat reads a float whose last decimal is 0: canonical as the only one, after a whole number. Below 2^53 every
// whole number is a float64, and the nearest other spelling is half a unit too far away.
func wholeFloat(s []byte, whole uint64, end, places int) (float64, int) {
	if places == 1 && whole <= 1<<53 {
		return float64(whole), end
	}
	return anyFloat(s)
}

// Bounds of the fast proofs: the digits of a value that fits 64 bits, a zero before the point included, and a power of
// ten that shortestDecimal's sums have room for.
const (
	maxDecimalDigits = 19
	maxPlaces        = 18
)

var tenTo = [maxPlaces + 1]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

var floatTenTo = [maxPlaces + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// shortestDecimal returns the float64 f nearest to digits/10^places, if it can prove that these digits, the last of
// which is not 0, are f's shortest spelling and the nearest to f of its length. ok is false if it cannot; they may be all the same.
//
// f is m/2^shift with m of 53 bits. Scaled by 10^places·2^shift everything is an integer: f is m·10^places, the given
// decimal is digits·2^shift, one step of its last digit is 2^shift, and what rounds to f lies within half = 10^places/2 of f.
func shortestDecimal(digits uint64, places int) (f float64, ok bool) {
	power := tenTo[places]
	shift := 53 - bits.Len64(digits) + bits.Len64(power)
	if shift < 2 || shift > 58 {
		return 0, false
	}
	high, low := digits>>(64-shift), digits<<shift
	if high >= power {
		return 0, false
	}
	m, rest := bits.Div64(high, low, power) // m is in [2^52, 2^54)
	if m>>53 != 0 {
		rest = (rest + m&1*power) / 2 // exact: the dividend is even
		m /= 2
		shift--
	}
	half, step := int64(power/2), int64(1)<<shift
	above := -int64(rest) // how far f is above the decimal
	if int64(rest) > half {
		m++
		above += int64(power)
	}
	last := int64(digits % 10)
	ok = int64(rest) != half && m > 1<<52 && m < 1<<53 && // no tie, and f's neighbours are equally far
		above < step/2 && -above < step/2 && // nearest of its length
		above+last*step > half && (10-last)*step-above > half // one digit less on either side is another float
	return math.Float64frombits(uint64(1075-shift)<<52 | m&(1<<52-1)), ok
}

// anyFloat reads any float by writing it again.
func anyFloat(s []byte) (float64, int) {
	n := numberText(s)
	if n > MaxNumberBytes {
		return 0, 0
	}
	f, err := strconv.ParseFloat(string(s[:n]), 64)
	if err != nil {
		return 0, 0
	}
	var buffer [32]byte // repr's longest is 24 bytes
	if string(AppendFloat(buffer[:0], f)) != string(s[:n]) {
		return 0, 0
	}
	return f, n
}
