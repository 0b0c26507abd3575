package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"kuai/cmd/kuai/invite"
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

// teacher reports of a peer id whether it is that of the node which may put this one on a side: the code by which this node joined names it.
// It is nil if there is none.
func (cfg Config) teacher() func(id string) bool {
	if !cfg.Lab || cfg.joined == nil || cfg.joined.Teacher == (invite.Teacher{}) {
		return nil
	}
	return func(id string) bool { return invite.TeacherOf(id) == cfg.joined.Teacher }
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

// Sides tells how the network is split.
func (l labNode) Sides() api.Sides {
	s := l.network.SplitNow()
	return api.Sides{
		Followers: append([]string{}, l.network.Followers()...), Other: append([]string{}, s.Other...), Side: s.Side, Teacher: s.Teacher, Until: s.Until,
	}
}

// Split puts lab nodes on two sides.
func (l labNode) Split(ctx context.Context, other []string, within time.Duration) (api.Split, error) {
	asked, err := l.network.Split(ctx, other, within)
	if errors.Is(err, p2p.ErrSplit) {
		err = fmt.Errorf("%w: %w", rpc.ErrSplit, err)
	}
	if errors.Is(err, p2p.ErrNobody) {
		err = fmt.Errorf("%w: they join by 'kuai join --lab CODE', as 'kuai invite' shows it here", err)
	}
	return l.asked(asked), err
}

// Heal ends the split.
func (l labNode) Heal(ctx context.Context) (api.Split, error) {
	asked, err := l.network.Heal(ctx)
	return l.asked(asked), err
}

func (l labNode) asked(list []p2p.Asked) api.Split {
	v := api.Split{Asked: []api.AskedNode{}, Sides: l.Sides()}
	for _, a := range list {
		n := api.AskedNode{ID: a.ID, Side: a.Side}
		if a.Err != nil {
			n.Error = a.Err.Error()
		}
		v.Asked = append(v.Asked, n)
	}
	return v
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
