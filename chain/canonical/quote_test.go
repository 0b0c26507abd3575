package canonical_test

import (
	"strings"
	"testing"

	"kuai/chain/canonical"
)

func TestQuoteIsReadableInAnyScript(t *testing.T) {
	for text, expected := range map[string]string{
		"":                             `""`,
		"块 é 😀":                        `"块 é 😀"`,
		"a\"b\\c\n\x00\x1b[31m":        `"a\"b\\c\n\x00\x1b[31m"`,
		"\u202egnirts":                 `"\u202egnirts"`, // would turn the line around
		"\xff":                         `"\xff"`,
		strings.Repeat("x", 80):        `"` + strings.Repeat("x", 80) + `"`,
		strings.Repeat("x", 81):        `"` + strings.Repeat("x", 80) + `"… (81 bytes)`,
		strings.Repeat("块", 100):       `"` + strings.Repeat("块", 26) + `"… (300 bytes)`,
		"x" + strings.Repeat("😀", 100): `"x` + strings.Repeat("😀", 19) + `"… (401 bytes)`,
		strings.Repeat("\x80", 200):    `"` + strings.Repeat(`\x80`, 76) + `"… (200 bytes)`,
	} {
		if got := canonical.Quote(text); got != expected {
			t.Errorf("%q is shown as %s, expected %s", text, got, expected)
		}
	}
}
