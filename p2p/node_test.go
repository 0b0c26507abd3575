package p2p_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// testNode is a node on a loopback port.
type testNode struct {
	*p2p.Node
	c    *chain.Chain
	log  *hosttest.Log
	stop func() // ends Run; more than once is fine
}

// runNode starts a node on loopback; it ends with the test.
func runNode(t *testing.T, r *consensus.Rules, change func(*p2p.Config)) *testNode {
	t.Helper()
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	cfg := p2p.Config{Identity: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Agent: "kuai-test"}
	if change != nil {
		change(&cfg)
	}
	n := &testNode{c: chaintest.Open(t, r), log: &hosttest.Log{}}
	if n.Node, err = p2p.New(cfg, n.c, n.log.Logger()); err != nil {
		t.Fatal(err)
	}
	n.stop = running(t, n.Node)
	return n
}

// running runs n until stop, which may be called more than once, or the test's end.
func running(t *testing.T, n *p2p.Node) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (n *testNode) peer(id string) (p2p.Peer, bool) {
	peers := n.Peers()
	i := slices.IndexFunc(peers, func(p p2p.Peer) bool { return p.ID == id })
	if i < 0 {
		return p2p.Peer{}, false
	}
	return peers[i], true
}

func (n *testNode) connectedTo(o *testNode) bool {
	p, ok := n.peer(o.ID())
	return ok && p.Connected
}

func TestBlockAndPaymentTravelBetweenTwoNodes(t *testing.T) {
	r := chaintest.Rules()
	a, b := runNode(t, r, nil), runNode(t, r, nil)
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })

	pay := chaintest.Payment()
	if _, err := a.c.Submit(pay, ""); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the payment is pending at the other", func() bool { _, ok := b.c.PendingByID(pay.ID()); return ok })

	mined := chaintest.MineOn(t, b.c, 1)[0]
	hosttest.Eventually(t, "the block is the other's tip", func() bool { return a.c.Tip().Hash == mined.Hash() })
	held, err := a.c.Block(mined.Hash())
	if err != nil || held.From != b.ID() {
		t.Errorf("block came from %q (%v), want %s", held.From, err, b.ID())
	}

	p, _ := b.peer(a.ID())
	if p.Agent != "kuai-test" || p.Direction != "outbound" || !p.Static || !strings.HasSuffix(p.Address, "/p2p/"+a.ID()) {
		t.Errorf("peer is described as %+v", p)
	}
	hosttest.Eventually(t, "heights are told", func() bool {
		p, _ := a.peer(b.ID())
		return p.Height == 2 && p.Tip == mined.Hash() && p.Latency > 0
	})
}

func TestLargeBlockIsAnnouncedAndPulled(t *testing.T) {
	r := chaintest.Rules()
	a, b, c := runNode(t, r, nil), runNode(t, r, nil), runNode(t, r, nil)
	for _, n := range []*testNode{a, c} {
		if err := n.Connect(b.Addresses()[0]); err != nil {
			t.Fatal(err)
		}
	}
	hosttest.Eventually(t, "the three are connected", func() bool { return b.connectedTo(a) && b.connectedTo(c) })
	for range 700 {
		if _, err := a.c.Submit(chaintest.Payment(), ""); err != nil {
			t.Fatal(err)
		}
	}
	mined := chaintest.MineOn(t, a.c, 1)[0]
	if n := len(mined.Canonical()); n <= wire.MaxWhole {
		t.Fatalf("block has %d bytes, too few for this test", n)
	}
	hosttest.Eventually(t, "the block is everywhere", func() bool {
		return b.c.Tip().Hash == mined.Hash() && c.c.Tip().Hash == mined.Hash()
	})
}

func TestStaticPeerIsDialledUntilItIsThere(t *testing.T) {
	r := chaintest.Rules()
	key, _ := p2p.EphemeralIdentity()
	same := func(c *p2p.Config) { c.Identity = key }
	a := runNode(t, r, same)
	at := a.Addresses()[0]
	a.stop()

	b := runNode(t, r, func(c *p2p.Config) { c.Peers = []string{at} })
	hosttest.Eventually(t, "the failure is said", func() bool { return strings.Contains(b.log.String(), "static peer not reached") })
	again := runNode(t, r, func(c *p2p.Config) {
		same(c)
		c.Listen = []string{strings.Split(at, "/p2p/")[0]}
	})
	hosttest.Eventually(t, "the peer is reached", func() bool { return b.connectedTo(again) })
}

