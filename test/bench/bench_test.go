package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const output = `goos: linux
goarch: amd64
pkg: kuai/rpc
cpu: A Processor
BenchmarkSmallGet/bare/healthz	   20000	     20000 ns/op	     50000 answers/s
BenchmarkSmallGet/kuai/healthz	   20000	     50000 ns/op	     20000 answers/s
BenchmarkParseBlock/1	   20000	     904.6 ns/op	 400.00 MB/s	       0 B/op	       0 allocs/op
PASS
`

// TestPageAndFloor: the values of the output stand on the page, and what is below its floor by more than the rounds differ is named.
func TestPageAndFloor(t *testing.T) {
	r := newResults()
	for range 2 {
		if err := r.read(output); err != nil {
			t.Fatal(err)
		}
	}
	page, below := r.page(2)
	for _, want := range []string{
		"on A Processor, ",
		"| GET /healthz, 32 clients | 20,000 answers/s | 50,000 answers/s, a bare net/http handler | 0.40 (0.40 to 0.40) |",
		"| check of a block with one payment, one core | 905 ns |  |  |  |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	if len(below) != 1 || !strings.Contains(below[0], "GET /healthz, 32 clients: 0.40 of a bare net/http handler") {
		t.Errorf("below the floor: %q", below)
	}
	if err := r.read(strings.Replace(output, "20000 answers/s", "50000 answers/s", 1)); err != nil {
		t.Fatal(err)
	}
	if _, below := r.page(3); len(below) != 0 {
		t.Errorf("the rounds differ by more: %q", below)
	}
}

func TestLessIsBetter(t *testing.T) {
	if got := ratiosOf([]float64{2, 4}, []float64{1, 1, 9}, true); len(got) != 2 || got[0] != 0.5 || got[1] != 0.25 {
		t.Errorf("%v", got)
	}
}

func TestFormat(t *testing.T) {
	for want, value := range map[string]float64{"0 x": 0, "0.00123 x": 0.001234, "1.23 x": 1.234, "12.0 x": 12, "124 x": 123.5, "1,230 x": 1234, "1,230,000 x": 1234567} {
		if got := format([]float64{value}, "x"); got != want {
			t.Errorf("%v: %q, not %q", value, got, want)
		}
	}
	for want, value := range map[string]float64{"905 ns": 904.6, "1.23 µs": 1234, "48.0 ms": 48e6, "1.05 s": 1.05e9} {
		if got := format([]float64{value}, "ns"); got != want {
			t.Errorf("%v: %q, not %q", value, got, want)
		}
	}
}

// TestFiguresNameBenchmarks: what a figure wants is measured, in the short form too where it has a floor.
func TestFiguresNameBenchmarks(t *testing.T) {
	declared := make(map[string]benchmark)
	for _, b := range benchmarks {
		text := readTests(t, "../../"+b.pkg)
		if !regexp.MustCompile(`(?m)^func Benchmark` + b.name + `\(b \*testing\.B\)`).MatchString(text) {
			t.Errorf("no Benchmark%s in %s", b.name, b.pkg)
		}
		declared[b.name] = b
	}
	for _, f := range figures {
		for _, m := range []measurement{f.ours, f.ceiling} {
			name, _, _ := strings.Cut(m.name, "/")
			b, ok := declared[name]
			if m.name == "" {
				continue
			}
			if !ok {
				t.Errorf("%s: no benchmark %s", f.what, name)
			}
			if f.floor > 0 && b.short == "" {
				t.Errorf("%s has a floor, and %s is not in the short form", f.what, name)
			}
		}
		if f.floor > 0 && f.ceiling.name == "" {
			t.Errorf("%s has a floor and no ceiling", f.what)
		}
	}
}

func readTests(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") {
			text, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
	}
	return b.String()
}
