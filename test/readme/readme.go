// Package readme reads the commands and outputs that the documents show, so that tests can run them.
//
// A document shows a session in a fenced block whose info string is "console": a line that starts with "$ " is a
// command, the lines up to the next one are what it prints. A line "…" stands for any number of lines, and a "…" in a line for any text
// of that line. What differs from run to run (hashes, ids, peer ids, times, proofs, versions) is masked on both sides before they are
// compared.
//
// Words behind "console" say where the session runs: "docker" beside a container engine, "flask" where python3 has Flask, "install" by hand only.
package readme

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Step is one command and what the document says it prints.
type Step struct {
	Line    int // of the command in the document, from 1
	Command string
	Want    []string
}

// Session is one fenced block.
type Session struct {
	File  string
	Where string // what follows "console"
	Steps []Step
}

// Sessions reads all sessions of a document, in order.
func Sessions(file string) ([]Session, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parse(file, string(text))
}

func parse(file, text string) ([]Session, error) {
	var all []Session
	var open *Session
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open != nil:
			all, open = append(all, *open), nil
		case isFence && (fence == "console" || strings.HasPrefix(fence, "console ")):
			open = &Session{File: file, Where: strings.TrimSpace(strings.TrimPrefix(fence, "console"))}
		case open != nil:
			if err := open.add(i+1, line); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (s *Session) add(n int, line string) error {
	if command, ok := strings.CutPrefix(line, "$ "); ok {
		s.Steps = append(s.Steps, Step{Line: n, Command: command})
		return nil
	}
	if len(s.Steps) == 0 {
		return fmt.Errorf("%s:%d: output before the first command", s.File, n)
	}
	last := &s.Steps[len(s.Steps)-1]
	if rest, ok := strings.CutSuffix(last.Command, `\`); ok && len(last.Want) == 0 {
		last.Command = rest + strings.TrimSpace(line)
		return nil
	}
	last.Want = append(last.Want, line)
	return nil
}

var masks = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`12D3KooW[1-9A-HJ-NP-Za-km-z]{44}`), "<peer>"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<hash>"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "<id>"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "<short>"},
	{regexp.MustCompile(`"proof": ?\d+`), `"proof":<proof>`},
	{regexp.MustCompile(`"before":"\d+"`), `"before":"<proof>"`}, // /mining/work
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`), "<time>"},
	{regexp.MustCompile(`\b1[7-9]\d{8}\.\d+\b`), "<seconds>"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ns|µs|ms|s)\b`), "<duration>"},
	{regexp.MustCompile(`/home/[^ ]*|/tmp/[^ ]*|~/[^ ]*`), "<path>"},
}

// Mask replaces what differs from run to run by names.
func Mask(line string) string {
	for _, m := range masks {
		line = m.pattern.ReplaceAllString(line, m.name)
	}
	return strings.TrimRight(line, " \t\r")
}

// Match compares the lines of got with those of want and returns the first difference. If prefix is set, got may be longer.
func Match(want, got []string, prefix bool) error {
	if len(want) == 0 {
		if len(got) == 0 || prefix {
			return nil
		}
		return fmt.Errorf("the document shows no more output; printed: %q", got[0])
	}
	if want[0] == "…" {
		for skip := 0; skip <= len(got); skip++ {
			if Match(want[1:], got[skip:], prefix) == nil {
				return nil
			}
		}
		return fmt.Errorf("nothing printed matches what the document shows after …: %q", want[1:])
	}
	if len(got) == 0 {
		return fmt.Errorf("the document shows %q, printed: nothing more", want[0])
	}
	if w, g := Mask(want[0]), Mask(got[0]); !matchLine(w, g) {
		return fmt.Errorf("the document shows %q, printed: %q", w, g)
	}
	return Match(want[1:], got[1:], prefix)
}

// matchLine compares two lines. A "…" in want stands for any text.
func matchLine(want, got string) bool {
	parts := strings.Split(want, "…")
	rest, ok := strings.CutPrefix(got, parts[0])
	if len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		if ok {
			_, rest, ok = strings.Cut(rest, part)
		}
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}
