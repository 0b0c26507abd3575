package p2p_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// lie answers a fresh node's chain request, given the blocks of the honest chain.
type lie func(ctx context.Context, s network.Stream, request []byte, blocks [][]byte)

const claimed = 10_000 // the height that every liar claims

func lies() map[string]lie {
	head := p2p.HeadFrame(claimed-1, claimed, consensus.Hash{1})
	send := func(s network.Stream, blocks [][]byte) {
		_, _ = s.Write(head)
		for _, b := range blocks {
			if _, err := s.Write(p2p.Frame(b)); err != nil {
				return
			}
		}
	}
	return map[string]lie{
		"says nothing": func(ctx context.Context, _ network.Stream, _ []byte, _ [][]byte) { <-ctx.Done() },
		"a byte a second": func(ctx context.Context, s network.Stream, _ []byte, _ [][]byte) {
			for i := range head {
				if _, err := s.Write(head[i : i+1]); err != nil {
					return
				}
				select {
				case <-time.After(time.Second): // of the bubble
				case <-ctx.Done():
					return
				}
			}
			<-ctx.Done()
		},
		"falls silent in the middle": func(ctx context.Context, s network.Stream, _ []byte, blocks [][]byte) {
			send(s, blocks[:len(blocks)/2])
			<-ctx.Done()
		},
		"has less than it claims": func(_ context.Context, s network.Stream, _ []byte, blocks [][]byte) { send(s, blocks[:9]) },
		"says the same again and again": func(_ context.Context, s network.Stream, _ []byte, blocks [][]byte) {
			_, _ = s.Write(head)
			for {
				if _, err := s.Write(p2p.Frame(blocks[0])); err != nil {
					return
				}
			}
		},
		"one bad block": func(_ context.Context, s network.Stream, _ []byte, blocks [][]byte) {
			i := rand.IntN(len(blocks))
			blocks[i] = bytes.Clone(blocks[i])
			blocks[i][len(blocks[i])/2] ^= 1
			send(s, blocks)
		},
		"a block in each answer, each after a while": oneByOne,
		"what nobody asked for":                      func(_ context.Context, s network.Stream, _ []byte, blocks [][]byte) { send(s, blocks[20:]) },
	}
}

// oneByOne is slower than any honest peer, and no answer of it stalls.
func oneByOne(ctx context.Context, s network.Stream, request []byte, blocks [][]byte) {
	head, from := p2p.HeadOfOne(request, claimed, consensus.Hash{1})
	if head == nil || from-2 >= int64(len(blocks)) {
		return
	}
	select {
	case <-time.After(1500 * time.Millisecond): // of the bubble
	case <-ctx.Done():
		return
	}
	_, _ = s.Write(append(head, p2p.Frame(blocks[from-2])...))
}

// TestLiarsAreLeftWithin10s lets a fresh node meet a liar first, who claims the longest chain. Ten seconds
// after an honest peer comes, the node has the honest chain, and nothing else in between.
func TestLiarsAreLeftWithin10s(t *testing.T) {
	for name, lie := range lies() {
		t.Run(name, func(t *testing.T) {
			bubble(t, p2ptest.Options{Nodes: 3, Links: p2ptest.Line}, func(t *testing.T, net *p2ptest.Net) {
				net.Cut(func(i int) int { return min(i, 1) }) // node 0 is alone
				net.Mine(1, 300)
				asked := tell(t, net, lie)
				net.Await(10*time.Second, "the liar is asked", func() bool { return len(asked) > 0 })
				net.Heal()
				net.Await(10*time.Second, "the honest chain is here", func() bool {
					tip := net.Nodes[0].Chain.Tip()
					if !net.Nodes[1].Chain.Has(tip.Hash) {
						t.Fatalf("the tip is %d %s, which no honest node has", tip.Index, tip.Hash.Short())
					}
					return tip.Hash == net.Nodes[1].Chain.Tip().Hash
				})
				net.Reach(10*time.Second, net.Nodes[1].Chain.Tip().Hash)
				nobodyBlamed(t, net)
			})
		})
	}
}

