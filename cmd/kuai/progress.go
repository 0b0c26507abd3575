package main

import (
	"fmt"
	"io"
	"time"
)

// clearLine takes a terminal's line away.
const clearLine = "\r\x1b[K"

// counter returns what shows how far long work is, on one line of w where it is a terminal, and what clears that line.
func counter(w io.Writer, what string) (show func(done, total int64), end func()) {
	if !isTerminal(w) {
		return func(int64, int64) {}, func() {}
	}
	var last time.Time
	show = func(done, total int64) {
		if time.Since(last) < progressEvery {
			return
		}
		last = time.Now()
		_, _ = io.WriteString(w, clearLine+countText(what, done, total))
	}
	return show, func() { _, _ = io.WriteString(w, clearLine) }
}

// countText is one line; total is 0 where it is not known.
func countText(what string, done, total int64) string {
	if total == 0 {
		return fmt.Sprintf("%s: block %d", what, done)
	}
	return fmt.Sprintf("%s: block %d of %d, %d %%", what, done, total, 100*done/total)
}
