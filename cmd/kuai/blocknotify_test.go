package main

import (
	"slices"
	"testing"
)

func TestSplitCommand(t *testing.T) {
	for text, expected := range map[string][]string{
		"":                         nil,
		"   ":                      nil,
		"notify %s":                {"notify", "%s"},
		"  a\tb  c ":               {"a", "b", "c"},
		`"/opt/my tools/x" --h=%s`: {"/opt/my tools/x", "--h=%s"},
		`sh -c 'echo "$1" >> f' x`: {"sh", "-c", `echo "$1" >> f`, "x"},
		`a '' "" b`:                {"a", "", "", "b"},
		`C:\bin\x.exe a'b'c`:       {`C:\bin\x.exe`, "abc"},
	} {
		if got, err := splitCommand(text); err != nil || !slices.Equal(got, expected) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{`"`, `a 'b`, `a "b'`} {
		if _, err := splitCommand(text); err == nil {
			t.Errorf("%q passed", text)
		}
	}
}
