package p2p_test

import (
	"github.com/libp2p/go-libp2p/core/crypto"
	libp2precord "github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"context"
	"encoding/binary"
	"flag"
	"io"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/gossip"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

var malformed = flag.Int("malformed", 100_000, "how many frames TestMalformedFrames sends")

// maxHostileHeap is what all nodes of a test and hostile hosts may use together.
const maxHostileHeap = 256 << 20

// heapWatch keeps the most that was in use, looked at now and then.
type heapWatch struct{ most atomic.Uint64 }

// watchHeap begins with a collection: until then the heap may hold twice what the tests before had in use.
func watchHeap() *heapWatch {
	runtime.GC()
	return &heapWatch{}
}

func (w *heapWatch) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for {
		most := w.most.Load()
		if m.HeapAlloc <= most || w.most.CompareAndSwap(most, m.HeapAlloc) {
			return
		}
	}
}

func (w *heapWatch) check(t *testing.T) {
	t.Helper()
	w.look()
	if most := w.most.Load(); most > maxHostileHeap {
		t.Errorf("%d MiB of heap were in use, at most %d are fine", most>>20, maxHostileHeap>>20)
	}
}

const goodAnnouncement = `{"hash": "0101010101010101010101010101010101010101010101010101010101010101", "index": 7, "previous_hash": "0202020202020202020202020202020202020202020202020202020202020202", "size": 70000}`

// mangler spoils frames.
type mangler struct {
	*rand.Rand
	good map[string][]byte // a valid request of each protocol, as it stands on the wire
}

// frame returns one of the ways to get a request wrong, some of which come out right.
func (m *mangler) frame(name string) []byte {
	good := slices.Clone(m.good[name])
	switch m.IntN(6) {
	case 0: // noise
		noise := make([]byte, m.IntN(200))
		for i := range noise {
			noise[i] = byte(m.Uint32())
		}
		return noise
	case 1: // cut off
		return good[:m.IntN(len(good))]
	case 2: // a length that lies
		return append(binary.AppendUvarint(nil, m.Uint64()>>m.IntN(64)), good[1:]...)
	case 3: // more than there should be
		return append(good, good[:m.IntN(len(good))]...)
	case 4: // noise of the right length
		for i := 2; i < len(good); i++ {
			good[i] = byte(m.Uint32())
		}
		return good
	default: // fields that are a little wrong
		for range 1 + m.IntN(4) {
			good[m.IntN(len(good))] ^= 1 << m.IntN(8)
		}
		return good
	}
}

// requests are valid requests to n. The peer exchange has none: what is sent there is too much whatever it is.
func requests(n *testNode, blocks []*consensus.Block) map[string][]byte {
	status := wire.Status{Version: 1, Genesis: n.c.Rules().Genesis.Hash(), Height: 9, Tip: consensus.Hash{7}, Time: time.Now(), Agent: "evil"}
	chainRequest := wire.SyncRequest{Count: 100, Bytes: 1 << 20, Locator: []consensus.Hash{blocks[3].Hash(), blocks[0].Hash()}}
	return map[string][]byte{
		stream.Status: wire.AppendFrame(nil, status.Append(nil)),
		stream.Sync:   wire.AppendFrame(nil, chainRequest.Append(nil)),
		stream.Blocks: wire.AppendFrame(nil, wire.AppendHashes(nil, []consensus.Hash{blocks[2].Hash(), blocks[4].Hash()})),
		stream.Pool:   wire.AppendFrame(nil, wire.AppendIDs(nil, []consensus.ID{{1}, {2}})),
		"peers":       wire.AppendFrame(nil, []byte("who is there?")),
	}
}

// bareHost is a bare host that n never refuses, so that all that it sends is read.
func bareHost(t *testing.T, n *testNode) host.Host {
	t.Helper()
	h := hosttest.New(t)
	n.Table().Protect(h.ID())
	return h
}

// send opens a stream, writes raw and waits for the end of what is answered.
func send(ctx context.Context, h host.Host, n *testNode, id protocol.ID, raw []byte) error {
	s, err := h.NewStream(ctx, n.Host().ID(), id)
	if err != nil { // disconnected for what came before
		return h.Connect(ctx, peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()})
	}
	defer s.Reset()
	_ = s.SetDeadline(time.Now().Add(hosttest.Soon))
	_, _ = s.Write(raw)
	_ = s.CloseWrite()
	_, _ = io.Copy(io.Discard, io.LimitReader(s, 1<<20))
	return nil
}

