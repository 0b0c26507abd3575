package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// measurement is where a value stands in the benchmarks' output: a benchmark's name and the unit.
type measurement struct{ name, unit string }

// results holds what was measured, a value for each round.
type results struct {
	values map[measurement][]float64
	cpu    string
}

func newResults() *results {
	return &results{values: make(map[measurement][]float64)}
}

// read takes a benchmark's output.
func (r *results) read(text string) error {
	for from := benchfmt.NewReader(strings.NewReader(text), "output"); from.Scan(); {
		switch got := from.Result().(type) {
		case *benchfmt.SyntaxError:
			return got
		case *benchfmt.Result:
			r.cpu = cmp.Or(got.GetConfig("cpu"), r.cpu)
			name := strings.TrimSuffix(got.Name.String(), fmt.Sprintf("-%d", runtime.GOMAXPROCS(0)))
			for _, v := range got.Values {
				unit, value := v.Unit, v.Value
				if v.OrigUnit != "" {
					unit, value = v.OrigUnit, v.OrigValue
				}
				m := measurement{name, unit}
				r.values[m] = append(r.values[m], value)
			}
		}
	}
	return nil
}

// page is the table of figures in Markdown, and what is below its floor.
func (r *results) page(rounds int) (text string, below []string) {
	var b strings.Builder
	fmt.Fprintf(&b, head, cmp.Or(r.cpu, "a processor whose name the system does not tell"), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), rounds)
	for _, f := range figures {
		ours, ok := r.values[f.ours]
		if !ok {
			continue
		}
		ceiling, ratio, floor := "", "", ""
		if theirs := r.values[f.ceiling]; len(theirs) > 0 {
			ratios := ratiosOf(ours, theirs, f.less)
			middle, spread := median(ratios), slices.Max(ratios)-slices.Min(ratios)
			ceiling = format(theirs, f.unit) + ", " + f.of
			ratio = fmt.Sprintf("%.2f", middle)
			if len(ratios) > 1 {
				ratio += fmt.Sprintf(" (%.2f to %.2f)", slices.Min(ratios), slices.Max(ratios))
			}
			if f.floor > 0 {
				floor = fmt.Sprintf("%.2f", f.floor)
				if middle < f.floor-spread {
					below = append(below, fmt.Sprintf("%s: %.2f of %s, the floor is %.2f; the rounds differ by %.2f", f.what, middle, f.of, f.floor, spread))
				}
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.what, format(ours, f.unit), ceiling, ratio, floor)
	}
	io.WriteString(&b, tail)
	return b.String(), below
}

const head = `# Figures

Measured by ` + "`go run ./test/bench -write docs/FIGURES.md`" + ` on %s, %d cores, %s/%s, %s;
medians of up to %d rounds. A ceiling is what a bare prototype of that part reaches on the same machine in the same run; the ratio is taken round by
round and says how much of it kuai reaches, with the least and the most. A program to compare with, if there is one, stands in the same place.
Machines differ, and a server that others use too is slower by up to a half from one minute to the next: look at the ratios.

| what | kuai | beside it | ratio | floor |
|---|---|---|---|---|
`

const tail = `
Where a floor stands, continuous integration measures the ratio at each change, and fails where it is lower by more than the rounds differ.
`

// ratiosOf divides round by round. Where less is better, the ratio is turned over.
func ratiosOf(ours, theirs []float64, less bool) []float64 {
	ratios := make([]float64, min(len(ours), len(theirs)))
	for i := range ratios {
		ratios[i] = ours[i] / theirs[i]
		if less {
			ratios[i] = 1 / ratios[i]
		}
	}
	return ratios
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// format writes the median of values with three significant digits. Nanoseconds become the unit that suits them.
func format(values []float64, unit string) string {
	v := median(values)
	if unit == "ns" {
		for _, larger := range []string{"µs", "ms", "s"} {
			if v < 1000 {
				break
			}
			v, unit = v/1000, larger
		}
	}
	if v == 0 {
		return "0 " + unit
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v)))) // behind the point
	if digits < 0 {
		scale := math.Pow10(-digits)
		v, digits = math.Round(v/scale)*scale, 0
	}
	return thousands(fmt.Sprintf("%.*f", digits, v)) + " " + unit
}

// thousands puts a comma between groups of three digits before the point.
func thousands(text string) string {
	whole, rest, found := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + rest
	}
	return whole
}
