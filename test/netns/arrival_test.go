//go:build linux

package netns

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// arrivals notes when each daemon of a fleet has a block.
type arrivals struct {
	mu    sync.Mutex
	at    map[int64][]time.Time // by the block's index, in order
	grown chan struct{}         // of size one
}

// watch listens to the events of all daemons until the test ends.
func (f *fleet) watch() *arrivals {
	f.t.Helper()
	a := &arrivals{at: make(map[int64][]time.Time), grown: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	f.t.Cleanup(func() { cancel(); all.Wait() })
	for _, n := range f.nodes {
		stream, err := n.events(ctx)
		if err != nil {
			f.t.Fatalf("%s: %v", n.at.name, err)
		}
		all.Go(func() {
			defer stream.Body.Close()
			for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
				a.note(lines.Text())
			}
		})
	}
	return a
}

// events opens the daemon's event stream. From the first answer on no block is missed.
func (n *node) events(ctx context.Context) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d/events", apiPort), nil)
	if err != nil {
		return nil, err
	}
	lasting := http.Client{Transport: n.client.Transport}
	resp, err := lasting.Do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.Join(errors.New(resp.Status), resp.Body.Close())
	}
	return resp, err
}

// note takes a line of an event stream.
func (a *arrivals) note(line string) {
	now := time.Now()
	data, ok := strings.CutPrefix(line, "data: ")
	var block struct {
		Index int64 `json:"index"`
	}
	if !ok || json.Unmarshal([]byte(data), &block) != nil || block.Index == 0 {
		return
	}
	a.mu.Lock()
	a.at[block.Index] = append(a.at[block.Index], now)
	a.mu.Unlock()
	select {
	case a.grown <- struct{}{}:
	default:
	}
}

// everywhere waits until count daemons have a block, and returns when they had it.
func (a *arrivals) everywhere(t testing.TB, index int64, count int) []time.Time {
	t.Helper()
	for late := time.After(settle); ; {
		a.mu.Lock()
		at := a.at[index]
		a.mu.Unlock()
		if len(at) >= count {
			return at
		}
		select {
		case <-a.grown:
		case <-late:
			t.Fatalf("%d of %d daemons have block %d after %v", len(at), count, index, settle)
		}
	}
}