// TestLiarWhoSaysWhatIsKnownIsLeft lets a liar say a node's own chain to it, block by block, as if it were another one.
func TestLiarWhoSaysWhatIsKnownIsLeft(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 3, Links: p2ptest.Line}, func(t *testing.T, net *p2ptest.Net) {
		net.Mine(1, 300)
		net.Reach(10*time.Second, net.Nodes[1].Chain.Tip().Hash)
		net.Cut(func(i int) int { return min(i, 1) })
		net.Rest(time.Minute)
		asked := tell(t, net, oneByOne)
		net.Await(10*time.Second, "the liar is asked", func() bool { return len(asked) > 0 })
		net.Mine(1, 20)
		net.Heal()
		net.Reach(20*time.Second, net.Nodes[1].Chain.Tip().Hash)
		nobodyBlamed(t, net)
	})
}

// tell lets a bare host lie to node 0, and says on asked when it was asked for its chain.
func tell(t *testing.T, net *p2ptest.Net, lie lie) (asked chan struct{}) {
	t.Helper()
	h, _ := meet(t, net)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = h.Close()
	})
	asked = make(chan struct{}, 1024)
	rules := net.Nodes[1].Chain.Rules()
	blocks := chainOf(t, net.Nodes[1].Chain)
	answer(h, rules, "sync", func(s network.Stream, request []byte) {
		asked <- struct{}{}
		lie(ctx, s, request, append([][]byte(nil), blocks...))
	})
	answer(h, rules, "status", func(s network.Stream, _ []byte) {
		_, _ = s.Write(p2p.StatusFrame(rules.Genesis.Hash(), claimed, consensus.Hash{1}))
	})
	return asked
}

// answer sets a handler that reads the request to its end first.
func answer(h host.Host, r *consensus.Rules, name string, say func(s network.Stream, request []byte)) {
	h.SetStreamHandler(protocol.ID("/kuai/"+r.Network()+"/"+name+"/1"), func(s network.Stream) {
		request, _ := io.ReadAll(s)
		say(s, request)
		_ = s.Close()
	})
}

// chainOf returns the blocks above the genesis.
func chainOf(t *testing.T, c *chain.Chain) (blocks [][]byte) {
	t.Helper()
	for i := int64(2); i <= c.Tip().Index; i++ {
		held, err := c.At(i)
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, held.Block.Canonical())
	}
	return blocks
}

// TestStoppingInterruptsASilentPeer stops a node while it waits for an answer.
func TestStoppingInterruptsASilentPeer(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 2}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		asked := tell(t, net, lies()["says nothing"])
		net.Await(10*time.Second, "the silent peer is asked", func() bool { return len(asked) > 0 })
		began := time.Now()
		net.Stop(0)
		if took := time.Since(began); took > time.Second { // a silent peer is left after two, of the bubble's clock
			t.Errorf("stopped after %v", took)
		}
	})
}

// TestPeerThatComesAndGoesIsPulledNowAndThen lets a peer say many times that it has left a branch of its own
// for ours, so that payments of that branch may be pending again.
func TestPeerThatComesAndGoesIsPulledNowAndThen(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 1}, func(t *testing.T, net *p2ptest.Net) {
		h, node := meet(t, net)
		defer h.Close()
		rules, tip := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
		var pulls atomic.Int64
		h.SetStreamHandler(protocol.ID("/kuai/"+rules.Network()+"/pool/1"), func(s network.Stream) {
			pulls.Add(1)
			_, _ = s.Write(p2p.Frame(nil)) // nothing is pending
			_, _ = io.Copy(io.Discard, s)
			_ = s.Close()
		})
		began := time.Now()
		for time.Since(began) < 20*time.Second {
			for _, at := range []consensus.Hash{{1}, tip.Hash} {
				s, err := h.NewStream(t.Context(), node, protocol.ID("/kuai/"+rules.Network()+"/status/1"))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = s.Write(p2p.StatusFrame(rules.Genesis.Hash(), tip.Index, at))
				_ = s.CloseWrite()
				_, _ = io.Copy(io.Discard, s)
				net.Rest(125 * time.Millisecond)
			}
		}
		seconds := int64(time.Since(began) / time.Second)
		if n := pulls.Load(); n < seconds/2 || n > seconds+2 {
			t.Errorf("pulled %d times in %d s, want once a second", n, seconds)
		}
	})
}
