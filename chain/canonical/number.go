package canonical

import (
	"math"
	"strconv"
)

// Number is a JSON number in its canonical spelling: "5", "5.0" and "1e-05" are three different values.
type Number string

// MaxNumberBytes bounds a number's spelling: every float64 and int64 has one far below it, and the cost of
// reading a longer one is the sender's to choose.
const MaxNumberBytes = 64

// IsInteger reports whether n is an integer and not a float.
func (n Number) IsInteger() bool { return isIntegerText(string(n)) }

// Float returns the value, rounded if an integer has more than 53 bits.
func (n Number) Float() float64 {
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// Int returns the value of an integer; ok is false for floats.
func (n Number) Int() (i int64, ok bool) {
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

func isIntegerText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '.' || c == 'e' || c == 'E' {
			return false
		}
	}
	return true
}

// numberText returns how many leading bytes of s are a JSON number; 0 if none stands there.
func numberText(s []byte) int {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := digits(s[i:])
	if whole == 0 || whole > 1 && s[i] == '0' {
		return 0
	}
	i += whole
	if n := digits(s[min(i+1, len(s)):]); i < len(s) && s[i] == '.' {
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	return exponentEnd(s, i)
}

// exponentEnd returns the end of the exponent at s[i:], i if there is none, 0 if it has no digits.
func exponentEnd(s []byte, i int) int {
	if i == len(s) || s[i]|0x20 != 'e' {
		return i
	}
	i++
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	n := digits(s[i:])
	if n == 0 {
		return 0
	}
	return i + n
}

// digits counts the leading decimal digits of s.
func digits(s []byte) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

// canonicalNumber respells a JSON number; reason says why it is refused.
func canonicalNumber(text string) (n Number, reason string) {
	if len(text) > MaxNumberBytes {
		return "", "number longer than 64 characters"
	}
	if isIntegerText(text) {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil || i == math.MinInt64 {
			return "", "integer beyond ±(2^63-1)"
		}
		return Number(strconv.FormatInt(i, 10)), ""
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", "number too large for a float"
	}
	return Number(AppendFloat(nil, f)), ""
}
