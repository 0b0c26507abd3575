package chainsync

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// forgingPeer is a test peer that answers chain requests with forge instead.
func forgingPeer(t testing.TB, r *consensus.Rules, forge stream.Handler, blocks ...*consensus.Block) *testPeer {
	t.Helper()
	tp := newTestPeer(t, chainOf(t, r, blocks...))
	tp.server.Handlers[stream.Sync] = forge
	return tp.start(t)
}

// forged is a handler that reads the request, lets edit change the true answer's frames, and sends them.
func forged(v func() *Syncer, edit func(req wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte) stream.Handler {
	return func(_ context.Context, x *stream.Exchange) error {
		req, head, raws, err := v().truth(x)
		if err != nil {
			return err
		}
		if len(raws) > 1 {
			raws = edit(req, &head, raws)
		}
		if err := wire.WriteFrame(x.W, head.Append(nil)); err != nil {
			return err
		}
		for _, raw := range raws {
			if err := wire.WriteFrame(x.W, raw); err != nil {
				return err
			}
		}
		return x.W.Flush()
	}
}

// truth reads a chain request and returns the honest answer.
func (s *Syncer) truth(x *stream.Exchange) (req wire.SyncRequest, head wire.SyncHead, raws [][]byte, err error) {
	payload, err := wire.ReadOne(x.R, wire.MaxSyncRequest)
	if err != nil {
		return
	}
	if req, err = wire.ParseSyncRequest(payload); err != nil {
		return
	}
	snap := s.chain.Snapshot()
	defer snap.Close()
	head = planAnswer(snap, req)
	for raw, err := range snap.Blocks(head.From, head.From+int64(head.Count)) {
		if err != nil {
			return req, head, nil, err
		}
		raws = append(raws, bytes.Clone(raw))
	}
	return req, head, raws, nil
}

// badAnswers are provably bad: each must cost its sender its connection, and nothing else.
func badAnswers(t *testing.T) map[string]func(req wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte {
	stranger := chaintest.New(t).Mine(3).Branch()[2].Canonical()
	at := func(raws [][]byte) int { return rand.IntN(len(raws)) }
	return map[string]func(req wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte{
		"a byte changed": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			i := at(raws)
			raws[i][len(raws[i])/2] ^= 1
			return raws
		},
		"not canonical": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			i := at(raws)
			raws[i] = append(raws[i], ' ')
			return raws
		},
		"a proof changed": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			i := at(raws)
			raws[i] = bytes.Replace(raws[i], []byte(`"proof": `), []byte(`"proof": 7`), 1)
			return raws
		},
		"empty frames": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			raws[at(raws)] = nil
			return raws
		},
		"a block left out": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			i := rand.IntN(len(raws) - 1)
			return append(raws[:i], raws[i+1:]...)
		},
		"a loop": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			i := 1 + rand.IntN(len(raws)-1)
			return append(raws[:i:i], raws...)[:len(raws)]
		},
		"a stranger first": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			raws[0] = stranger
			return raws
		},
		"one block more than said": func(_ wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte {
			head.Count--
			return raws
		},
		"more than was asked for": func(req wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte {
			head.Count = req.Count + 1
			head.Height = 1 << 40
			return raws
		},
		"blocks past the tip": func(_ wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte {
			head.Height = head.From
			return raws
		},
		"an answer to another question": func(_ wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte {
			head.From++
			return raws[1:]
		},
		"an oversize frame": func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
			raws[at(raws)] = make([]byte, chaintest.Rules().MaxBlockBytes+1)
			return raws
		},
	}
}

func TestProvablyBadAnswerCostsTheConnection(t *testing.T) {
	blocks := chaintest.New(t).Paying().Mine(300).Branch()
	for name, edit := range badAnswers(t) {
		t.Run(name, func(t *testing.T) {
			hosttest.NoLeaks(t)
			var liar *testPeer
			liar = forgingPeer(t, chaintest.Rules(), forged(func() *Syncer { return liar.Syncer }, edit), blocks...)
			fresh := startOn(t, chaintest.Rules())
			fresh.connect(t, liar)
			hosttest.Eventually(t, "the liar is refused", func() bool { return fresh.table.IsRefused(liar.id) })
			hosttest.Eventually(t, "the liar is disconnected", func() bool {
				return fresh.host.Network().Connectedness(liar.id) != network.Connected
			})
			honest := startOn(t, chaintest.Rules(), blocks...)
			fresh.connect(t, honest)
			fresh.reaches(t, blocks[len(blocks)-1].Hash())
			sameChain(t, honest.chain, fresh.chain)
			if fresh.table.IsRefused(honest.id) || fresh.table.Score(honest.id) != 0 {
				t.Error("the honest peer was penalised")
			}
		})
	}
}

func TestFrameOfAnyLengthAllocatesNothing(t *testing.T) {
	hosttest.NoLeaks(t)
	huge := binary.AppendUvarint(nil, 1<<28-1)
	liar := newTestPeer(t, chainOf(t, chaintest.Rules(), chaintest.New(t).Mine(10).Branch()...))
	liar.server.Handlers[stream.Sync] = func(_ context.Context, x *stream.Exchange) error {
		if _, err := x.W.Write(huge); err != nil {
			return err
		}
		return x.W.Flush()
	}
	liar.start(t)
	fresh := startOn(t, chaintest.Rules())
	fresh.connect(t, liar)
	hosttest.Eventually(t, "the liar is refused", func() bool { return fresh.table.IsRefused(liar.id) })
}

func TestClaimThatASyncDoesNotBearOutIsSpent(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(50).Branch()
	liar := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks[:20]...))
	liar.server.Handlers[stream.Status] = func(_ context.Context, x *stream.Exchange) error {
		if _, err := wire.ReadOne(x.R, wire.MaxStatus); err != nil {
			return err
		}
		lie := liar.ownStatus()
		lie.Height, lie.Tip = 1<<50, consensus.Hash{1}
		if err := wire.WriteFrame(x.W, lie.Append(nil)); err != nil {
			return err
		}
		return x.W.Flush()
	}
	liar.serveOnly(t) // it never asks, so that it says nothing true either

	fresh := startOn(t, chaintest.Rules())
	fresh.connect(t, liar)
	fresh.reaches(t, blocks[19].Hash()) // what it really has is welcome
	hosttest.Eventually(t, "the claim is spent", func() bool {
		fresh.mu.Lock()
		defer fresh.mu.Unlock()
		return fresh.contacts[liar.id] != nil && fresh.contacts[liar.id].rejectedTip == consensus.Hash{1}
	})
	if _, ok := fresh.Claim(liar.id); !ok || len(fresh.candidates(fresh.isAhead)) != 0 {
		t.Error("the liar would be asked again for the same claim")
	}
	honest := startOn(t, chaintest.Rules(), blocks...)
	fresh.connect(t, honest)
	fresh.reaches(t, blocks[49].Hash())
	if fresh.table.IsRefused(liar.id) {
		t.Error("a claim alone proves nothing, yet the peer is refused")
	}
}

