package lab

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var seeds = flag.Uint64("seeds", 20, "with how many seeds each lesson is run")

// tell runs a lesson.
func tell(t *testing.T, name string, o Options) *Story {
	t.Helper()
	s, err := Run(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// text is a story as it is sent.
func text(t *testing.T, s *Story) string {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestVerdictsHold: each lesson comes out as it teaches, whatever the dice say, and each of its stories is whole.
func TestVerdictsHold(t *testing.T) {
	for _, l := range List() {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= *seeds; seed++ {
				s := tell(t, l.Name, Options{Seed: seed})
				for _, c := range s.Verdict.Checks {
					if !c.OK {
						t.Errorf("seed %d: %s", seed, c.Text.EN)
					}
				}
				if !s.Verdict.OK {
					t.Errorf("seed %d: %s", seed, s.Verdict.Text.EN)
				}
				whole(t, s)
			}
		})
	}
}

// TestMajorityExplainsItsFigures: half of the mining power overtakes in the end, but not always before it gives up, which is what the chart shows.
func TestMajorityExplainsItsFigures(t *testing.T) {
	story := tell(t, "51-percent", Options{Seed: 1})
	last := story.Steps[len(story.Steps)-1]
	half := last.Charts[0].Bars[5]
	if half.Label.EN != "50 %" || math.Abs(half.Expected-100*30.0/34) > 1e-9 {
		t.Errorf("%+v, want 30 of 34: three blocks behind and one ahead, before 30 further back", half)
	}
	for language, text := range map[string]string{"English": last.Text.EN, "Chinese": last.Text.ZH} {
		for _, figure := range []string{"88.2 %", "100 %", "30"} {
			if !strings.Contains(text, figure) {
				t.Errorf("%s says nothing of %s: %s", language, figure, text)
			}
		}
	}
}

// TestSameSeedSameStory: byte for byte, and another seed tells another one.
func TestSameSeedSameStory(t *testing.T) {
	for _, l := range List() {
		var first string
		for _, seed := range []uint64{1, 2, MaxSeed} {
			one, again := text(t, tell(t, l.Name, Options{Seed: seed})), text(t, tell(t, l.Name, Options{Seed: seed}))
			if one != again {
				t.Errorf("%s, seed %d: two stories:\n%s\n%s", l.Name, seed, one, again)
			}
			if first == "" {
				first = strings.ReplaceAll(one, `"seed":1,`, "")
			} else if first == strings.ReplaceAll(one, `"seed":2,`, "") {
				t.Errorf("%s: the seed changes nothing", l.Name)
			}
		}
	}
}

// TestNodes: the fewest and the most nodes that a lesson takes.
func TestNodes(t *testing.T) {
	for _, l := range List() {
		for _, nodes := range []int{l.MinNodes, l.MaxNodes} {
			s := tell(t, l.Name, Options{Nodes: nodes})
			if !s.Verdict.OK || s.Nodes != nodes {
				t.Errorf("%s with %d nodes: %+v", l.Name, nodes, s.Verdict)
			}
			whole(t, s)
		}
		for _, nodes := range []int{l.MinNodes - 1, l.MaxNodes + 1, -1} {
			if _, err := Run(t.Context(), l.Name, Options{Nodes: nodes}); nodes != 0 && !errors.Is(err, ErrOptions) {
				t.Errorf("%s with %d nodes: %v", l.Name, nodes, err)
			}
		}
		if l.MaxNodes > MaxNodes {
			t.Errorf("%s takes %d nodes", l.Name, l.MaxNodes)
		}
	}
}

// whole checks that a page can show a story.
func whole(t *testing.T, s *Story) {
	t.Helper()
	if strings.Contains(text(t, s), "null") || s.Answer < 0 || s.Answer >= len(s.Choices) || len(s.Steps) < 2 || len(s.Verdict.Checks) == 0 {
		t.Errorf("%s: %s", s.Lesson, text(t, s))
	}
	bilingual(t, s)
	at, known := 0.0, map[string]bool{"1": true}
	for _, step := range s.Steps {
		if step.At < at {
			t.Errorf("%s: %v after %v", s.Lesson, step.At, at)
		}
		at = step.At
		for _, b := range step.Blocks {
			if !known[b.Previous] && b.Wrong == nil || known[b.Hash] {
				t.Errorf("%s: block %s before its parent, or twice", s.Lesson, b.Label)
			}
			known[b.Hash] = true
		}
		for _, n := range step.Nodes {
			if !known[n.Tip] || n.Height < 1 || n.Name == "" {
				t.Errorf("%s: node %+v", s.Lesson, n)
			}
		}
		for _, c := range step.Charts {
			for _, b := range c.Bars {
				if f := b.Expected + b.Found; math.IsNaN(f) || math.IsInf(f, 0) {
					t.Errorf("%s: %+v", s.Lesson, c)
				}
			}
		}
	}
}

// bilingual checks every text for people.
func bilingual(t *testing.T, s *Story) {
	t.Helper()
	all := append([]Text{s.Title, s.Question, s.Verdict.Text}, s.Choices...)
	for _, c := range s.Verdict.Checks {
		all = append(all, c.Text)
	}
	for _, step := range s.Steps {
		all = append(all, step.Text)
		for _, n := range step.Nodes {
			if n.Note != nil {
				all = append(all, *n.Note)
			}
		}
		for _, c := range step.Charts {
			all = append(all, c.Title)
		}
		for _, b := range step.Blocks {
			if b.Wrong != nil {
				all = append(all, *b.Wrong)
			}
		}
	}
	for _, text := range all {
		readable(t, s.Lesson, text)
	}
}

func readable(t *testing.T, where string, text Text) {
	t.Helper()
	han := strings.ContainsFunc(text.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if text.EN == "" || !han || strings.Contains(text.EN+text.ZH, "%!") || strings.ContainsFunc(text.EN, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		t.Errorf("%s: %+v", where, text)
	}
}

// TestLessonsAreDescribed in both languages, under names of their own.
func TestLessonsAreDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, l := range List() {
		if seen[l.Name] || l.Kind != KindIdea && l.Kind != KindBug || len(l.Choices) < 2 || len(l.Choices) > 4 {
			t.Errorf("%+v", l)
		}
		seen[l.Name] = true
		for _, text := range append([]Text{l.Title, l.About, l.Question}, l.Choices...) {
			readable(t, l.Name, text)
		}
	}
}

func TestBadOptions(t *testing.T) {
	if _, err := Run(t.Context(), "nothing", Options{}); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := Run(t.Context(), "fork-race", Options{Seed: MaxSeed + 1}); !errors.Is(err, ErrOptions) {
		t.Error(err)
	}
}

// TestRunsEndWithTheirContext and at their limits.
func TestRunsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, l := range List() {
		if s, err := Run(ctx, l.Name, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, %v", l.Name, s, err)
		}
	}
}

