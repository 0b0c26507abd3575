package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kuai/cmd/kuai/lab"
)

// labTime bounds one lesson. The longest takes about a second.
const labTime = 5 * time.Minute

// newLab makes the verbs for lessons. They start nodes of their own inside this process and ask no other node.
func newLab() *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "Run lessons: forks, attacks and the tutorial's known bugs, on a simulated network",
		Long: "Run lessons. Each starts nodes of its own in this process, on a simulated network, tells step by step what happens and ends with a\n" +
			"verdict. The same seed gives the same story. No node is needed, and none is disturbed.",
		Example: "  kuai lab list\n  kuai lab run fork-race --seed 7",
		Args:    knownVerb,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newLabList(), newLabRun(), newLabSwitches(), newLabSplit(), newLabHeal())
	return c
}

func newLabList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the lessons",
		Example: "  kuai lab list\n  kuai lab list --json",
		Args:    arguments(0, 0),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if asJSON {
			return printJSON(c.OutOrStdout(), lab.List())
		}
		t, l := newTable(c.OutOrStdout()), languageFor(c)
		for _, lesson := range lab.List() {
			fmt.Fprintf(t, "%s\t%s\n", lesson.Name, l.of(lesson.About))
		}
		return t.Flush()
	}
	return c
}

// labFlags are those of 'kuai lab run'.
type labFlags struct {
	nodes  int
	seed   uint64
	noWait bool
	json   bool
}

func newLabRun() *cobra.Command {
	var f labFlags
	c := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a lesson, or all of them, and tell whether it came out as it teaches",
		Long: "Run a lesson: ask on a terminal what you expect, then print what happens step by step and the verdict. NAME is one of\n" +
			"'kuai lab list', or all: then each lesson is one line. Exit code 1: a verdict does not hold. With --json, the story is an object;\n" +
			"with all, a list of them.",
		Example:   "  kuai lab run tampering\n  kuai lab run fork-race --nodes 8 --seed 7\n  kuai lab run all --json",
		Args:      arguments(1, 1),
		ValidArgs: append(lab.Names(), allLessons),
	}
	c.Flags().IntVar(&f.nodes, "nodes", 0, "how many nodes take part; 0: as many as the lesson has")
	c.Flags().Uint64Var(&f.seed, "seed", lab.DefaultSeed, "what all chance comes from: another seed, another story")
	c.Flags().BoolVar(&f.noWait, "no-wait", false, "do not ask for a prediction, as on what isn't a terminal")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, words []string) error {
		if words[0] == allLessons {
			return f.runAll(c)
		}
		return f.runOne(c, words[0])
	}
	return c
}

// allLessons is the name that runs all lessons.
const allLessons = "all"