func TestBadBlockFromAHelperIsCharged(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(3000).Branch()
	honest := startOn(t, chaintest.Rules(), blocks...)
	var liar *testPeer
	liar = forgingPeer(t, chaintest.Rules(), forged(func() *Syncer { return liar.Syncer }, func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
		i := rand.IntN(len(raws))
		raws[i][len(raws[i])/2] ^= 1
		return raws
	}), blocks...)
	fresh := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	fresh.spanBlocks = 64
	fresh.start(t)
	fresh.connect(t, honest)
	fresh.connect(t, liar)
	fresh.reaches(t, blocks[len(blocks)-1].Hash())
	sameChain(t, honest.chain, fresh.chain)
	if fresh.table.Score(honest.id) != 0 {
		t.Error("the honest peer was penalised for another's block")
	}
}

func TestStaticPeerIsPausedNeverRefused(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(30).Branch()
	var liar *testPeer
	liar = forgingPeer(t, chaintest.Rules(), forged(func() *Syncer { return liar.Syncer }, func(_ wire.SyncRequest, _ *wire.SyncHead, raws [][]byte) [][]byte {
		raws[7] = []byte("{}")
		return raws
	}), blocks...)
	fresh := startOn(t, chaintest.Rules())
	fresh.table.Protect(liar.id)
	fresh.connect(t, liar)
	hosttest.Eventually(t, "the liar is paused", func() bool { return fresh.table.Paused(liar.id) })
	if fresh.table.IsRefused(liar.id) || fresh.host.Network().Connectedness(liar.id) != network.Connected {
		t.Error("a static peer was sent away")
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	long := bytes.Repeat([]byte{0x80}, 5)
	for _, name := range []string{stream.Status, stream.Sync, stream.Blocks} {
		for i, request := range [][]byte{long, {0x80, 0x00}, {0}, {1, 'x'}, wire.AppendFrame(nil, make([]byte, wire.MaxSyncRequest+1)), wire.AppendFrame(nil, make([]byte, 82))} {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				hosttest.NoLeaks(t)
				victim := startOn(t, chaintest.Rules())
				attacker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
				attacker.connect(t, victim)
				st, err := attacker.host.NewStream(context.Background(), victim.id, stream.ID(victim.network, name))
				if err != nil {
					t.Fatal(err)
				}
				defer st.Reset()
				if _, err := st.Write(request); err != nil {
					t.Fatal(err)
				}
				hosttest.Eventually(t, "the attacker is refused", func() bool { return victim.table.IsRefused(attacker.id) })
			})
		}
	}
}
