// Command bench measures kuai beside its ceilings: what a bare prototype of the same part reaches on the same machine in the same run.
//
//	go run ./test/bench                        # all figures, some 15 minutes on two cores
//	go run ./test/bench -write docs/FIGURES.md
//	go run ./test/bench -short                 # those that have a floor, in two minutes
//
// The benchmarks themselves are ordinary ones of the packages. Each is run in rounds, ours and its ceiling in turns, as machines are noisy:
// a figure is the median of the rounds, a ratio is taken within a round. The exit code is 1 where the median of a ratio is below its floor by
// more than the rounds differ.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	short := flag.Bool("short", false, "only the figures that have a floor, with fewer repeats")
	rounds := flag.Int("rounds", 3, "how often each benchmark runs, 1 to 20")
	only := flag.String("only", "", "only the benchmarks whose name holds this `TEXT`")
	write := flag.String("write", "", "write the page of figures to `FILE`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *short, *rounds, *only, *write, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures and prints. It returns an error where a benchmark fails or a ratio is below its floor.
func run(ctx context.Context, short bool, rounds int, only, write string, out, progress io.Writer) error {
	if rounds < 1 || rounds > 20 {
		return fmt.Errorf("-rounds %d: give 1 to 20", rounds)
	}
	dir, err := os.MkdirTemp("", "kuai-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	measured := newResults()
	chosen := 0
	for round := range rounds {
		for _, b := range benchmarks {
			if !b.possible() || short && b.short == "" || !strings.Contains(b.name, only) || !short && round >= b.mostRounds() {
				continue
			}
			chosen++
			fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, rounds, b.name)
			text, err := b.run(ctx, dir, short)
			if err != nil {
				return err
			}
			if err := measured.read(text); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
	}
	if chosen == 0 {
		return fmt.Errorf("no benchmark's name holds %q", only)
	}
	page, below := measured.page(rounds)
	fmt.Fprint(out, page)
	if write != "" {
		if err := os.WriteFile(write, []byte(page), 0o644); err != nil {
			return err
		}
	}
	if len(below) > 0 {
		return errors.New("below the floor:\n  " + strings.Join(below, "\n  "))
	}
	return nil
}

// benchmark is one run of a package's test binary.
type benchmark struct {
	name   string   // of the function, without "Benchmark"
	parts  string   // of its sub-benchmarks, a pattern as go test -bench takes it after the name; "" is all
	pkg    string   // from the repository's root
	long   string   // how often or how long, as go test -benchtime takes it
	short  string   // the same in the short form; "" leaves it out
	rounds int      // at most, in the long form; 0 is as many as asked for
	env    []string // in addition
	needs  string   // a program without which it is left out
}

// possible reports whether the program that b needs is here.
func (b benchmark) possible() bool {
	if b.needs == "" {
		return true
	}
	_, err := exec.LookPath(b.needs)
	return err == nil
}

func (b benchmark) mostRounds() int {
	if b.rounds == 0 {
		return 20
	}
	return b.rounds
}

// run builds the package's tests if that has not happened yet, and runs the benchmark. The text is in Go's benchmark format.
func (b benchmark) run(ctx context.Context, dir string, short bool) (string, error) {
	binary := filepath.Join(dir, strings.ReplaceAll(b.pkg, "/", "_"))
	if _, err := os.Stat(binary); err != nil {
		if text, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./"+b.pkg).CombinedOutput(); err != nil {
			return "", fmt.Errorf("building the tests of %s: %w\n%s", b.pkg, err, text)
		}
	}
	pattern, times := "^Benchmark"+b.name+"$", b.long
	if b.parts != "" {
		pattern += "/" + b.parts
	}
	if short {
		times = b.short
	}
	cmd := exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", times, "-test.timeout", "30m")
	cmd.Dir, cmd.Env = b.pkg, append(os.Environ(), b.env...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s in %s: %w\n%s%s", pattern, b.pkg, err, out.String(), problems.String())
	}
	return out.String(), nil
}
