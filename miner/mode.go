package miner

import (
	"fmt"
	"strings"
	"time"
)

// Mode says when to mine without being asked. The zero value is Manual. Modes are comparable.
type Mode struct {
	kind  kind
	every time.Duration // interval only
}

type kind int

const (
	manual kind = iota
	instant
	interval
	continuous
)

// The modes without a parameter.
var (
	Manual     = Mode{kind: manual}     // only when asked
	Instant    = Mode{kind: instant}    // a block soon after a payment arrives
	Continuous = Mode{kind: continuous} // one block after another
)

// Interval is a block about every d, of any miner: the wait starts anew with each new tip.
func Interval(d time.Duration) Mode { return Mode{interval, d} }

// ParseMode reads what String writes: manual, instant, interval=5s or continuous.
func ParseMode(s string) (Mode, error) {
	for _, m := range []Mode{Manual, Instant, Continuous} {
		if s == m.String() {
			return m, nil
		}
	}
	every, given := strings.CutPrefix(s, "interval=")
	if !given {
		return Mode{}, fmt.Errorf("mining mode %q: want manual, instant, interval=5s or continuous", s)
	}
	d, err := time.ParseDuration(every)
	if err != nil || d <= 0 {
		return Mode{}, fmt.Errorf("mining mode %q: want a duration above zero after the sign, as in interval=5s or interval=1m30s", s)
	}
	return Interval(d), nil
}

// String writes the mode as ParseMode reads it.
func (m Mode) String() string {
	if m.kind == interval {
		return "interval=" + m.every.String()
	}
	return [...]string{manual: "manual", instant: "instant", continuous: "continuous"}[m.kind]
}

// MarshalText writes the mode for JSON and configuration files.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the mode from JSON and configuration files.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}