func TestWorldsEnd(t *testing.T) {
	for name, live := range map[string]func(*world){
		"time":   func(w *world) { w.now = maxTime + 1; w.settle(); w.mine(w.nodes[0]) },
		"events": func(w *world) { w.tick(); w.settle() },
	} {
		w := newWorld(t.Context(), Options{Seed: 1})
		w.add("A", "")
		live(w)
		if w.close(); !errors.Is(w.err, errLimit) {
			t.Errorf("%s: %v", name, w.err)
		}
	}
}

// tick never ends.
func (w *world) tick() { w.after(0.001, w.tick) }

// TestScratchKeepsBytes: a copy has the bytes of what it copies.
func TestScratchKeepsBytes(t *testing.T) {
	w := newWorld(t.Context(), Options{Seed: 1})
	defer w.close()
	n := w.add("A", "")
	n.share = 1
	w.pay(n, w.payment(w.id(), "爱丽丝", "b\"ob", 5))
	w.nextBlock()
	for _, s := range w.scratches(n) {
		if b, err := n.chain.At(s.index); err != nil || string(b.Block.Canonical()) != string(s.raw()) {
			t.Errorf("%s, %v", s.raw(), err)
		}
	}
}

// TestVerdictsCanFail: in a world where something does not work, the checks see it.
func TestVerdictsCanFail(t *testing.T) {
	broken := map[string]string{
		"tampering": "silent", "fork-race": "silent", "lossy-links": "silent", "reorg": "cut", "double-spend": "cut", "51-percent": "loaded", "selfish-mining": "loaded",
		"eclipse": "cut", "difficulty": "loaded", "signature": "trusting",
	}
	for _, l := range List() {
		what := broken[l.Name]
		if l.Kind == KindBug {
			what = "fixed"
		}
		s := tell(t, l.Name, Options{broken: what})
		if what == "" || s.Verdict.OK || s.Verdict.Text.EN == "" {
			t.Errorf("%s holds although the world is broken: %q", l.Name, what)
		}
	}
}

// chances are what would make two runs of a seed differ.
var chances = regexp.MustCompile(`\btime\.(Now|Since|Sleep|After)|crypto/rand|\bchain\.NewID|\bgo func|\brand\.(Int|Float|Perm|N\()`)

// TestNoChanceButTheSeed: no clock, no other dice, no goroutine.
func TestNoChanceButTheSeed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := chances.Find(source); found != nil && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s uses %s", file, found)
		}
	}
}
