package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"kuai/cmd/kuai/lab"
	"kuai/p2p"
	"kuai/rpc"
	"kuai/rpc/api"
)

// skewedClock is a clock that can be set wrong on purpose.
type skewedClock struct{ ahead atomic.Int64 } // seconds

func (c *skewedClock) now() time.Time {
	return time.Now().Add(time.Duration(c.ahead.Load()) * time.Second)
}

// labOf returns the lab of the node, nil unless it was started with --lab.
func labOf(cfg Config, n *p2p.Node) rpc.Lab {
	if !cfg.Lab {
		return nil
	}
	return labNode{n, cfg.clock}
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
func (l labNode) Lessons() []api.Lesson {
	all, err := asAnswer[[]api.Lesson](lab.List())
	if err != nil {
		panic("kuai: a lesson is not as the API has it: " + err.Error())
	}
	return all
}

// Play runs a lesson.
func (l labNode) Play(ctx context.Context, name string, run api.LessonRun) (api.Story, error) {
	story, err := lab.Run(ctx, name, lab.Options{Nodes: run.Nodes, Seed: uint64(run.Seed)})
	switch {
	case errors.Is(err, lab.ErrUnknown):
		err = fmt.Errorf("%w: %w", rpc.ErrNoLesson, err)
	case errors.Is(err, lab.ErrOptions):
		err = fmt.Errorf("%w: %w", rpc.ErrLessonOptions, err)
	}
	if err != nil {
		return api.Story{}, err
	}
	return asAnswer[api.Story](story)
}

// asAnswer gives a value of package lab, which knows no API, the API's type for it.
func asAnswer[T any](v any) (answer T, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return answer, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return answer, d.Decode(&answer)
}
