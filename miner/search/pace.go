package search

import (
	"context"
	"time"
)

const (
	leastRest = 200 * time.Microsecond // shorter ones cost more than they give
	mostRest  = 500 * time.Microsecond // between two looks, so that a new tip is noticed in a rest, too
)

// pace keeps a core's search to its share of the time.
type pace struct {
	share  int // percent
	began  time.Time
	rested time.Duration
}

func newPace(share int) *pace { return &pace{share: share, began: time.Now()} }

// rest waits while the search is above its share, unless ctx ends, and calls look from time to time.
func (p *pace) rest(ctx context.Context, look func()) {
	if p.share >= 100 || p.due() < leastRest {
		return
	}
	for due := p.due(); due > 0 && ctx.Err() == nil; due = p.due() {
		began := time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(min(due, mostRest)):
		}
		p.rested += time.Since(began)
		look()
	}
}

// due is how much longer the search must have rested by now.
func (p *pace) due() time.Duration {
	worked := time.Since(p.began) - p.rested
	return worked*time.Duration(100-p.share)/time.Duration(p.share) - p.rested
}
