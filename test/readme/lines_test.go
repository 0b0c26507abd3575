package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// longestLine is how many characters a line of a document may have: about what a wide window shows, so that nobody scrolls sideways.
const longestLine = 200

// TestLinesAreShort reads every line of the front pages and of docs.
func TestLinesAreShort(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 10 {
		t.Fatalf("%d documents only: the test is about nothing", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range longLines(string(text)) {
			t.Errorf("%s:%d: over %d characters: break the line, or make the table's cell shorter", file, n, longestLine)
		}
	}
}

// target is where a link leads, which nobody reads in the page.
var target = regexp.MustCompile(`\]\([^()\s]+\)`)

// longLines returns the numbers of the lines that are too long. Two kinds may be: bytes that a hash is computed of, which are indented
// and have no line break to show, and a URL.
func longLines(text string) (all []int) {
	for i, line := range strings.Split(text, "\n") {
		isBytes := strings.HasPrefix(line, "    {")
		isURL := strings.Contains(line, "://") && !strings.Contains(strings.TrimSpace(line), " ")
		if utf8.RuneCountInString(target.ReplaceAllString(line, "]")) > longestLine && !isBytes && !isURL {
			all = append(all, i+1)
		}
	}
	return all
}

func TestLongLinesAreFound(t *testing.T) {
	long := strings.Repeat("长", longestLine)
	text := strings.Join([]string{long, long + "。", "| " + long + " |", "    {" + long + "}", "https://example.com/" + long}, "\n")
	if got := longLines(text); len(got) != 2 || got[0] != 2 || got[1] != 3 {
		t.Errorf("%v", got)
	}
}
