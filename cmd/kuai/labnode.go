package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"kuai/p2p"
	"kuai/rpc"
	"kuai/rpc/api"
)

// skewedClock is a clock that can be set wrong on purpose.
type skewedClock struct{ ahead atomic.Int64 } // seconds

func (c *skewedClock) now() time.Time {
	return time.Now().Add(time.Duration(c.ahead.Load()) * time.Second)
}

// labNode shows the lab of a node that was started with --lab to package rpc.
type labNode struct {
	network *p2p.Node
	clock   *skewedClock
}

func (l labNode) Switches() api.Switches {
	s := l.network.Switches()
	return api.Switches{
		ClockSkew: l.clock.ahead.Load(), Cut: s.Cut, CutAll: s.CutAll, Delay: s.Delay.Milliseconds(), Loss: s.Loss, Pause: s.Pause,
	}
}

func (l labNode) Switch(to api.Switches) error {
	err := l.network.Switch(p2p.Switches{
		CutAll: to.CutAll, Cut: to.Cut, Delay: time.Duration(to.Delay) * time.Millisecond, Loss: to.Loss, Pause: to.Pause,
	})
	if err == nil {
		l.clock.ahead.Store(to.ClockSkew)
	}
	return err
}

// Lessons lists what can be played.
func (l labNode) Lessons() []api.Lesson { return nil }

// Play runs a lesson.
func (l labNode) Play(_ context.Context, name string, _ api.LessonRun) (api.Story, error) {
	return api.Story{}, fmt.Errorf("%w: %s", rpc.ErrNoLesson, name)
}
