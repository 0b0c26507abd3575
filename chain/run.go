package chain

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Run does what goes on behind the chain until ctx ends: it brings what was received to disk within a second, moves the index of
// addresses, and trims side branches. While nothing changes it does nothing. It ends with an error as soon as the disk fails; the
// chain then takes no more changes, and reads go on.
func (c *Chain) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.flush(ctx) })
	g.Go(func() error { return whenWoken(ctx, c.addresses.wake, func() error { return c.follow(ctx) }) })
	g.Go(func() error { return whenWoken(ctx, c.trimming, c.trim) })
	return g.Wait()
}

// whenWoken calls do at once, and then whenever it is woken. What fails there neither stops the chain nor the other work: Address
// and Verify name what is damaged, and flush ends when the disk fails.
func whenWoken(ctx context.Context, wake <-chan struct{}, do func() error) error {
	for {
		_ = do()
		select {
		case <-wake:
		case <-ctx.Done():
			return nil
		}
	}
}
