package chainsync

import (
	"context"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// A peer that does not deliver is left for another, and loses nothing but its turn.
func TestSilentAndDrippingPeersAreLeft(t *testing.T) {
	blocks := chaintest.New(t).Paying().Mine(1000).Branch()
	dawdlers := map[string]func(ctx context.Context, x *stream.Exchange, frames []byte){
		"silent from the start": func(ctx context.Context, _ *stream.Exchange, _ []byte) { <-ctx.Done() },
		"silent in the middle": func(ctx context.Context, x *stream.Exchange, frames []byte) {
			_, _ = x.Stream.Write(frames[:len(frames)/2])
			<-ctx.Done()
		},
		"a byte a second": func(ctx context.Context, x *stream.Exchange, frames []byte) {
			drip(ctx, x, frames, 1, time.Second)
		},
		"just fast enough to be no stall": func(ctx context.Context, x *stream.Exchange, frames []byte) {
			drip(ctx, x, frames, stream.StallBytes/8, 100*time.Millisecond)
		},
		"cut off in a frame": func(_ context.Context, x *stream.Exchange, frames []byte) {
			_, _ = x.Stream.Write(frames[:len(frames)/2])
		},
	}
	for name, dawdle := range dawdlers {
		t.Run(name, func(t *testing.T) {
			hosttest.NoLeaks(t)
			slow := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks...))
			asked := make(chan struct{}, 64)
			slow.server.Handlers[stream.Sync] = func(ctx context.Context, x *stream.Exchange) error {
				_, head, raws, err := slow.truth(x)
				if err != nil {
					return err
				}
				frames := wire.AppendFrame(nil, head.Append(nil))
				for _, raw := range raws {
					frames = wire.AppendFrame(frames, raw)
				}
				asked <- struct{}{}
				dawdle(ctx, x, frames)
				return nil
			}
			slow.start(t)
			honest := startOn(t, chaintest.Rules(), blocks...)
			fresh := startOn(t, chaintest.Rules())
			fresh.connect(t, slow)
			<-asked
			fresh.connect(t, honest)
			fresh.reaches(t, blocks[len(blocks)-1].Hash())
			sameChain(t, honest.chain, fresh.chain)
			for _, p := range []*testPeer{slow, honest} {
				if fresh.table.IsRefused(p.id) || fresh.table.Score(p.id) != 0 {
					t.Errorf("%s was penalised for being slow", p.id)
				}
			}
		})
	}
}

// drip writes n bytes each pause until the peer has enough.
func drip(ctx context.Context, x *stream.Exchange, frames []byte, n int, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for len(frames) > 0 {
		n := min(n, len(frames))
		if _, err := x.Stream.Write(frames[:n]); err != nil {
			return
		}
		frames = frames[n:]
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
