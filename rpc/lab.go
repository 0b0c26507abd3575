package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"kuai/chain/canonical"
	"kuai/rpc/api"
)

// Bounds of the lab.
const (
	maxLessons = 2 // played at once: each takes a core for up to about a second

	maxDelayMS = 30_000
	maxSkew    = 24 * 60 * 60 // seconds, either way
	maxCut     = 256
	maxOther   = 128
	maxSplit   = 3600 // seconds
	usualSplit = 600
	maxSeed    = 1<<53 - 1
	mostNodes  = 1000 // a lesson says its own bounds
)

// Lab is what a node offers that was started with --lab: faults on purpose, and lessons.
type Lab interface {
	Switches() api.Switches
	Switch(s api.Switches) error // an error says what is wrong with them; then nothing has changed
	Sides() api.Sides
	// Split puts lab nodes on two sides. Its error wraps ErrSplit, or says what is wrong with the request; the answer tells who was asked.
	Split(ctx context.Context, other []string, within time.Duration) (api.Split, error)
	Heal(ctx context.Context) (api.Split, error)
	Lessons() []api.Lesson
	// Play runs a lesson. Its error wraps ErrNoLesson or ErrLessonOptions, or is the context's.
	Play(ctx context.Context, name string, run api.LessonRun) (api.Story, error)
}

// Errors that Lab.Play wraps.
var (
	ErrNoLesson      = errors.New("there is no such lesson")
	ErrLessonOptions = errors.New("wrong options")
)

// ErrSplit is wrapped by Lab.Split if the network is split already.
var ErrSplit = errors.New("split already")

// labOnly lets requests pass if the node has a lab and they are from this machine or with the token.
func (s *Server) labOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.cfg.Lab == nil:
			s.refuse(w, r, &problem{status: http.StatusNotFound, title: "no lab", detail: "This node has no lab.",
				hint: "Start it with one: kuai daemon --lab, or kuai join --lab for a network that was joined by a code."})
		case s.cfg.Token == "" && !isLocal(r):
			s.refuse(w, r, &problem{status: http.StatusForbidden, title: "lab refused",
				detail: "Without a token this node lets its own machine only use its lab.",
				hint:   "Ask on that machine, or start the node with --api-token-file."})
		default:
			next(w, r)
		}
	}
}

// lab is GET /lab: the switches as they are, and the lessons.
func (s *Server) lab(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, api.Lab{Lessons: s.cfg.Lab.Lessons(), Sides: s.cfg.Lab.Sides(), Switches: s.cfg.Lab.Switches()})
}

