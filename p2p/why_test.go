package p2p_test

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/p2ptest"
)

// logText is a log that a test reads while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// lines returns the lines that hold all of words.
func (l *logText) lines(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
lines:
	for line := range strings.Lines(l.text.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		found = append(found, line)
	}
	return found
}

// mistake is what a client's developer gets wrong, and the words that the node's log says of it.
type mistake struct {
	name string
	make func(t *testing.T, net *p2ptest.Net, h host.Host, node peer.ID)
	want []string
}

// streams returns the name of a stream protocol of net.
func streams(net *p2ptest.Net, name string) protocol.ID {
	return protocol.ID("/kuai/" + net.Nodes[0].Chain.Rules().Network() + "/" + name + "/1")
}

// request sends raw on a stream of its own and waits for the end of the answer.
func request(name string, raw []byte) func(*testing.T, *p2ptest.Net, host.Host, peer.ID) {
	return func(t *testing.T, net *p2ptest.Net, h host.Host, node peer.ID) {
		s, err := h.NewStream(t.Context(), node, streams(net, name))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Write(raw)
		_ = s.CloseWrite()
		_, _ = io.Copy(io.Discard, s)
	}
}

// gossiped sends a message on the block topic; edit may change it.
func gossiped(block func(t *testing.T, r *consensus.Rules) []byte, edit func(*pb.Message)) func(*testing.T, *p2ptest.Net, host.Host, peer.ID) {
	return func(t *testing.T, net *p2ptest.Net, h host.Host, node peer.ID) {
		r := net.Nodes[0].Chain.Rules()
		m := &pb.Message{Data: block(t, r), Topic: proto.String("/kuai/" + r.Network() + "/block/1")}
		if edit != nil {
			edit(m)
		}
		sendRPC(t, h, node, &pb.RPC{Publish: []*pb.Message{m}})
	}
}

// blockAt is a valid block on the genesis, but for its parent or its time.
func blockAt(parent func(consensus.Header) consensus.Header, at float64) func(t *testing.T, r *consensus.Rules) []byte {
	return func(t *testing.T, r *consensus.Rules) []byte {
		last := parent(r.Genesis.Header())
		b, err := r.NewBlock(last, chaintest.Proof(r, last), at, []consensus.Transaction{chaintest.Reward(r, "a")})
		if err != nil {
			t.Fatal(err)
		}
		return b.Canonical()
	}
}

func mistakes() []mistake {
	same := func(h consensus.Header) consensus.Header { return h }
	strange := func(h consensus.Header) consensus.Header { h.Hash[0] ^= 1; return h }
	return []mistake{
		{"a truncated frame", request("status", append([]byte{83}, make([]byte, 40)...)),
			[]string{"/status/1", "a frame of 83 bytes was expected, 40 came", "code=0x0"}},
		{"no frame", request("sync", nil), []string{"/sync/1", "a frame was expected, nothing came"}},
		{"a frame too long", request("blocks", []byte{0xff, 0xff, 0x03}), []string{"/blocks/1", "frame of 65535 bytes, at most 2048", "code=0x1004"}},
		{"what is not asked for", request("peers", []byte("hello")), []string{"/peers/1", "more than was asked for", "code=0x1004"}},
		{"milliseconds for seconds", gossiped(blockAt(same, 1_700_000_000_000), nil),
			[]string{"/block/1", "timestamp 1700000000000.0, accepted up to", "looks like milliseconds"}},
		{"a block ahead of time", gossiped(blockAt(same, 4_000_000_000), nil), []string{"/block/1", "timestamp 4000000000.0, accepted up to"}},
		{"an orphan", gossiped(blockAt(strange, 1_626_739_300), nil), []string{"/block/1", "parent not held: block 2"}},
		{"a whole block that is large", gossiped(func(*testing.T, *consensus.Rules) []byte { return make([]byte, 70_000) }, nil),
			[]string{"/block/1", "at most 65536 bytes", "70000 bytes came"}},
		{"a signature", gossiped(blockAt(same, 1_626_739_300), func(m *pb.Message) { m.Signature = []byte("signed") }),
			[]string{"/block/1", "unexpected signature", "expected="}},
		{"an author", gossiped(blockAt(same, 1_626_739_300), func(m *pb.Message) { m.From, m.Seqno = []byte("me"), []byte("1") }),
			[]string{"/block/1", "unexpected auth info", "expected="}},
		{"too many topics", func(t *testing.T, _ *p2ptest.Net, h host.Host, node peer.ID) {
			sendRPC(t, h, node, bogusSubscriptions(0, 17))
		},
			[]string{"at most 16 subscriptions were expected, 17 came"}},
		{"too many requests", func(t *testing.T, net *p2ptest.Net, h host.Host, node peer.ID) {
			for range 2 {
				request("peers", nil)(t, net, h, node)
			}
		}, []string{"/peers/1", "too many requests a second", "code=0x1003"}},
		{"an answer that is none", func(_ *testing.T, net *p2ptest.Net, h host.Host, _ peer.ID) {
			h.SetStreamHandler(streams(net, "status"), func(s network.Stream) { _, _ = s.Write([]byte{83, 0}); _ = s.Close() })
		}, []string{"/status/1", "answer not taken", "a frame of 83 bytes was expected, 1 came"}},
	}
}