// TestMalformedFrames sends spoilt requests on every stream protocol, and spoilt messages and RPCs by gossip,
// while two honest nodes go on.
func TestMalformedFrames(t *testing.T) {
	r := chaintest.Rules()
	victim, friend := runNode(t, r, nil), runNode(t, r, nil)
	blocks := chaintest.MineOn(t, victim.c, 5)
	for range 20 {
		if _, err := victim.c.Submit(chaintest.Payment(), ""); err != nil {
			t.Fatal(err)
		}
	}
	unlimited(victim)
	if err := friend.Connect(victim.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the two agree", func() bool { return friend.c.Tip() == victim.c.Tip() })

	count := *malformed
	if p2p.Raced {
		count /= 10
	}
	heap := watchHeap()
	names := []string{stream.Status, stream.Sync, stream.Blocks, stream.Pool, "peers"}
	var evil sync.WaitGroup
	for w := range 4 {
		h := bareHost(t, victim)
		m := &mangler{rand.New(rand.NewPCG(uint64(w), 6)), requests(victim, blocks)}
		evil.Go(func() {
			for i := range count / 2 / 4 {
				name := names[i%len(names)]
				if err := send(t.Context(), h, victim, stream.ID(victim.Net(), name), m.frame(name)); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if i%500 == 0 {
					heap.look()
				}
			}
		})
	}
	evil.Go(func() { spoilGossip(t, bareHost(t, victim), victim, count/4, heap) })
	spoilMessages(t, victim, blocks, count/4)
	evil.Wait()
	heap.check(t)
	t.Logf("at most %d MiB of heap", heap.most.Load()>>20)

	for _, miner := range []*testNode{friend, victim} {
		tip := chaintest.MineOn(t, miner.c, 1)[0]
		hosttest.Eventually(t, "an honest block arrives", func() bool { return victim.c.Tip().Hash == tip.Hash() && friend.c.Tip().Hash == tip.Hash() })
	}
	if why, ok := victim.Blamed()[friend.ID()]; ok {
		t.Errorf("the honest peer is blamed: %s", why)
	}
	if why, ok := friend.Blamed()[victim.ID()]; ok {
		t.Errorf("the victim is blamed: %s", why)
	}
}

// unlimited lifts n's rates, so that every request is read.
func unlimited(n *testNode) {
	for _, name := range slices.Concat(slices.Collect(maps.Keys(n.Server().Handlers)), []string{gossip.RateBlocks, gossip.RatePayments}) {
		n.Server().SetLimit(name, stream.Limit{PerPeer: 64, Total: 256, Rate: rate.Inf, Burst: 1, Within: time.Minute})
	}
}

// spoilGossip sends count messages that are not RPCs, or carry what nobody may pass on.
func spoilGossip(t *testing.T, h host.Host, n *testNode, count int, heap *heapWatch) {
	topics := []string{gossip.BlockTopic(n.Net()), gossip.TxTopic(n.Net()), "another"}
	subscribe := &pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Subscribe: proto.Bool(true), Topicid: &topics[0]}}}
	publish := &pb.RPC{Publish: []*pb.Message{{Data: []byte("rubbish"), Topic: &topics[0]}, {Data: []byte("{}"), Topic: &topics[1]}, {Topic: &topics[2]}}}
	control := &pb.RPC{Control: &pb.ControlMessage{
		Ihave: []*pb.ControlIHave{{TopicID: &topics[0], MessageIDs: []string{"a", "b"}}},
		Iwant: []*pb.ControlIWant{{MessageIDs: []string{"a"}}},
		Graft: []*pb.ControlGraft{{TopicID: &topics[0]}, {TopicID: &topics[2]}},
	}}
	m := &mangler{rand.New(rand.NewPCG(9, 9)), make(map[string][]byte)}
	kinds := []string{"subscribe", "publish", "control"}
	for i, rpc := range []*pb.RPC{subscribe, publish, control} {
		raw, err := proto.Marshal(rpc)
		if err != nil {
			t.Error(err)
			return
		}
		m.good[kinds[i]] = wire.AppendFrame(nil, raw)
	}
	for i := 0; i < count; {
		s, err := h.NewStream(t.Context(), n.Host().ID(), pubsub.GossipSubID_v12)
		if err != nil {
			if err := h.Connect(t.Context(), peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()}); err != nil {
				t.Error(err)
				return
			}
			continue
		}
		_ = s.SetDeadline(time.Now().Add(hosttest.Soon))
		for range 10 { // until one is so bad that the stream is reset
			i++
			if _, err := s.Write(m.frame(kinds[i%len(kinds)])); err != nil {
				break
			}
		}
		_ = s.Close()
		if i%1000 < 10 {
			heap.look()
		}
	}
}

