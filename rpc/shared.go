package rpc

import (
	"context"
	"errors"

	"golang.org/x/sync/singleflight"
)

// shared does work, or waits until another caller's run of it ends and returns the outcome of that one. If that run ended because its
// caller left, it tries again.
func shared(ctx context.Context, runs *singleflight.Group, work func(context.Context) error) error {
	for {
		own := false
		_, err, _ := runs.Do("", func() (any, error) {
			own = true
			return nil, work(ctx)
		})
		switch {
		case own || !errors.Is(err, context.Canceled):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}
