package process

import (
	"testing"
	"time"
)

// Eventually looks until check has nothing to say.
func Eventually(t testing.TB, what string, within time.Duration, check func() error) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(within)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s: not within %v: %v", what, within, err)
		}
	}
}