// TestLogSaysWhy makes each mistake once and reads node 0's log: a line names the peer, the protocol, and what
// was expected and came.
func TestLogSaysWhy(t *testing.T) {
	for _, c := range mistakes() {
		t.Run(c.name, func(t *testing.T) {
			log := &logText{}
			bubble(t, p2ptest.Options{Nodes: 1, Log: log}, func(t *testing.T, net *p2ptest.Net) {
				h, node := meet(t, net)
				defer h.Close()
				net.Rest(10 * time.Second) // what the node asks by itself is over
				c.make(t, net, h, node)
				want := append([]string{"level=DEBUG", h.ID().String()}, c.want...)
				net.Rest(10 * time.Second)
				if len(log.lines(want...)) == 0 {
					t.Errorf("no line says %q. About the peer there are\n%s", c.want, strings.Join(log.lines(h.ID().String()), ""))
				}
			})
		})
	}
}

// TestRefusalIsLoggedOnceAtInfo lets a peer break the protocol, and come back while it is refused.
func TestRefusalIsLoggedOnceAtInfo(t *testing.T) {
	log := &logText{}
	bubble(t, p2ptest.Options{Nodes: 1, Log: log}, func(t *testing.T, net *p2ptest.Net) {
		h, node := meet(t, net)
		defer h.Close()
		at := peer.AddrInfo{ID: node, Addrs: h.Peerstore().Addrs(node)}
		for range 3 {
			request("status", []byte{0xff, 0xff, 0xff, 0xff, 0xff})(t, net, h, node)
		}
		net.Await(10*time.Second, "disconnected", func() bool { return len(h.Network().Peers()) == 0 })
		_ = h.Connect(t.Context(), at)
		net.Rest(time.Second)
		if lines := log.lines("level=INFO", "peer refused", "reason=", "for=10m0s", h.ID().String()); len(lines) != 1 {
			t.Errorf("%d lines at Info about the refusal, want one: %q", len(lines), lines)
		}
		if len(log.lines("level=DEBUG", "of a refused peer", h.ID().String())) == 0 {
			t.Error("the redial is not logged")
		}
	})
}

// TestGraylistingAndItsEndAreLogged silences a peer, and waits for as long as docs/PROTOCOL.md says.
func TestGraylistingAndItsEndAreLogged(t *testing.T) {
	log := &logText{}
	bubble(t, p2ptest.Options{Nodes: 1, Log: log}, func(t *testing.T, net *p2ptest.Net) {
		evil, leave := enlist(t, net)
		defer leave()
		rules, tip := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
		for i := range 3 {
			say(t, evil.blocks, forged(t, rules, tip, i))
			net.Rest(time.Second)
		}
		gray := []string{"level=INFO", "peer graylisted", evil.h.ID().String()}
		heard := []string{"level=INFO", "no longer graylisted", evil.h.ID().String()}
		net.Await(6*time.Second, "it is graylisted", func() bool { return len(log.lines(gray...)) > 0 })
		took := net.Await(20*time.Minute, "it is heard again", func() bool { return len(log.lines(heard...)) > 0 })
		if took < 15*time.Minute || took > 17*time.Minute {
			t.Errorf("silenced for %v, the page says 16 minutes", took)
		}
		if n := len(log.lines(gray...)) + len(log.lines(heard...)); n != 2 {
			t.Errorf("%d lines, want one for each change", n)
		}
	})
}

// TestArrivalsAreLogged lets node 0 hear of a block and a payment of node 1.
func TestArrivalsAreLogged(t *testing.T) {
	log := &logText{}
	bubble(t, p2ptest.Options{Nodes: 2, Log: log}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Rest(5 * time.Second)
		id := net.Pay(1, 1)[0]
		net.AllPending(5*time.Second, []consensus.ID{id})
		net.Mine(1, 1)
		tip := net.Nodes[1].Chain.Tip()
		net.Reach(5*time.Second, tip.Hash)
		from := "peer=" + net.Nodes[1].ID()
		for _, want := range [][]string{
			{"level=INFO", "payment received", "node=0", id.String(), from},
			{"level=INFO", "block received", "node=0", "index=2", tip.Hash.Short(), from},
		} {
			if n := len(log.lines(want...)); n != 1 {
				t.Errorf("%d lines say %q, want 1", n, want)
			}
		}
	})
}

// TestManyArrivalsAreSummedUp lets node 0 hear 5,000 payments and 300 blocks, and a late node sync 2,000 blocks.
func TestManyArrivalsAreSummedUp(t *testing.T) {
	log := &logText{}
	bubble(t, p2ptest.Options{Nodes: 2, Log: log}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Rest(5 * time.Second)
		began := time.Now()
		net.AllKnown(20*time.Second, net.Pay(1, 5000))
		for range 300 { // slowly enough for gossip alone
			net.Mine(1, 1)
			net.Rest(10 * time.Millisecond)
		}
		net.Reach(20*time.Second, net.Nodes[1].Chain.Tip().Hash)
		net.Rest(3 * time.Second)
		most := 2 * (10 + 6*int(time.Since(began)/time.Second+1)) // of each: 10 at once, 5 a second, and a sum each second
		if n := len(log.lines("level=INFO", "received", "node=0")); n > most {
			t.Errorf("%d lines, want at most %d", n, most)
		}
		if len(log.lines("more payments received", "node=0", "count=")) == 0 || len(log.lines("more blocks received", "node=0", "count=")) == 0 {
			t.Error("nothing says how many more there were")
		}
		net.Stop(0)
		net.Mine(1, 2000)
		before := len(log.lines("level=INFO"))
		net.Start(0)
		net.Reach(time.Minute, net.Nodes[1].Chain.Tip().Hash)
		net.Rest(time.Second)
		if started, finished := log.lines("sync started", "level=INFO"), log.lines("sync finished", "level=INFO"); len(started) != 1 || len(finished) != 1 {
			t.Errorf("a long sync began with %q and ended with %q", started, finished)
		}
		if n := len(log.lines("level=INFO")) - before; n > 10 {
			t.Errorf("%d lines at Info about a sync", n)
		}
	})
}
