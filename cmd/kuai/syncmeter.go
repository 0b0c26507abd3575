package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"kuai/rpc"
	"kuai/rpc/api"
)

const (
	syncSample  = 500 * time.Millisecond // between two looks at a sync
	syncSamples = 10                     // that the rate is over
	syncNews    = 1000                   // blocks that a sync must lack to be shown on the daemon's terminal
)

// syncMeter measures how fast a sync goes.
type syncMeter struct {
	look func() rpc.SyncStatus

	mu      sync.Mutex
	heights []int64 // of the last samples of this sync
}

// status is what the sync is at, with its rate.
func (m *syncMeter) status() rpc.SyncStatus {
	s := m.look()
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.heights); s.Active && n > 1 {
		s.Rate = float64(m.heights[n-1]-m.heights[0]) / (float64(n-1) * syncSample.Seconds())
	}
	return s
}

// sample notes where the sync is.
func (m *syncMeter) sample() {
	s := m.look()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !s.Active {
		m.heights = nil
		return
	}
	m.heights = append(m.heights, s.Height)
	if len(m.heights) > syncSamples {
		m.heights = m.heights[1:]
	}
}

// run measures until ctx ends, and shows a long sync on line if there is one.
func (m *syncMeter) run(ctx context.Context, line *statusLine) error {
	tick := time.NewTicker(syncSample)
	defer tick.Stop()
	defer line.set("")
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		m.sample()
		text := ""
		if s := m.status(); s.Active && s.Target-s.Height >= syncNews {
			text = "syncing: " + syncProgress(api.NodeSync{Height: s.Height, Target: s.Target, Rate: s.Rate})
		}
		line.set(text)
	}
}

// syncProgress is how far a sync is, how fast it goes and how long the rest takes.
func syncProgress(s api.NodeSync) string {
	text := fmt.Sprintf("at block %d of %d", s.Height, s.Target)
	if s.Target > 0 {
		text += fmt.Sprintf(", %d %%", 100*s.Height/s.Target)
	}
	if s.Rate > 0 {
		rest := float64(s.Target-s.Height) / s.Rate
		text += fmt.Sprintf(", %.0f blocks/s, about %s left", s.Rate, durationText(max(rest, 1)))
	}
	return text
}

// statusLine is the last line of a terminal, below a log. A nil one shows nothing.
type statusLine struct {
	mu   sync.Mutex
	w    io.Writer
	text string
}

// set replaces the line's text, "" for none.
func (l *statusLine) set(text string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if text != l.text {
		_, _ = io.WriteString(l.w, clearLine+text) // a terminal that has gone shows nothing
	}
	l.text = text
}

// Write writes whole lines of the log above the line.
func (l *statusLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == "" {
		return l.w.Write(p)
	}
	_, err := io.WriteString(l.w, clearLine+string(p)+l.text)
	return len(p), err
}
