package main

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"kuai/miner/search"
)

// benchLimit is how long 'kuai bench' may time each kernel.
const benchLimit = time.Minute

// benchmark is what 'kuai bench' prints.
type benchmark struct {
	Kernels []kernelSpeed `json:"kernels"` // the fastest first
	System  string        `json:"system"`  // as Go names it, such as linux/amd64
}

type kernelSpeed struct {
	Kernel string  `json:"kernel"`
	Chosen bool    `json:"chosen"`
	Tries  float64 `json:"tries_per_second"` // of one core, the median
	Best   float64 `json:"best_tries_per_second"`
	Times  float64 `json:"times_library"` // as many as with crypto/sha256
}

func newBench() *cobra.Command {
	var each time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how many proofs a core of this machine tries in a second",
		Long: "Measure how many proofs one core tries in a second with each kernel that this processor has, in turns, and show which one the node\n" +
			"uses. A kernel is the program's inner loop for one kind of processor; 'library' is a loop over Go's crypto/sha256. No node is needed, and\n" +
			"none is disturbed but by the work itself.",
		Example: "  kuai bench\n  kuai bench --each 5s --json",
		Args:    arguments(0, 0),
	}
	c.Flags().DurationVar(&each, "each", time.Second, "time each kernel for about this long, at most 1m")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if each <= 0 || each > benchLimit {
			return usageError{fmt.Errorf("--each is %v: give a time above 0 and up to %v, such as 2s", each, benchLimit)}
		}
		b := benchmarkOf(search.Measure(each))
		if asJSON {
			return printJSON(c.OutOrStdout(), b)
		}
		return printBenchmark(c.OutOrStdout(), b)
	}
	return c
}

func benchmarkOf(speeds []search.Speed) benchmark {
	library := 0.0
	for _, s := range speeds {
		if s.Kernel == search.Library {
			library = s.Tries
		}
	}
	b := benchmark{System: runtime.GOOS + "/" + runtime.GOARCH}
	for _, s := range speeds {
		b.Kernels = append(b.Kernels, kernelSpeed{s.Kernel, s.Chosen, s.Tries, s.Best, s.Tries / library})
	}
	return b
}

func printBenchmark(w io.Writer, b benchmark) error {
	t := newTable(w)
	fmt.Fprintln(t, "kernel\ttries a second\tat best\tcompared with the library")
	for _, k := range b.Kernels {
		used := ""
		if k.Chosen {
			used = "\tin use"
		}
		fmt.Fprintf(t, "%s\t%.1f million\t%.1f million\t%.1f times%s\n", k.Kernel, k.Tries/1e6, k.Best/1e6, k.Times, used)
	}
	return t.Flush()
}
