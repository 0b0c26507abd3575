package chain

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run does what goes on behind the chain until ctx ends: it brings what was received to disk within a second, moves the index of
// addresses, trims side branches, and drops payments that nobody mines. While nothing changes it does nothing else. It ends with an
// error as soon as the disk fails; the chain then takes no more changes, and reads go on.
func (c *Chain) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.flush(ctx) })
	g.Go(func() error { return c.expireInTime(ctx) })
	g.Go(func() error {
		_ = c.gatherIDs(ctx) // without them every id is looked up; Verify names what is damaged
		_ = c.gatherAccounts(ctx)
		return nil
	})
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

// flushAfter is how long a change waits for others that can share its write to disk. A write takes tens of milliseconds on a slow
// disk, and what a node holds is to be on disk within a second.
const flushAfter = 200 * time.Millisecond

// flush brings to disk what Add, AddBlocks and Submit leave to it, within a second of each change, until ctx ends. While nothing
// changes it does nothing. It ends with an error as soon as the disk fails.
func (c *Chain) flush(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.changed:
		case <-ctx.Done():
			return nil // Close syncs
		}
		timer.Reset(flushAfter)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		if err := c.Sync(); err != nil {
			return err
		}
	}
}