// splitNetwork is PUT /lab/sides.
func (s *Server) splitNetwork(w http.ResponseWriter, r *http.Request) {
	o, err := readKeys(w, r, `{"seconds": 300}`, "other", "seconds")
	var other []string
	seconds := int64(usualSplit)
	if err == nil {
		err = errors.Join(readNumber(o, "seconds", 1, maxSplit, &seconds), readIDs(o, "other", maxOther, "GET /lab lists those that agreed.", &other))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	split, err := s.cfg.Lab.Split(r.Context(), other, time.Duration(seconds)*time.Second)
	switch {
	case errors.Is(err, ErrSplit):
		s.refuse(w, r, &problem{status: http.StatusConflict, title: "split already", detail: "The network is split already: heal it first.", hint: "DELETE /lab/sides does that."})
	case err != nil:
		s.refuse(w, r, &problem{status: http.StatusConflict, title: "network not split", detail: "Nothing was changed: " + err.Error() + ".",
			hint: "The others join with this node's invitation, by the command that GET /invite has: kuai join --lab CODE."})
	default:
		answer(w, http.StatusOK, split)
	}
}

// healNetwork is DELETE /lab/sides.
func (s *Server) healNetwork(w http.ResponseWriter, r *http.Request) {
	split, err := s.cfg.Lab.Heal(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, split)
}

// setSwitches is PUT /lab/switches: all of them as they are to be.
func (s *Server) setSwitches(w http.ResponseWriter, r *http.Request) {
	o, err := readKeys(w, r, `{"delay_ms": 500}`, "clock_skew_s", "cut", "cut_all", "delay_ms", "loss_percent", "pause")
	var to api.Switches
	if err == nil {
		to, err = readSwitches(o)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.cfg.Lab.Switch(to); err != nil {
		s.fail(w, r, badRequest("switches refused", "Nothing was changed: "+err.Error()+".", "GET /peers lists the ids of peers."))
		return
	}
	answer(w, http.StatusOK, s.cfg.Lab.Switches())
}

// readSwitches reads what is not left out.
func readSwitches(o canonical.Object) (to api.Switches, err error) {
	var loss int64
	err = errors.Join(
		readNumber(o, "clock_skew_s", -maxSkew, maxSkew, &to.ClockSkew),
		readNumber(o, "delay_ms", 0, maxDelayMS, &to.Delay),
		readNumber(o, "loss_percent", 0, 100, &loss),
		readBool(o, "cut_all", &to.CutAll),
		readBool(o, "pause", &to.Pause),
		readIDs(o, "cut", maxCut, `Send {"cut_all": true} for all; GET /peers lists the ids.`, &to.Cut),
	)
	to.Loss = int(loss)
	return to, err
}

// readNumber reads an integer from low to high, if the object has that key.
func readNumber(o canonical.Object, key string, low, high int64, to *int64) error {
	v, has := o.Get(key)
	if !has {
		return nil
	}
	number, _ := v.(canonical.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || n < low || n > high {
		return badRequest("number out of range", fmt.Sprintf("%q must be an integer from %d to %d.", key, low, high), "Leave it out for its usual value.")
	}
	*to = n
	return nil
}

// readBool reads true or false, if the object has that key.
func readBool(o canonical.Object, key string, to *bool) error {
	v, has := o.Get(key)
	b, isBool := v.(bool)
	if has && !isBool {
		return badRequest("not true or false", fmt.Sprintf("%q must be true or false.", key), "Leave it out for false.")
	}
	*to = b
	return nil
}

// readIDs reads a list of peer ids, if the object has that key.
func readIDs(o canonical.Object, key string, most int, hint string, to *[]string) error {
	v, has := o.Get(key)
	if !has {
		return nil
	}
	list, isList := v.([]canonical.Value)
	wrong := badRequest("not a list of peers", fmt.Sprintf("%q must be a list of at most %d peer ids.", key, most), hint)
	if !isList || len(list) > most {
		return wrong
	}
	for _, v := range list {
		id, isText := v.(string)
		if !isText {
			return wrong
		}
		*to = append(*to, id)
	}
	return nil
}

// playLesson is POST /lab/lessons/{name}: it answers with the whole story.
func (s *Server) playLesson(w http.ResponseWriter, r *http.Request) {
	o, err := readKeys(w, r, `{"seed": 1}`, "nodes", "seed")
	var nodes, seed int64
	if err == nil {
		err = errors.Join(readNumber(o, "nodes", 0, mostNodes, &nodes), readNumber(o, "seed", 0, maxSeed, &seed))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	select {
	case s.lessons <- struct{}{}:
		defer func() { <-s.lessons }()
	default:
		s.refuse(w, r, &problem{status: http.StatusServiceUnavailable, title: "busy", detail: "Too many lessons are played already.", hint: "Try again in a second.", retry: 1})
		return
	}
	story, err := s.cfg.Lab.Play(r.Context(), r.PathValue("name"), api.LessonRun{Nodes: int(nodes), Seed: seed})
	switch {
	case errors.Is(err, ErrNoLesson):
		err = notFound("There is no lesson of that name.", "GET /lab lists them.")
	case errors.Is(err, ErrLessonOptions):
		err = badRequest("lesson cannot be played so", "Not played: "+err.Error()+".", "GET /lab has the bounds of each lesson.")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, story)
}
