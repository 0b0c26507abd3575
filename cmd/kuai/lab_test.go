package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"kuai/cmd/kuai/lab"
)

// TestStoriesFitATerminal: in both languages no line is too wide, no line ends with a space, and nothing is lost by breaking lines.
func TestStoriesFitATerminal(t *testing.T) {
	s, err := lab.Run(t.Context(), "fork-race", lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []language{{}, {zh: true}} {
		var b strings.Builder
		if err := errors.Join(printQuestion(&b, l, s), printStory(&b, l, s, 1)); err != nil {
			t.Fatal(err)
		}
		packed := strings.Join(strings.Fields(b.String()), "")
		for line := range strings.SplitSeq(b.String(), "\n") {
			if runewidth.StringWidth(line) > storyColumns || strings.TrimRight(line, " ") != line {
				t.Errorf("%q", line)
			}
		}
		for _, step := range s.Steps {
			if text := strings.Join(strings.Fields(l.of(step.Text)), ""); !strings.Contains(packed, text) {
				t.Errorf("not printed: %s", text)
			}
		}
	}
}

// TestLabPrintsStories: as text, as JSON, and all in one.
func TestLabPrintsStories(t *testing.T) {
	says(t, exitOK, "pass  one more block makes all agree", "lab", "run", "fork-race")
	says(t, exitOK, "pass  fork-race ", "lab", "run", "all")
	code, out, errOut := kuai(nil, "lab", "run", "all", "--json", "--seed", "7")
	var stories []lab.Story
	if err := json.Unmarshal([]byte(out), &stories); code != exitOK || err != nil || len(stories) != len(lab.Names()) || stories[0].Seed != 7 {
		t.Errorf("exit code %d, %v: %d stories, %s", code, err, len(stories), errOut)
	}
	code, out, _ = kuai([]string{"LANG=zh_CN.UTF-8"}, "lab", "list")
	if code != exitOK || strings.Count(out, "\n") != len(lab.Names()) || !strings.Contains(out, "。\n") {
		t.Errorf("exit code %d: %s", code, out)
	}
	says(t, exitUsage, "not possible: the lesson fork-race takes 2 to 50 nodes, not 1", "lab", "run", "fork-race", "--nodes", "1")
	says(t, exitUsage, "--nodes is for one lesson", "lab", "run", "all", "--nodes", "3")
	says(t, exitUsage, `unknown lesson "forkrace" (did you mean fork-race?)`, "lab", "run", "forkrace")
}

// TestVerdictIsTheExitCode: 1 if a verdict does not hold.
func TestVerdictIsTheExitCode(t *testing.T) {
	good, bad := &lab.Story{Lesson: "a", Verdict: lab.Verdict{OK: true}}, &lab.Story{Lesson: "b"}
	if err := verdict(good, good); err != nil {
		t.Error(err)
	}
	if err := verdict(good, bad); exitCode(err) != exitFailure || err.Error() != "the verdict does not hold: b" {
		t.Error(err)
	}
}
