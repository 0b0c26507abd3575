package search

import (
	"testing"
	"testing/synctest"
	"time"
)

// delayed is the library's kernel, each scan later by so long on the clock of a test.
func delayed(name string, by time.Duration) kernel {
	return kernel{name, func(j *job, digits []uint32) int {
		time.Sleep(by)
		return scanLibrary(j, digits)
	}}
}

func TestRaceTakesTheFastest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where only sleeping takes time
		slow, fast, hopeless := delayed("slow", 30*time.Microsecond), delayed("fast", 20*time.Microsecond), delayed("hopeless", time.Second)
		for _, order := range [][]kernel{{slow, fast, hopeless}, {fast, hopeless, slow}, {hopeless, slow, fast}} {
			if got := race(order); got.name != "fast" {
				t.Errorf("of %s, %s, %s the race took %s", order[0].name, order[1].name, order[2].name, got.name)
			}
		}
	})
}

// A processor, or a hypervisor, may say that it has instructions which do not do what they should.
func TestRaceLeavesOutWhatIsWrong(t *testing.T) {
	for name, scan := range map[string]func(*job, []uint32) int{
		"finds nothing":       func(_ *job, digits []uint32) int { return len(digits) },
		"misses every second": func(j *job, digits []uint32) int { return scanLibrary(j, digits) | 1 },
		"wrong past five digits": func(j *job, digits []uint32) int {
			if len(j.message) > 74 {
				return len(digits)
			}
			return scanLibrary(j, digits)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got := race([]kernel{{name, scan}, delayed("right", time.Millisecond)}); got.name != "right" {
				t.Errorf("the race took a kernel that %s", name)
			}
		})
	}
}

func TestMeasureNamesTheChoice(t *testing.T) {
	speeds, chosen := Measure(time.Millisecond), 0
	if len(speeds) != len(kernels()) {
		t.Errorf("%d kernels measured of %d", len(speeds), len(kernels()))
	}
	for _, s := range speeds {
		if s.Chosen {
			chosen++
		}
		if s.Tries <= 0 || s.Best < s.Tries || s.Chosen != (s.Kernel == Kernel()) {
			t.Errorf("measured %+v, chosen is %s", s, Kernel())
		}
	}
	if chosen != 1 {
		t.Errorf("%d kernels are chosen", chosen)
	}
}
