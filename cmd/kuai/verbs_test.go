package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"kuai/cmd/kuai/invite"
)

// TestEveryVerbHasAGroupAndAnExample, and the lists name no verb that is not there.
func TestEveryVerbHasAGroupAndAnExample(t *testing.T) {
	root := newRoot(terminal{out: io.Discard, errOut: io.Discard})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	there := make(map[string]bool)
	for _, c := range root.Commands() {
		there[c.Name()] = true
		if c.GroupID == "" && !c.Hidden {
			t.Errorf("%s is in no group", c.Name())
		}
		if c.Name() == "completion" {
			continue // cobra's own, whose examples are in its help for each shell
		}
		if !strings.HasPrefix(c.Example, "  kuai "+c.Name()) {
			t.Errorf("the example of %s is %q", c.Name(), c.Example)
		}
	}
	for name := range examples {
		if !there[name] {
			t.Errorf("there is an example of %s, which is not a verb", name)
		}
	}
	for _, g := range verbGroups {
		for _, name := range g.verbs {
			if !there[name] {
				t.Errorf("%s is in a group and no verb", name)
			}
		}
	}
}

// TestEveryVerbHasJSON: all that print something of their own.
func TestEveryVerbHasJSON(t *testing.T) {
	root := newRoot(terminal{out: io.Discard, errOut: io.Discard})
	without := []string{"kuai", "help", "man", "wallet", "network", "lab", "completion"} // they print help, pages or scripts
	for _, c := range allVerbs(root) {
		if words := wordsOf(c); !slices.Contains(without, words) && c.Flags().Lookup("json") == nil {
			t.Errorf("kuai %s has no --json", words)
		}
	}
}

// TestTheExampleOfJoinIsACode: who copies it is told about the network, not about a typing error.
func TestTheExampleOfJoinIsACode(t *testing.T) {
	c, _, err := newRoot(terminal{out: io.Discard, errOut: io.Discard}).Find([]string{"join"})
	if err != nil {
		t.Fatal(err)
	}
	code, _, _ := strings.Cut(strings.TrimPrefix(c.Example, "  kuai join "), "\n")
	if _, err := invite.Parse(code); err != nil {
		t.Errorf("%s: %v", code, err)
	}
}

// TestMistakesInWords: what a user mistyped, without the words of libraries.
func TestMistakesInWords(t *testing.T) {
	kept, _ := keptChain(t, 1)
	folder, empty := t.TempDir(), write(t, "")
	for _, c := range []struct {
		want int
		says string
		args []string
	}{
		{exitUsage, `--height "x": want a whole number`, []string{"wait", "--height", "x"}},
		{exitUsage, `--timeout "x": want a time, as 30s or 2m`, []string{"wait", "--timeout", "x"}},
		{exitUsage, `mining mode "turbo": want manual`, []string{"mine", "--mode", "turbo"}},
		{exitUsage, "--network and --swarm-key come from the code", []string{"join", "--network", "/nowhere"}},
		{exitUsage, "directory /nowhere does not exist: make it first", []string{"export", "/nowhere/x.jsonl", "--data-dir", kept, "-p", "1"}},
		{exitFailure, "it ends too early: it is empty", []string{"import", empty, "--data-dir", t.TempDir(), "-p", "1"}},
		{exitFailure, folder + " is a directory: name a file", []string{"import", folder, "--data-dir", t.TempDir(), "-p", "1"}},
		{exitUsage, folder + " is a directory: name a file", []string{"config", "--config", folder}},
		{exitUsage, folder + " is a directory: name a file", []string{"config", "--network", folder}},
		{exitUsage, folder + " is a directory: name a file", []string{"status", "--api-token-file", folder}},
		{exitUsage, "command nosuchcommand cannot be run: give the path", []string{"config", "--block-notify", "nosuchcommand %s"}},
	} {
		says(t, c.want, c.says, c.args...)
	}
}

func TestVersionAndVerifyInJSON(t *testing.T) {
	kept, blocks := keptChain(t, 1)
	if out := says(t, exitOK, "", "verify", "--json", "--data-dir", kept); out != fmt.Sprintf("{\n  \"blocks\": 2,\n  \"tip\": \"%s\"\n}\n", blocks[0].Hash()) {
		t.Error(out)
	}
	says(t, exitOK, `"version": "`+version()+`"`, "version", "--json")
}
