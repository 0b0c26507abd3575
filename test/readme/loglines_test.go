package readme

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tellAll are the warnings and errors whose lines say what to do, or that what was asked for has happened, and lines of a level that varies
// below these. docs/OPERATIONS.md leaves them out.
var tellAll = []string{
	"sync finished",
	"sync started",
	"ignored variables of a Kubernetes service",
	"nothing more is accepted until a restart",
	"the address for rewards has no name on this machine",
	"the network is split in two",
	"the split of the network has ended",
	"the wallet for rewards stays locked",
	"this node has a lab",
}

// TestLogLinesAreExplained: each line of the log at Warn and Error is in the table of docs/OPERATIONS.md or says itself what to do, and the
// table has no other.
func TestLogLinesAreExplained(t *testing.T) {
	const root = "../.."
	text, err := os.ReadFile(filepath.Join(root, "docs", "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| line | cause | remedy |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var explained []string
	for row := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			explained = append(explained, name[1])
		}
	}
	if len(explained) < 10 {
		t.Fatalf("the table has %q", explained)
	}
	used := make(map[string]bool)
	for _, line := range logLines(t, root) {
		starts := func(known string) bool { return strings.HasPrefix(line, known) }
		i, j := slices.IndexFunc(explained, starts), slices.IndexFunc(tellAll, starts)
		switch {
		case i >= 0:
			used[explained[i]] = true
		case j >= 0:
			used[tellAll[j]] = true
		default:
			t.Errorf("not explained: %q", line)
		}
	}
	for _, known := range slices.Concat(explained, tellAll) {
		if !used[known] {
			t.Errorf("no line begins with %q", known)
		}
	}
}

// logLines are the messages of all warnings and errors, and of those whose level varies.
func logLines(t *testing.T, root string) (lines []string) {
	t.Helper()
	call := regexp.MustCompile(`(?i)log\.(?:Warn\(|Error\(|Log\([a-z.]+(?:\(\))?, level, )"([^"]+)"`)
	for _, folder := range []string{"cmd", "p2p", "chain", "miner", "rpc"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range call.FindAllStringSubmatch(string(text), -1) {
				lines = append(lines, m[1])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return lines
}
