package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestTableCountsColumnsOfATerminal(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"narrow":                    {"a\tbb\tc\nlonger\tb\tc\n", "a       bb  c\nlonger  b   c\n"},
		"wide":                      {"爱丽丝\t5\nbob\t12.5\n", "爱丽丝  5\nbob     12.5\n"},
		"emoji":                     {"🙂\tx\nab\tx\n", "🙂  x\nab  x\n"},
		"joined":                    {"é\tx\nab\tx\n", "é   x\nab  x\n"}, // e and a combining accent take one column
		"rows of different lengths": {"a\tb\n  indented, and no cell\nccc\td\te\n", "a    b\n  indented, and no cell\nccc  d  e\n"},
		"an empty last cell":        {"a\tb\t\nccc\td\te\n", "a    b\nccc  d  e\n"},
		"empty":                     {"", ""},
	} {
		var out strings.Builder
		table := newTable(&out)
		fmt.Fprint(table, c.text)
		if err := table.Flush(); err != nil || out.String() != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, out.String(), c.want)
		}
	}
}
