package main

import (
	"errors"
	"testing"
	"time"

	"kuai/cmd/kuai/lab"
	"kuai/rpc"
	"kuai/rpc/api"
)

// TestEveryStoryIsAnAnswer plays each lesson as the API does: whatever package lab says of it, the API's types hold.
func TestEveryStoryIsAnAnswer(t *testing.T) {
	var l labNode
	for i, lesson := range l.Lessons() {
		if given := lab.List()[i]; lesson.Name != given.Name || lesson.Title.ZH != given.Title.ZH || len(lesson.Choices) != len(given.Choices) {
			t.Errorf("lesson %s: %+v", given.Name, lesson)
		}
		story, err := l.Play(t.Context(), lesson.Name, api.LessonRun{Seed: 2})
		if err != nil {
			t.Errorf("%s: %v", lesson.Name, err)
			continue
		}
		if story.Lesson != lesson.Name || story.Seed != 2 || len(story.Steps) == 0 || len(story.Verdict.Checks) == 0 {
			t.Errorf("%s: %+v", lesson.Name, story)
		}
	}
	if _, err := l.Play(t.Context(), "no-such", api.LessonRun{}); !errors.Is(err, rpc.ErrNoLesson) {
		t.Errorf("an unknown lesson: %v", err)
	}
	if _, err := l.Play(t.Context(), "fork-race", api.LessonRun{Nodes: lab.MaxNodes + 1}); !errors.Is(err, rpc.ErrLessonOptions) {
		t.Errorf("too many nodes: %v", err)
	}
}

func TestSkewedClock(t *testing.T) {
	var c skewedClock
	c.ahead.Store(-3600)
	if got := time.Until(c.now()).Round(time.Minute); got != -time.Hour {
		t.Errorf("%v ahead", got)
	}
}
