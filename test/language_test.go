package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// idioms are phrases that readers whose first language is not English stumble over, and what to write instead.
var idioms = []struct {
	phrase  *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\bsays whether\b`), "reports whether"},
	{regexp.MustCompile(`(?i)\bfor ever\b`), "indefinitely"},
	{regexp.MustCompile(`(?i)\bwhoever\b`), "name the subject: the caller, a client, each node"},
	{regexp.MustCompile(`(?i)\b(lets|let) go of\b`), "releases"},
	{regexp.MustCompile(`(?i)\bholds up\b`), "delays"},
	{regexp.MustCompile(`(?i)\bgoes the rest\b`), "resumes"},
	{regexp.MustCompile(`(?i)\bgoes by it\b`), "depends on it"},
	{regexp.MustCompile(`(?i)\bcomes to (the same|nothing)\b`), "results in"},
	{regexp.MustCompile(`(?i)\bnobody was told of\b`), "unused"},
	{regexp.MustCompile(`(?i)\bof no use\b`), "not useful"},
	{regexp.MustCompile(`(?i)\b(is|are) no (a |an )?[a-z]+`), "is not a"},
}

// fine are parts of such a phrase that plain English has.
var fine = regexp.MustCompile(`(?i)\b(is|are) no (longer|more|other)\b|\bthere (is|are) no [a-z]+`)

// words are the endings of files that people read.
var words = []string{".go", ".md", ".js", ".html", ".sh", ".txt", ".yml"}

// TestPlainWords refuses the idioms in code, comments and documents.
func TestPlainWords(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "-z", "..").Output()
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("not a git checkout: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for name := range strings.SplitSeq(string(out), "\x00") {
		if !slices.Contains(words, filepath.Ext(name)) || name == "language_test.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, f := range found(text) {
			t.Errorf("%s:%d: %q: write %q", name, f.line, f.phrase, f.instead)
		}
	}
	if read < 100 {
		t.Errorf("only %d files were read", read)
	}
}

// finding is an idiom in a text.
type finding struct {
	line            int
	phrase, instead string
}

func found(text []byte) (all []finding) {
	text = fine.ReplaceAll(text, nil)
	for _, idiom := range idioms {
		for _, m := range idiom.phrase.FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:m[0]], []byte("\n"))
			all = append(all, finding{line, string(text[m[0]:m[1]]), idiom.instead})
		}
	}
	return all
}

// TestIdiomsAreFound shows that the idioms are found, and plain sentences are not.
func TestIdiomsAreFound(t *testing.T) {
	bad := "has says whether\nWhoever\nretried for ever\nIt is no peer.\nThese are no sentences.\nlets go of it"
	if n := len(found([]byte(bad))); n != 6 {
		t.Errorf("%d of 6 found: %v", n, found([]byte(bad)))
	}
	good := "forever\nThere is no peer.\nthere are no nodes\nit is no longer the tip\nreports whether"
	if all := found([]byte(good)); len(all) > 0 {
		t.Errorf("plain sentences are refused: %v", all)
	}
}
