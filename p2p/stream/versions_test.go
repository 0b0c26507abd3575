package stream

import (
	"bufio"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"

	"kuai/p2p/hosttest"
	"kuai/p2p/wire"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// trusting has nothing against anybody.
type trusting struct{}

func (trusting) Punish(peer.ID, error)                   {}
func (trusting) IsFaulty(peer.ID) bool                   { return false }
func (trusting) Refused(peer.ID, string, string, ...any) {}

// TestTheNewestCommonVersionIsAsked lets programs of different ages ask each other: each answers by the version
// that it is asked in.
func TestTheNewestCommonVersionIsAsked(t *testing.T) {
	for _, c := range []struct {
		name           string
		asker, servant []int
		want           int // 0: not asked
	}{
		{"today", nil, nil, 1},
		{"a later one asks", []int{2, 1}, nil, 1},
		{"a later one is asked", nil, []int{2, 1}, 1},
		{"both are later", []int{2, 1}, []int{2, 1}, 2},
		{"one has left out a version", []int{3, 1}, []int{3, 2, 1}, 3},
		{"they have none in common", []int{2}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			asker, servant := hosttest.New(t), hosttest.New(t)
			v := NewServer(trusting{})
			v.versions = versionTable{Status: c.servant}
			v.Handle(Status, Limit{PerPeer: 4, Total: 4, Rate: rate.Inf, Within: time.Minute}, func(_ context.Context, x *Exchange) error {
				if err := wire.WriteFrame(x.W, []byte{byte(x.Version)}); err != nil {
					return err
				}
				return x.W.Flush()
			})
			ctx, cancel := context.WithCancel(t.Context())
			v.Open(ctx, servant, "net")
			defer func() { cancel(); v.Close(servant, "net") }()
			if err := asker.Connect(t.Context(), peer.AddrInfo{ID: servant.ID(), Addrs: servant.Addrs()}); err != nil {
				t.Fatal(err)
			}
			client := Client{Host: asker, Network: "net", Refused: trusting{}.Refused, versions: versionTable{Status: c.asker}}
			if c.want != 0 { // identify may have been answered before the handler was listed: a push follows
				hosttest.Eventually(t, "the protocol is listed", func() bool { return client.Speaks(servant.ID(), Status) })
			}
			asked := 0
			err := client.Ask(t.Context(), servant.ID(), Status, time.Minute, func(st network.Stream) error {
				asked = VersionOf(st.Protocol())
				answer, err := wire.ReadOne(bufio.NewReader(st), 1)
				if err == nil && (len(answer) != 1 || int(answer[0]) != asked) {
					t.Errorf("asked in version %d, answered in %v", asked, answer)
				}
				return err
			})
			if asked != c.want || errors.Is(err, ErrUnlisted) != (c.want == 0) || c.want != 0 && err != nil {
				t.Errorf("asked in version %d, want %d: %v", asked, c.want, err)
			}
		})
	}
}

func TestVersionOf(t *testing.T) {
	for id, want := range map[protocol.ID]int{ID("net", Sync): 1, "/kuai/net/sync/23": 23, "/kuai/net/sync/": 0, "/kuai/net/sync/x": 0, "sync": 0, "": 0, "/sync/99999": 0} {
		if got := VersionOf(id); got != want {
			t.Errorf("%q: %d, want %d", id, got, want)
		}
	}
	if !Lists([]protocol.ID{"/a", ID("net", Sync)}, "net", Sync) || Lists([]protocol.ID{"/kuai/net/sync/2", ID("other", Sync)}, "net", Sync) {
		t.Error("a peer lists a protocol if it lists a version of it that this program speaks")
	}
}
