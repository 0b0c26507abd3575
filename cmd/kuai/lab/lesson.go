package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Limits of what can be asked for.
const (
	MaxNodes    = 50
	MaxSeed     = 1<<53 - 1 // what a JavaScript reader counts without gaps
	DefaultSeed = 1
)

// Errors of Run.
var (
	ErrUnknown = errors.New("no such lesson")
	ErrOptions = errors.New("not possible")
)

// Kinds of lessons.
const (
	KindIdea = "idea" // of chains and networks
	KindBug  = "bug"  // of the tutorial's node
)

// Lesson describes a lesson.
type Lesson struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Title    Text   `json:"title"`
	About    Text   `json:"about"`
	Question Text   `json:"question"` // a prediction to make before the run
	Choices  []Text `json:"choices"`
	Nodes    int    `json:"nodes"` // unless Options say otherwise
	MinNodes int    `json:"min_nodes"`
	MaxNodes int    `json:"max_nodes"`
}

// Options say how a lesson is run.
type Options struct {
	Nodes int    // 0: the lesson's own number
	Seed  uint64 // 1 to MaxSeed; 0: DefaultSeed

	broken string // by tests: what of the world does not work
}

// lesson is a lesson with what it does.
type lesson struct {
	Lesson
	answer int  // index of the right choice
	moral  Text // of a run whose checks hold
	run    func(*world)
}

// lessons are all of them, in the order in which they are taught.
func lessons() []*lesson {
	return []*lesson{
		&tampering, &forkRace, &lossyLinks, &reorg, &doubleSpend, &majority, &selfishMining, &eclipse, &difficulty, &signature,
		&wrongHash, &claimedLength, &foreignGenesis, &tamperedTip, &mintedReward, &parallelMining, &deadNeighbour, &headMines, &lostPayments, &selfRegistration,
	}
}

// List describes all lessons, in the order in which they are taught.
func List() []Lesson {
	var all []Lesson
	for _, l := range lessons() {
		all = append(all, l.Lesson)
	}
	return all
}

// Names are those of all lessons.
func Names() []string {
	var all []string
	for _, l := range lessons() {
		all = append(all, l.Name)
	}
	return all
}

// Run runs a lesson. Errors wrap ErrUnknown or ErrOptions, or say why the run ended early: its context, or a limit of the world.
// A story whose verdict is not OK isn't an error.
func Run(ctx context.Context, name string, o Options) (*Story, error) {
	all := lessons()
	i := slices.IndexFunc(all, func(l *lesson) bool { return l.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%q: %w", name, ErrUnknown)
	}
	l := all[i]
	if o.Nodes == 0 {
		o.Nodes = l.Nodes
	}
	if o.Seed == 0 {
		o.Seed = DefaultSeed
	}
	switch {
	case o.Nodes < l.MinNodes || o.Nodes > l.MaxNodes:
		return nil, fmt.Errorf("%w: the lesson %s takes %s, not %d", ErrOptions, name, l.bounds(), o.Nodes)
	case o.Seed > MaxSeed:
		return nil, fmt.Errorf("%w: a seed is a number up to %d, not %d", ErrOptions, uint64(MaxSeed), o.Seed)
	}
	w := newWorld(ctx, o)
	defer w.close()
	w.story = &Story{
		Lesson: l.Name, Title: l.Title, Seed: o.Seed, Nodes: o.Nodes, Question: l.Question, Choices: l.Choices, Answer: l.answer,
		Steps: []Step{}, Verdict: Verdict{Checks: []Check{}},
	}
	l.run(w)
	if w.err != nil {
		return nil, fmt.Errorf("lesson %s, seed %d: %w", name, o.Seed, w.err)
	}
	w.judge(l.moral)
	return w.story, nil
}

// bounds says how many nodes the lesson takes.
func (l *lesson) bounds() string {
	if l.MinNodes == l.MaxNodes {
		return counted(l.MinNodes, "node", "").EN
	}
	return fmt.Sprintf("%d to %d nodes", l.MinNodes, l.MaxNodes)
}
