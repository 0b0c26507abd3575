package wire_test

import (
	"strings"
	"testing"

	"kuai/p2p/wire"
)

func TestNamesOfNodes(t *testing.T) {
	for _, name := range []string{"", "a", "Anna's laptop", "块链课 3", "Żółć!", "🦊", strings.Repeat("x", maxNameRunes), strings.Repeat("块", maxName/3)} {
		if err := wire.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		m := exampleStatus
		m.Name = name
		if got, err := wire.ParseStatus(m.Append(nil)); err != nil || got != m {
			t.Errorf("%q came back as %+v, %v", name, got, err)
		}
	}
}

var hostileNames = map[string]string{
	"newline":          "a\nb",
	"escape sequence":  "\x1b[2Jred",
	"nul":              "a\x00",
	"delete":           "a\x7f",
	"C1 control":       "a\u009bb",
	"right to left":    "abc\u202egnp.exe",
	"isolate":          "\u2066a",
	"zero width":       "a\u200bb",
	"line separator":   "a\u2028b",
	"no-break space":   "a\u00a0b",
	"tag":              "a\U000e0041",
	"private use":      "\ue000",
	"not UTF-8":        "a\xffb",
	"lone surrogate":   "\xed\xa0\x80",
	"a character more": strings.Repeat("x", maxNameRunes+1),
	"a byte more":      strings.Repeat("块", maxName/3+1),
}

// TestHostileNamesAreDropped: the rest of the status counts, and the peer isn't blamed.
func TestHostileNamesAreDropped(t *testing.T) {
	for what, name := range hostileNames {
		if wire.CheckName(name) == nil {
			t.Errorf("%s: %q is a name", what, name)
		}
		m := exampleStatus
		m.Name = name
		got, err := wire.ParseStatus(m.Append(nil))
		if err != nil || got != exampleStatus {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	for what, behind := range map[string][]byte{"no name": {0}, "cut off": {5, 'a', 'b'}, "length alone": {64}, "too long": append([]byte{255}, make([]byte, 255)...)} {
		if got, err := wire.ParseStatus(append(exampleStatus.Append(nil), behind...)); err != nil || got != exampleStatus {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

func TestLongestStatusFits(t *testing.T) {
	m := exampleStatus
	m.Agent, m.Name = strings.Repeat("a", maxAgent), strings.Repeat("块", maxName/3)
	if got, err := wire.ParseStatus(m.Append(nil)); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
}
