package chainsync

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

func TestFetchByHash(t *testing.T) {
	hosttest.NoLeaks(t)
	tree := chaintest.New(t).Paying().Mine(10)
	active := tree.Branch()
	side := tree.Fork(4).Mine(2).Branch()
	full := newTestPeer(t, chainOf(t, chaintest.Rules(), tree.Blocks()...)).serveOnly(t)
	asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	asker.connect(t, full)
	want := []*consensus.Block{active[9], side[7], nil, active[0]}
	raws, err := asker.Fetch(t.Context(), full.id, []consensus.Hash{want[0].Hash(), want[1].Hash(), {1}, want[3].Hash()})
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range want {
		if b == nil && raws[i] != nil || b != nil && !bytes.Equal(raws[i], b.Canonical()) {
			t.Errorf("answer %d is %q", i, raws[i])
		}
	}
}

func TestFetchOfAnotherBlockIsProvablyBad(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(2).Branch()
	answers := map[string][]byte{
		"another block":  wire.AppendFrame(nil, blocks[1].Canonical()),
		"one too many":   wire.AppendFrame(wire.AppendFrame(nil, blocks[0].Canonical()), blocks[1].Canonical()),
		"oversize frame": {0xff, 0xff, 0xff, 0x7f},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			liar := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
			liar.server.Handlers[stream.Blocks] = func(_ context.Context, x *stream.Exchange) error {
				if _, err := x.W.Write(answer); err != nil {
					return err
				}
				return x.W.Flush()
			}
			liar.serveOnly(t)
			asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
			asker.connect(t, liar)
			if _, err := asker.Fetch(t.Context(), liar.id, []consensus.Hash{blocks[0].Hash()}); !errors.Is(err, wire.ErrViolation) {
				t.Errorf("error %v", err)
			}
			if !asker.table.IsRefused(liar.id) {
				t.Error("the liar is not refused")
			}
		})
	}
}
