package p2p_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/p2ptest"
)

// liar is a gossipsub router that says what it is told to, connected with the first node.
type liar struct {
	h      host.Host
	blocks *pubsub.Topic
	txs    *pubsub.Topic
}

// enlist puts a liar into the mesh of node 0. It leaves with leave.
func enlist(t *testing.T, net *p2ptest.Net) (l *liar, leave func()) {
	t.Helper()
	l, leave = enlistAt(t, net, []int{0})
	net.Rest(5 * time.Second) // into the mesh
	return l, leave
}

// enlistAt connects a liar with some nodes.
func enlistAt(t *testing.T, net *p2ptest.Net, nodes []int, more ...pubsub.Option) (l *liar, leave func()) {
	t.Helper()
	h, err := net.BareHost()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ps, err := pubsub.NewGossipSub(ctx, h, append(more,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithFloodPublish(true),
		pubsub.WithPeerOutboundQueueSize(1<<15), pubsub.WithSeenMessagesTTL(5*time.Second),
		pubsub.WithMessageIdFn(func(m *pb.Message) string {
			id := sha256.Sum256(slices.Concat([]byte(m.GetTopic()), []byte{0}, m.GetData()))
			return string(id[:20])
		}))...)
	if err != nil {
		t.Fatal(err)
	}
	l = &liar{h: h}
	id := net.Nodes[0].Chain.Rules().Network()
	for topic, to := range map[string]**pubsub.Topic{"block": &l.blocks, "tx": &l.txs} {
		if *to, err = ps.Join("/kuai/" + id + "/" + topic + "/1"); err != nil {
			t.Fatal(err)
		}
		if _, err := (*to).Relay(); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range nodes {
		at, err := peer.AddrInfoFromString(net.Nodes[i].Addresses()[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Connect(ctx, *at); err != nil {
			t.Fatal(err)
		}
	}
	return l, func() {
		cancel()
		_ = h.Close()
	}
}

// say publishes raw messages.
func say(t *testing.T, topic *pubsub.Topic, raws ...[]byte) {
	t.Helper()
	for _, raw := range raws {
		if err := topic.Publish(context.Background(), raw); err != nil {
			t.Fatal(err)
		}
	}
}

// scoreOf returns what node i thinks of a peer.
func scoreOf(net *p2ptest.Net, i int, id peer.ID) float64 {
	for _, p := range net.Nodes[i].Peers() {
		if p.ID == id.String() {
			return p.Score
		}
	}
	return 0
}

// forged is a block on parent whose proof is wrong.
func forged(t *testing.T, r *consensus.Rules, parent consensus.Header, nonce int) []byte {
	t.Helper()
	proof := int64(1_000_000 + nonce*100)
	for r.ValidProof(parent.Proof, proof, parent.Hash) {
		proof++
	}
	b, err := r.NewBlock(parent, proof, parent.Timestamp+1, []consensus.Transaction{chaintest.Reward(r, fmt.Sprint(nonce))})
	if err != nil {
		t.Fatal(err)
	}
	return b.Canonical()
}

func TestThirdInvalidBlockGraylists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 4})
		net.Connected(10 * time.Second)
		evil, leave := enlist(t, net)
		defer leave()
		rules, tip := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
		for i := range 3 {
			if score := scoreOf(net, 0, evil.h.ID()); score <= -60 {
				t.Errorf("graylisted after %d invalid blocks: %v", i, score)
			}
			say(t, evil.blocks, forged(t, rules, tip, i))
			net.Rest(6 * time.Second)
		}
		if score := scoreOf(net, 0, evil.h.ID()); score > -60 {
			t.Errorf("score %v after three invalid blocks, want at most -60", score)
		}
		for _, p := range net.Nodes[0].Node.Peers() {
			want := "connected"
			if p.ID == evil.h.ID().String() {
				want = "graylisted: its gossip is ignored"
			}
			if p.State != want {
				t.Errorf("%s is %q, want %q", p.ID, p.State, want)
			}
		}
		good := chaintest.Block(t, rules, tip, "evil")
		say(t, evil.blocks, good.Canonical())
		net.Rest(time.Second)
		if net.Nodes[0].Chain.Has(good.Hash()) {
			t.Error("a graylisted peer is still heard")
		}
		net.Mine(2, 1)
		net.Reach(time.Second, net.Nodes[2].Chain.Tip().Hash)
		nobodyBlamed(t, net)
	})
}

func TestWhatNobodyMayPassOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 3})
		net.Connected(10 * time.Second)
		rules, tip := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
		good := chaintest.Block(t, rules, tip, "a").Canonical()
		pay := chaintest.Payment().Transaction().AppendCanonical(nil)
		for _, c := range []struct {
			name string
			raw  []byte
			tx   bool
		}{
			{"empty block", nil, false},
			{"rubbish for a block", []byte("rubbish"), false},
			{"a block in Flask's spelling", bytes.ReplaceAll(good, []byte(": "), []byte(":")), false},
			{"a block with a newline", append(good[:len(good):len(good)], '\n'), false},
			{"a block with a wrong proof", forged(t, rules, tip, 1), false},
			{"a payment for a block", pay, false},
			{"an oversize block", bytes.Repeat([]byte(" "), 65<<10), false},
			{"an announcement of nothing", []byte(`{"hash": "`), false},
			{"rubbish for a payment", []byte("rubbish"), true},
			{"a reward for a payment", chaintest.Reward(rules, "a").AppendCanonical(nil), true},
			{"a block for a payment", good, true},
		} {
			evil, leave := enlist(t, net)
			topic := evil.blocks
			if c.tx {
				topic = evil.txs
			}
			say(t, topic, c.raw)
			net.Rest(6 * time.Second)
			if score := scoreOf(net, 0, evil.h.ID()); score > -9 {
				t.Errorf("%s: score %v, want -10", c.name, score)
			}
			leave()
		}
		net.Mine(0, 1)
		net.Reach(time.Second, net.Nodes[0].Chain.Tip().Hash)
		nobodyBlamed(t, net)
	})
}

// TestHeldBlocksAreIgnored publishes what every node holds from the start, and what it has held for long.
func TestHeldBlocksAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 2})
		net.Connected(10 * time.Second)
		net.Mine(0, 1)
		net.Converge(time.Second)
		rules := net.Nodes[0].Chain.Rules()
		held, err := net.Nodes[0].Chain.At(2)
		if err != nil {
			t.Fatal(err)
		}
		net.Rest(20 * time.Second) // until gossip has forgotten the message
		eager, leave := enlist(t, net)
		defer leave()
		for name, raw := range map[string][]byte{"the genesis": rules.Genesis.Canonical(), "block 2": held.Block.Canonical()} {
			say(t, eager.blocks, raw)
			net.Rest(6 * time.Second)
			if score := scoreOf(net, 0, eager.h.ID()); score < 0 {
				t.Errorf("%s costs its sender %v", name, score)
			}
		}
	})
}

// TestFakeOrphansAreNotKept sends as many orphans as one peer's rate allows to be judged, and then looks for all.
func TestFakeOrphansAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 3})
		net.Connected(10 * time.Second)
		evil, leave := enlist(t, net)
		defer leave()
		rules := net.Nodes[0].Chain.Rules()
		const count, burst, pace = 10_000, 5000, 90 // at once, then in each tenth of a second: both are just within the rate
		var hashes []consensus.Hash
		nowhere := consensus.Header{Index: 50, Timestamp: net.Nodes[0].Chain.Tip().Timestamp}
		for i := range count {
			binary.BigEndian.PutUint32(nowhere.Hash[:], uint32(i))
			b, err := rules.NewBlock(nowhere, 0, nowhere.Timestamp+1, []consensus.Transaction{chaintest.Reward(rules, "evil")})
			if err != nil {
				t.Fatal(err)
			}
			say(t, evil.blocks, b.Canonical())
			hashes = append(hashes, b.Hash())
			if i >= burst && i%pace == 0 {
				net.Rest(100 * time.Millisecond)
			}
		}
		net.Rest(10 * time.Second)
		if judged := net.Nodes[0].OrphansJudged(); judged < count*99/100 {
			t.Errorf("only %d of %d orphans were judged", judged, count)
		}
		if slices.ContainsFunc(hashes, net.Nodes[0].Chain.Has) {
			t.Error("an orphan is held")
		}
		if score := scoreOf(net, 0, evil.h.ID()); score < 0 {
			t.Errorf("orphans prove nothing, and cost %v", score)
		}
		net.Mine(1, 1)
		net.Reach(time.Second, net.Nodes[1].Chain.Tip().Hash)
		nobodyBlamed(t, net)
	})
}

func TestOrphanIsPassedOnOnceItAttaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 3, Links: p2ptest.Line})
		net.Connected(10 * time.Second)
		evil, leave := enlist(t, net)
		defer leave()
		rules, tip := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
		first := chaintest.Block(t, rules, tip, "a")
		second := chaintest.Block(t, rules, first.Header(), "a")
		say(t, evil.blocks, second.Canonical())
		net.Rest(100 * time.Millisecond)
		say(t, evil.blocks, first.Canonical())
		net.Rest(100 * time.Millisecond)
		if _, err := net.Nodes[0].Chain.Add(second, "elsewhere"); err != nil {
			t.Fatal(err)
		}
		net.Reach(100*time.Millisecond, second.Hash()) // by gossip: a status round takes longer
	})
}

// TestBogusSubscriptionsCostNothing subscribes to half a million topics that nobody knows: with more in an RPC
// than are read, and with as many as are. The stream stays open: pubsub forgets a peer's topics with it.
func TestBogusSubscriptionsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 2})
		net.Connected(10 * time.Second)
		h, node := meet(t, net)
		defer h.Close()
		s := openGossip(t, h, node)
		before := heap()
		const rpcs = 5000
		for i := range rpcs {
			if i%100 == 0 {
				net.Rest(time.Second)
			}
			each := 16 // as many as are read
			if i%5 == 0 {
				each = 500
			}
			writeRPC(t, s, bogusSubscriptions(i*each, each))
		}
		net.Rest(10 * time.Second)
		if grown := heap() - before; grown > 5<<20 {
			t.Errorf("the heap grew by %d bytes", grown)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		net.Mine(1, 1)
		net.Reach(time.Second, net.Nodes[1].Chain.Tip().Hash)
	})
}

// bogusSubscriptions subscribes to n topics that nobody knows.
func bogusSubscriptions(first, n int) *pb.RPC {
	rpc := &pb.RPC{}
	for i := range n {
		rpc.Subscriptions = append(rpc.Subscriptions, &pb.RPC_SubOpts{
			Subscribe: proto.Bool(true), Topicid: proto.String(fmt.Sprintf("bogus-topic-number-%d", first+i)),
		})
	}
	return rpc
}

// sendRPC opens a gossipsub stream and sends one RPC by hand: a router would remember what it sends.
func sendRPC(t *testing.T, h host.Host, to peer.ID, rpc *pb.RPC) {
	t.Helper()
	s := openGossip(t, h, to)
	writeRPC(t, s, rpc)
	_ = s.Close()
}

// openGossip opens a gossipsub stream.
func openGossip(t *testing.T, h host.Host, to peer.ID) network.Stream {
	t.Helper()
	s, err := h.NewStream(t.Context(), to, pubsub.GossipSubID_v12)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// writeRPC writes one RPC.
func writeRPC(t *testing.T, s network.Stream, rpc *pb.RPC) {
	t.Helper()
	raw, err := proto.Marshal(rpc)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.Write(append(binary.AppendUvarint(nil, uint64(len(raw))), raw...)); err != nil {
		t.Fatal(err)
	}
}

// meet makes a bare host and connects it with node 0.
func meet(t *testing.T, net *p2ptest.Net) (h host.Host, node peer.ID) {
	t.Helper()
	h, err := net.BareHost()
	if err != nil {
		t.Fatal(err)
	}
	join(t, net, h, 0)
	node, err = peer.Decode(net.Nodes[0].ID())
	if err != nil {
		t.Fatal(err)
	}
	return h, node
}

// heap returns the bytes in use after a collection. What pools held is free after two.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