// verdict is the error of lessons some of whose verdicts do not hold, nil if all hold.
func verdict(stories ...*lab.Story) error {
	var failed []string
	for _, s := range stories {
		if !s.Verdict.OK {
			failed = append(failed, s.Lesson)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("the verdict does not hold: %s", strings.Join(failed, ", "))
}

// tell runs a lesson.
func (f *labFlags) tell(ctx context.Context, name string) (*lab.Story, error) {
	ctx, cancel := context.WithTimeout(ctx, labTime)
	defer cancel()
	s, err := lab.Run(ctx, name, lab.Options{Nodes: f.nodes, Seed: f.seed})
	switch {
	case errors.Is(err, lab.ErrUnknown):
		return nil, usageError{fmt.Errorf("unknown lesson %q%s: 'kuai lab list' shows all", name, didYouMean(name, lab.Names()))}
	case errors.Is(err, lab.ErrOptions):
		return nil, usageError{err}
	}
	return s, err
}

func (f *labFlags) runOne(c *cobra.Command, name string) error {
	s, err := f.tell(c.Context(), name)
	if err != nil {
		return err
	}
	out, l := c.OutOrStdout(), languageFor(c)
	if f.json {
		err = printJSON(out, s)
	} else if err = printQuestion(out, l, s); err == nil {
		said := 0
		if !f.noWait && isTerminal(out) && term.IsTerminal(int(os.Stdin.Fd())) {
			said, err = askPrediction(c.Context(), out, os.Stdin, l, len(s.Choices))
		}
		if err == nil {
			err = printStory(out, l, s, said)
		}
	}
	if err != nil {
		return err
	}
	return verdict(s)
}

// askPrediction asks which of so many choices will come true, and returns its number: 0 if nothing was chosen.
func askPrediction(ctx context.Context, out io.Writer, in io.Reader, l language, choices int) (int, error) {
	lines := make(chan string)
	go func() { // ends with the process if the question is interrupted
		defer close(lines)
		for typed := bufio.NewScanner(in); typed.Scan(); {
			lines <- strings.TrimSpace(typed.Text())
		}
	}()
	for {
		fmt.Fprintf(out, "\n%s ", l.format("What do you expect? [1-%d, Enter to go on without]", choices))
		select {
		case line := <-lines:
			if line == "" {
				return 0, nil
			}
			if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= choices {
				return n, nil
			}
		case <-ctx.Done():
			return 0, errors.New("interrupted before the story was told")
		}
	}
}

func (f *labFlags) runAll(c *cobra.Command) error {
	if f.nodes != 0 {
		return usageError{errors.New("--nodes is for one lesson: each has bounds of its own")}
	}
	var stories []*lab.Story
	t, l := newTable(c.OutOrStdout()), languageFor(c)
	for _, name := range lab.Names() {
		s, err := f.tell(c.Context(), name)
		if err != nil {
			return err
		}
		stories = append(stories, s)
		fmt.Fprintf(t, "%s\t%s\t%s\n", passed(s.Verdict.OK), name, l.of(s.Title))
	}
	var err error
	if f.json {
		err = printJSON(c.OutOrStdout(), stories)
	} else {
		err = t.Flush()
	}
	if err != nil {
		return err
	}
	return verdict(stories...)
}

// of returns a text of a lesson in the language.
func (l language) of(t lab.Text) string {
	if l.zh {
		return t.ZH
	}
	return t.EN
}

func passed(ok bool) string {
	if ok {
		return "pass"
	}
	return "FAIL"
}

// storyColumns is how wide a story is printed, and storyIndent what is left of its text for the time.
const (
	storyColumns = 100
	storyIndent  = 10
)

// printQuestion prints what a lesson asks.
func printQuestion(to io.Writer, l language, s *lab.Story) error {
	var w strings.Builder
	fmt.Fprintf(&w, "%s\n%s\n", l.of(s.Title), hang("", l.of(s.Question), 0))
	for i, choice := range s.Choices {
		fmt.Fprintln(&w, hang(fmt.Sprintf("  %d. ", i+1), l.of(choice), 5))
	}
	_, err := io.WriteString(to, w.String())
	return err
}

// printStory prints for people what happens, and the verdict. said is the number of the choice that was expected, 0 for none.
func printStory(to io.Writer, l language, s *lab.Story, said int) error {
	var w strings.Builder
	labels := make(map[string]string)
	tips := ""
	for _, step := range s.Steps {
		fmt.Fprintf(&w, "\n%s\n", hang(fmt.Sprintf("%6.1f s  ", step.At), l.of(step.Text), storyIndent))
		for _, b := range step.Blocks {
			labels[b.Hash] = b.Label
		}
		if now := tipsOf(step.Nodes, labels); now != tips {
			tips = now
			fmt.Fprintln(&w, hang(strings.Repeat(" ", storyIndent), l.text("tips: ")+tips, storyIndent))
		}
		for _, chart := range step.Charts {
			printChart(&w, l, chart)
		}
	}
	fmt.Fprintln(&w)
	if said > 0 {
		fmt.Fprintln(&w, hang(l.text("expected: "), fmt.Sprintf("%d. %s", said, l.of(s.Choices[said-1])), storyIndent))
	}
	fmt.Fprintf(&w, "%s\n\n", hang(l.text("answer: "), fmt.Sprintf("%d. %s", s.Answer+1, l.of(s.Choices[s.Answer])), storyIndent))
	for _, check := range s.Verdict.Checks {
		fmt.Fprintln(&w, hang(passed(check.OK)+"  ", l.of(check.Text), 6))
	}
	fmt.Fprintf(&w, "\n%s\n", hang("", l.of(s.Verdict.Text), 0))
	_, err := io.WriteString(to, w.String())
	return err
}

// tipsOf lists the nodes on each tip: "5 (A, B), 5′ (C)".
func tipsOf(nodes []lab.NodeState, labels map[string]string) string {
	var order []string
	on := make(map[string][]string)
	for _, n := range nodes {
		if on[n.Tip] == nil {
			order = append(order, n.Tip)
		}
		on[n.Tip] = append(on[n.Tip], n.Name)
	}
	var parts []string
	for _, tip := range order {
		parts = append(parts, fmt.Sprintf("%s (%s)", labels[tip], strings.Join(on[tip], ", ")))
	}
	return strings.Join(parts, ", ")
}

func printChart(w *strings.Builder, l language, chart lab.Chart) {
	indent := strings.Repeat(" ", storyIndent)
	fmt.Fprintf(w, "\n%s%s (%s)\n", indent, l.of(chart.Title), l.text(chart.Unit))
	t := newTable(w)
	fmt.Fprintf(t, "%s\t%s\t%s\n", indent, l.text("computed"), l.text("found"))
	for _, b := range chart.Bars {
		fmt.Fprintf(t, "%s%s\t%s\t%s\n", indent, l.of(b.Label), figure(b.Expected), figure(b.Found))
	}
	_ = t.Flush() // into memory
}

// figure is a number with as many digits as tell something.
func figure(f float64) string {
	if f >= 1000 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}

// hang prints text behind a first part, in lines of storyColumns; all but the first are indented.
func hang(first, text string, indent int) string {
	var out strings.Builder
	out.WriteString(first)
	column := runewidth.StringWidth(first)
	for _, word := range breakable(text) {
		width := runewidth.StringWidth(strings.TrimRight(word, " "))
		if column+width > storyColumns && column > indent {
			out.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		}
		out.WriteString(word)
		column += runewidth.StringWidth(word)
	}
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// breakable splits text where a line may end: behind spaces, and around characters of two columns, but before no mark that ends a clause.
func breakable(text string) (parts []string) {
	start := 0
	runes := []rune(text)
	for i := 1; i <= len(runes); i++ {
		if i < len(runes) {
			wide := runewidth.RuneWidth(runes[i]) == 2 || runewidth.RuneWidth(runes[i-1]) == 2
			if runes[i-1] != ' ' && (!wide || strings.ContainsRune("，。：；、？！）”", runes[i])) {
				continue
			}
		}
		parts = append(parts, string(runes[start:i]))
		start = i
	}
	return parts
}
