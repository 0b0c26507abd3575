package readme

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	link       = regexp.MustCompile(`\[([^][]*)\]\(([^()\s]+)\)`)
	heading    = regexp.MustCompile(`^#{1,6} +(.*)$`)
	identifier = regexp.MustCompile("^(?:`([A-Za-z]+)`|(Test[A-Za-z]+))$")
)

// TestLinks follows each relative link of each document: the file and the heading must exist. If a link to a Go file is called by a
// function or type in backquotes, or by a test, the file must declare it.
func TestLinks(t *testing.T) {
	const root = "../.."
	links := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, l := range linksOf(string(text)) {
			links++
			if err := follow(path, l); err != nil {
				t.Errorf("%s:%d: [%s](%s): %v", path, l.line, l.text, l.target, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links == 0 {
		t.Error("no document has a relative link: the test is about nothing")
	}
}

// TestBrokenLinksAreFound breaks a link in each way.
func TestBrokenLinksAreFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"page.md": "# A `kuai` page: one, two\n```\n# not a heading\n```\n## 挖矿\n",
		"code.go": "package x\n\nfunc (c *T) Add(n int) {}\n\nfunc TestAdd(t *testing.T) {}\n\ntype Rules struct{}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, ok := range map[string]bool{
		"[a](page.md)":                     true,
		"[a](.)":                           true,
		"[a](page.md#a-kuai-page-one-two)": true,
		"[a](page.md#挖矿)":                  true,
		"[`Add`](code.go)":                 true,
		"[`Rules`](code.go)":               true,
		"[TestAdd](code.go)":               true,
		"[`kuai`](page.md)":                true,
		"[a](other.md)":                    false,
		"[a](page.md#two)":                 false,
		"[a](page.md#not-a-heading)":       false,
		"[a](code.go#add)":                 false,
		"[`Ad`](code.go)":                  false,
		"[TestOther](code.go)":             false,
	} {
		all := linksOf(text)
		if len(all) != 1 {
			t.Fatalf("%s: %v", text, all)
		}
		if err := follow(filepath.Join(dir, "from.md"), all[0]); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
	if all := linksOf("[a](https://example.com) `[b](c)`\n```\n[d](e)\n```\n"); len(all) > 0 {
		t.Errorf("followed %v", all)
	}
}

type relativeLink struct {
	line         int
	text, target string
}

var code = regexp.MustCompile("`[^`]*`")

func linksOf(text string) (all []relativeLink) {
	for n, line := range prose(text) {
		spans := code.FindAllStringIndex(line, -1)
		for _, at := range link.FindAllStringSubmatchIndex(line, -1) {
			if slices.ContainsFunc(spans, func(s []int) bool { return s[0] < at[0] && at[0] < s[1] }) {
				continue // shown, not a link
			}
			if target := line[at[4]:at[5]]; !strings.Contains(target, "://") {
				all = append(all, relativeLink{line: n + 1, text: line[at[2]:at[3]], target: target})
			}
		}
	}
	return all
}

// prose returns the lines of a document, with those in fenced blocks empty.
func prose(text string) []string {
	all := strings.Split(text, "\n")
	fenced := false
	for i, line := range all {
		isFence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fenced || isFence {
			all[i] = ""
		}
		fenced = fenced != isFence
	}
	return all
}

// follow returns an error if a link from a document leads nowhere.
func follow(from string, l relativeLink) error {
	file, anchor, hasAnchor := strings.Cut(l.target, "#")
	path := from
	if file != "" {
		path = filepath.Join(filepath.Dir(from), filepath.FromSlash(file))
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return nil
	}
	name := identifier.FindStringSubmatch(l.text)
	isGo := filepath.Ext(path) == ".go" && name != nil
	if !hasAnchor && !isGo {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if hasAnchor && !slices.Contains(anchors(string(text)), anchor) {
		return fmt.Errorf("no heading gives the anchor %q", anchor)
	}
	if isGo && !regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type )`+name[1]+name[2]+`\b`).Match(text) {
		return fmt.Errorf("the file does not declare %s", name[1]+name[2])
	}
	return nil
}

// anchors are those that GitHub gives to the headings of a document.
func anchors(text string) (all []string) {
	for _, line := range prose(text) {
		found := heading.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(found[1])))
	}
	return all
}