// spoilMessages hands count spoilt blocks, announcements and payments to the validators, as from a peer that is
// still heard.
func spoilMessages(t *testing.T, n *testNode, blocks []*consensus.Block, count int) {
	t.Helper()
	tip := n.c.Tip()
	m := &mangler{rand.New(rand.NewPCG(8, 8)), map[string][]byte{
		"block":        chaintest.Block(t, n.c.Rules(), tip, "evil", chaintest.Payment().Transaction()).Canonical(),
		"old block":    blocks[2].Canonical(),
		"announcement": []byte(goodAnnouncement),
		"payment":      chaintest.Payment().Transaction().AppendCanonical(nil),
	}}
	accepted := 0
	for i := range count {
		name := []string{"block", "old block", "announcement", "payment"}[i%4]
		topic := gossip.BlockTopic(n.Net())
		if name == "payment" {
			topic = gossip.TxTopic(n.Net())
		}
		raw := m.frame(name)
		if string(raw) == string(m.good[name]) {
			continue
		}
		if n.Gossip().Judge(t.Context(), "evil", topic, raw) == pubsub.ValidationAccept {
			accepted++ // a letter of a name or a digit of an amount: another valid payment
		}
	}
	t.Logf("%d of %d spoilt messages are valid", accepted, count)
}

// TestMalformedAnswers asks a bare host on every stream protocol, who answers nothing but rubbish.
func TestMalformedAnswers(t *testing.T) {
	r := chaintest.Rules()
	victim := runNode(t, r, nil)
	blocks := chaintest.New(t).Paying().Mine(20).Branch()
	head := wire.SyncHead{Fork: 1, From: 2, Count: 20, Height: 21, Tip: blocks[19].Hash()}
	chainAnswer := wire.AppendFrame(nil, head.Append(nil))
	for _, b := range blocks {
		chainAnswer = wire.AppendFrame(chainAnswer, b.Canonical())
	}
	good := requests(victim, blocks)
	good[stream.Sync] = chainAnswer
	good[stream.Blocks] = wire.AppendFrame(nil, blocks[0].Canonical())
	good[stream.Pool] = append(wire.AppendFrame(nil, wire.AppendIDs(nil, []consensus.ID{{1}, {2}})), 0)
	good["peers"] = wire.AppendFrame(nil, ownRecord(t, hosttest.Key(t)))

	evil := bareHost(t, victim)
	var mu sync.Mutex
	m := &mangler{rand.New(rand.NewPCG(5, 5)), good}
	for name := range good {
		evil.SetStreamHandler(stream.ID(victim.Net(), name), func(s network.Stream) {
			mu.Lock()
			raw := m.frame(name)
			mu.Unlock()
			_ = s.SetDeadline(time.Now().Add(hosttest.Soon))
			_, _ = s.Write(raw)
			_ = s.CloseWrite()
			_, _ = io.Copy(io.Discard, s)
			_ = s.Close()
		})
	}
	ask := map[string]func(){
		stream.Status: func() { _ = victim.Sync().Now(t.Context()) },
		stream.Sync:   func() { _, _ = victim.Sync().Download(t.Context(), evil.ID()) },
		stream.Blocks: func() { _, _ = victim.Sync().Fetch(t.Context(), evil.ID(), []consensus.Hash{blocks[0].Hash()}) },
		stream.Pool:   func() { _ = victim.Sync().PullPool(t.Context(), evil.ID()) },
		"peers":       func() { _, _ = victim.Table().AskPeers(t.Context(), evil.ID()) },
	}
	heap := watchHeap()
	for i := range max(100, *malformed/50) {
		for _, question := range ask {
			if victim.Host().Network().Connectedness(evil.ID()) != network.Connected {
				if err := evil.Connect(t.Context(), peer.AddrInfo{ID: victim.Host().ID(), Addrs: victim.Host().Addrs()}); err != nil {
					t.Fatal(err)
				}
			}
			question()
		}
		if i%100 == 0 {
			heap.look()
		}
	}
	heap.check(t)
	if tip := victim.c.Tip(); !slices.ContainsFunc(append(blocks, r.Genesis), func(b *consensus.Block) bool { return b.Hash() == tip.Hash }) {
		t.Errorf("the tip is %d %s, which nobody mined", tip.Index, tip.Hash.Short())
	}
	honest := runNode(t, r, nil)
	chaintest.MineOn(t, honest.c, 30)
	if err := honest.Connect(victim.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the honest chain arrives", func() bool { return victim.c.Tip() == honest.c.Tip() })
	if why, ok := victim.Blamed()[honest.ID()]; ok {
		t.Errorf("the honest peer is blamed: %s", why)
	}
}

// ownRecord is a peer's record about itself.
func ownRecord(t *testing.T, key crypto.PrivKey) []byte {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := libp2precord.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.7/tcp/15000")}}), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := envelope.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