func TestPeersThatDialEachOtherAtOnceAreOnePeer(t *testing.T) {
	r := chaintest.Rules()
	a, b := runNode(t, r, nil), runNode(t, r, nil)
	at, bt := a.Addresses()[0], b.Addresses()[0]
	var wg sync.WaitGroup
	wg.Go(func() { _ = a.Connect(bt) })
	wg.Go(func() { _ = b.Connect(at) })
	wg.Wait()
	hosttest.Eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
	if n := len(a.Peers()); n != 1 {
		t.Errorf("%d peers, want 1: %+v", n, a.Peers())
	}
	mined := chaintest.MineOn(t, a.c, 1)[0]
	hosttest.Eventually(t, "the block arrives", func() bool { return b.c.Tip().Hash == mined.Hash() })
}

// TestPeersAreShownWhereTheyListen looks at both ends of a connection.
func TestPeersAreShownWhereTheyListen(t *testing.T) {
	r := chaintest.Rules()
	a, b := runNode(t, r, nil), runNode(t, r, nil)
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	shows := func(n, peer *testNode, direction string) bool {
		all := n.Peers()
		return len(all) == 1 && all[0].Direction == direction && all[0].Address == peer.Addresses()[0]
	}
	hosttest.Eventually(t, "who dialled shows whom", func() bool { return shows(b, a, "outbound") })
	hosttest.Eventually(t, "who was dialled shows where the other can be", func() bool { return shows(a, b, "inbound") })
}

func TestURLPeerIsReachedAtTheURLsHost(t *testing.T) {
	r := chaintest.Rules()
	a := runNode(t, r, nil)
	// What a daemon in a container says: its own addresses, which mean nothing here.
	said := []string{
		strings.Replace(a.Addresses()[0], "/ip4/127.0.0.1/", "/ip4/0.0.0.0/", 1),
		strings.Replace(a.Addresses()[0], "/ip4/127.0.0.1/", "/ip4/172.31.255.254/", 1),
	}
	b := runNode(t, r, func(c *p2p.Config) {
		c.Peers = []string{"http://127.0.0.1:5000/"}
		c.AskURL = func(_ context.Context, url string) (p2p.Answer, error) {
			if url != "http://127.0.0.1:5000" {
				t.Errorf("asked for %q", url)
			}
			return p2p.Answer{Addresses: said}, nil
		}
	})
	hosttest.Eventually(t, "the two are connected", func() bool { return b.connectedTo(a) })
	if p, _ := b.peer(a.ID()); !p.Static {
		t.Errorf("not a static peer: %+v", p)
	}
}

func TestAnotherNetworkIsSaidInTheLog(t *testing.T) {
	other := chaintest.Rules()
	other.Version++
	a, b := runNode(t, chaintest.Rules(), nil), runNode(t, other, nil)
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the reason is said", func() bool {
		return strings.Contains(a.log.String(), "peer is of another network") || strings.Contains(b.log.String(), "peer is of another network")
	})
}

// runRemembered runs a node that another one, stopped since, was connected with and has in the book of its directory.
func runRemembered(t *testing.T) (n *testNode, dir string) {
	t.Helper()
	r := chaintest.Rules()
	dir = t.TempDir()
	n = runNode(t, r, nil)
	friend := runNode(t, r, func(c *p2p.Config) { c.Dir = dir })
	if err := friend.Connect(n.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the peer is in the book", func() bool { return strings.Contains(friend.log.String(), "peer connected") })
	friend.stop()
	return n, dir
}

func TestRememberedPeersAreDialledAfterARestart(t *testing.T) {
	a, dir := runRemembered(t)
	info, err := os.Stat(filepath.Join(dir, "peers.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("peers.json has mode %v", info.Mode())
	}

	again := runNode(t, chaintest.Rules(), func(c *p2p.Config) { c.Dir = dir })
	hosttest.Eventually(t, "the remembered peer is connected", func() bool { return again.connectedTo(a) })
	if p, _ := again.peer(a.ID()); p.Static {
		t.Error("a remembered peer became a static one")
	}
}

// TestAPeerThatAnnouncesNoAddressIsRemembered where it was reached: a node that has just started announces none yet.
func TestAPeerThatAnnouncesNoAddressIsRemembered(t *testing.T) {
	quiet := hosttest.New(t, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return nil }))
	dir := t.TempDir()
	remembering := func() *testNode { return runNode(t, chaintest.Rules(), func(c *p2p.Config) { c.Dir = dir }) }
	n := remembering()
	if err := n.Connect(quiet.Network().ListenAddresses()[0].String() + "/p2p/" + quiet.ID().String()); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the peer is in the book", func() bool { return strings.Contains(n.log.String(), "peer connected") })
	n.stop()
	again := remembering()
	hosttest.Eventually(t, "the remembered peer is connected", func() bool { p, ok := again.peer(quiet.ID().String()); return ok && p.Connected })
}

