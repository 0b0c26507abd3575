package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"kuai/test/process"
)

// TestLessonsAskForAPrediction: on a terminal a lesson waits for one before it tells its story, asks again for what is not a choice, and
// shows it beside the answer.
func TestLessonsAskForAPrediction(t *testing.T) {
	ty := startTyping(t, buildKuai(t), "lab", "run", "fork-race")
	for i, typed := range []string{"9\n", "2\n"} {
		process.Eventually(t, "the question", time.Minute, func() error {
			if shown := ty.text(); strings.Count(shown, "What do you expect?") != i+1 {
				return errors.New(shown)
			}
			return nil
		})
		if shown := ty.text(); strings.Contains(shown, "answer: ") {
			t.Fatalf("the answer came first:\n%s", shown)
		}
		if _, err := io.WriteString(ty.master, typed); err != nil {
			t.Fatal(err)
		}
	}
	if code, shown := ty.ends(); code != exitOK || !strings.Contains(shown, "expected: 2. ") || !strings.Contains(shown, "answer: ") {
		t.Errorf("exit code %d:\n%s", code, shown)
	}
}
