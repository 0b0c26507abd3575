package p2p_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
	"kuai/p2p/p2ptest"
)

// TestEvilLeadDoesNotMakeAHelperGuilty lets a bare host lead a download: it names the tip of the honest peer, so
// that this one helps, and says what does not lead there.
func TestEvilLeadDoesNotMakeAHelperGuilty(t *testing.T) {
	for _, c := range []struct {
		name string
		fork int64 // where it says that the chains part
		off  bool  // it gives a valid block of another branch
	}{
		{"a block of another branch, then silence", 1, true},
		{"a fork that is none, then silence", 5, false},
		{"silence", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &hosttest.Log{}
			bubble(t, p2ptest.Options{Nodes: 2, Log: log}, func(t *testing.T, net *p2ptest.Net) {
				net.Cut(func(i int) int { return i })
				net.Mine(1, 300)
				tip, rules := net.Nodes[1].Chain.Tip(), net.Nodes[1].Chain.Rules()
				answer := p2p.HeadFrameAt(c.fork, uint32(tip.Index-c.fork), tip.Index, tip.Hash)
				if c.off {
					answer = append(answer, p2p.Frame(chaintest.Block(t, rules, rules.Genesis.Header(), "evil").Canonical())...)
				}
				led := tell(t, net, func(ctx context.Context, s network.Stream, _ []byte, _ [][]byte) {
					_, _ = s.Write(answer)
					net.Heal()
					<-ctx.Done()
				})
				net.Await(10*time.Second, "the evil peer leads", func() bool { return len(led) > 0 })
				net.Reach(20*time.Second, tip.Hash)
				if strings.Contains(log.String(), `msg="peer did not deliver" node=0 peer=`+net.Nodes[1].ID()) {
					t.Error("the helper has stalls")
				}
				nobodyBlamed(t, net)
			})
		})
	}
}
