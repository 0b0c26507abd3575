package main

import (
	"io"
	"strings"
	"testing"
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
			t.Errorf("there is an example of %s, which is no verb", name)
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
