package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shownCommand is a command of kuai in a sentence or in a block of shell lines, up to what the shell would take from it.
var shownCommand = regexp.MustCompile("(?m)(?:`|\\$ |&& |^)(?:\\./)?kuai ([a-z][^`|>#;&$)\\n]*)")

// proseKuai is a sentence that begins a line with the program's name.
var proseKuai = regexp.MustCompile("(?m)^kuai (is|turns) .*$")

// TestDocumentsShowCommandsThatExist looks up each verb and flag that a document names. Sessions are run by test/readme; a command in a
// sentence, or one that needs a second machine, is only read here.
func TestDocumentsShowCommandsThatExist(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shownCommand.FindAllStringSubmatch(proseKuai.ReplaceAllString(string(text), ""), -1) {
			seen++
			if err := checkShown(m[1]); err != nil {
				t.Errorf("%s: kuai %s: %v", file, m[1], err)
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d commands only: the test is about nothing", seen)
	}
}

// TestMissingCommandsAreFound: what the test above must not pass over.
func TestMissingCommandsAreFound(t *testing.T) {
	for line, ok := range map[string]bool{
		"mine 2 -p 5001":                 true,
		"lab run NAME --seed N":          true,
		"daemon --peer=1.2.3.4:5 -p 0":   true,
		"dig 2":                          false,
		"mine --deep":                    false,
		"lab walk":                       false,
		"wallet new NAME --words=pirate": true,
	} {
		if err := checkShown(line); (err == nil) != ok {
			t.Errorf("kuai %s: %v", line, err)
		}
	}
}

// checkShown returns an error if kuai lacks the verb or a flag of a command.
func checkShown(line string) error {
	root := newRoot(terminal{})
	root.InitDefaultCompletionCmd()
	verb, rest, err := root.Find(strings.Fields(line))
	if err != nil {
		return err
	}
	if verb.HasSubCommands() && len(rest) > 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(rest[0]) {
		return fmt.Errorf("%s has no %s", verb.Name(), rest[0])
	}
	for _, word := range rest {
		name, isFlag := strings.CutPrefix(word, "-")
		name, _, _ = strings.Cut(strings.TrimSuffix(name, ","), "=")
		switch {
		case !isFlag || name == "" || strings.Trim(name, "0123456789") == "":
		case strings.HasPrefix(name, "-") && name != "--":
			if f := name[1:]; f != "help" && verb.Flag(f) == nil {
				return fmt.Errorf("%s has no --%s", verb.Name(), f)
			}
		case len(name) == 1 && name != "-" && name != "h":
			if verb.Flags().ShorthandLookup(name) == nil && verb.InheritedFlags().ShorthandLookup(name) == nil {
				return fmt.Errorf("%s has no -%s", verb.Name(), name)
			}
		}
	}
	return nil
}
