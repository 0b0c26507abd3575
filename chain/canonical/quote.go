package canonical

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxQuoted is how many bytes of a string Quote shows: a line of ASCII, 26 Chinese characters.
const maxQuoted = 80

// Quote shows a string that someone else chose, in an error or a log: in quotes, readable in any script, with what
// does not print escaped. Of a long one it shows the start, cut between characters.
func Quote(s string) string {
	if len(s) <= maxQuoted {
		return strconv.Quote(s)
	}
	cut := maxQuoted
	for cut > maxQuoted-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s… (%d bytes)", strconv.Quote(s[:cut]), len(s))
}

// Describe is Quote for any value.
func Describe(v Value) string {
	switch v := v.(type) {
	case string:
		return Quote(v)
	case Number:
		return string(v)
	case []Value:
		return "an array"
	case Object:
		return "an object"
	}
	return string(AppendValue(nil, v))
}