func TestPeersOfPeersAreFound(t *testing.T) {
	r := chaintest.Rules()
	hub := runNode(t, r, nil)
	a, b := runNode(t, r, nil), runNode(t, r, nil)
	if err := a.Connect(hub.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the first is connected", func() bool { return hub.connectedTo(a) })
	hosttest.Eventually(t, "it has signed its address", func() bool { return tellsPeers(t, hub) })
	if err := b.Connect(hub.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the second finds the first", func() bool { return b.connectedTo(a) })
}

// tellsPeers reports whether n names peers to one who asks it for some.
func tellsPeers(t *testing.T, n *testNode) bool {
	t.Helper()
	asker := hosttest.New(t) // a new one each time, as each may ask once in a while
	if err := asker.Connect(t.Context(), peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()}); err != nil {
		t.Fatal(err)
	}
	s, err := asker.NewStream(t.Context(), n.Host().ID(), stream.ID(n.c.Rules().Network(), stream.Peers))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(s)
	return err == nil && len(answer) > 0
}

func TestSwarmKeyKeepsStrangersOut(t *testing.T) {
	r := chaintest.Rules()
	key := func(c string) []byte {
		return []byte("/key/swarm/psk/1.0.0/\n/base16/\n" + strings.Repeat(c, 64) + "\n")
	}
	with := func(k []byte) func(*p2p.Config) { return func(c *p2p.Config) { c.SwarmKey = k } }
	a, b, c := runNode(t, r, with(key("a"))), runNode(t, r, with(key("a"))), runNode(t, r, with(key("b")))
	for _, n := range []*testNode{b, c} {
		if err := n.Connect(a.Addresses()[0]); err != nil {
			t.Fatal(err)
		}
	}
	hosttest.Eventually(t, "the one with the key is connected", func() bool { return a.connectedTo(b) })
	hosttest.Eventually(t, "the one with another key failed", func() bool { return strings.Contains(c.log.String(), "static peer not reached") })
	if a.connectedTo(c) {
		t.Error("connected with another key")
	}

	id, _ := p2p.EphemeralIdentity()
	_, err := p2p.New(p2p.Config{Identity: id, QUIC: true, SwarmKey: key("a")}, a.c, a.log.Logger())
	if err == nil || !strings.Contains(err.Error(), "TCP only") {
		t.Errorf("swarm key with QUIC: %v", err)
	}
}

// TestSyncBeforeRun asks for a sync while Run begins, as HTTP may. The race detector looks on.
func TestSyncBeforeRun(t *testing.T) {
	r := chaintest.Rules()
	ahead := runNode(t, r, nil)
	mined := chaintest.MineOn(t, ahead.c, 3)
	key := hosttest.Key(t)
	c := chaintest.Open(t, r)
	n, err := p2p.New(p2p.Config{Identity: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Agent: "kuai-test"}, c, new(hosttest.Log).Logger())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Host().Connect(t.Context(), peer.AddrInfo{ID: ahead.Host().ID(), Addrs: ahead.Host().Addrs()}); err != nil {
		t.Fatal(err)
	}
	synced := make(chan error, 1)
	go func() { synced <- n.SyncNow(t.Context()) }()
	running(t, n)
	if err := <-synced; err != nil {
		t.Error(err)
	}
	hosttest.Eventually(t, "the chain is fetched", func() bool { return c.Tip().Hash == mined[2].Hash() })
}
