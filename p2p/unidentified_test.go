package p2p_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"

	"kuai/chain/chaintest"
	"kuai/p2p/hosttest"
)

// TestLosersOfADialRaceEndNothing opens connections as one dial to several addresses does, of which the dialler
// keeps one. The others end before the peer has said on any what it speaks.
func TestLosersOfADialRaceEndNothing(t *testing.T) {
	n := runNode(t, chaintest.Rules(), nil)
	for {
		began := time.Now()
		kept := afterLosers(t, n)
		if time.Since(began) < 5*time.Second { // or the connection that is kept has had its time, on a slow machine
			if !kept {
				t.Error("the connection that was kept is closed")
			}
			return
		}
	}
}

// afterLosers connects a peer that does not say what it speaks, lets it lose some races, and reports whether it
// is connected still.
func afterLosers(t *testing.T, n *testNode) (kept bool) {
	t.Helper()
	const losers = 3
	failed, err := n.Host().EventBus().Subscribe(new(event.EvtPeerIdentificationFailed))
	if err != nil {
		t.Fatal(err)
	}
	defer failed.Close()
	h, asked, done := hosttest.New(t), make(chan struct{}, 16), make(chan struct{})
	defer close(done)
	h.SetStreamHandler(identify.ID, func(s network.Stream) {
		asked <- struct{}{}
		<-done
		_ = s.Reset()
	})
	at := peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()}
	if err := h.Connect(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	<-asked
	for range losers {
		lose(t, h, at)
	}
	for range losers {
		<-failed.Out()
	}
	marker := hosttest.New(t) // the node hears of it after it has heard of the losers
	if err := marker.Connect(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the marker is connected", func() bool { return connectedLine(n, marker) })
	if strings.Contains(n.log.String(), "peer disconnected") {
		t.Errorf("a peer that was never connected is disconnected: %s", n.log)
	}
	return n.Host().Network().Connectedness(h.ID()) == network.Connected
}

// TestOneConnectionOfTwoEndsNothing ends one of two connections with a peer, the older or the newer one: it is
// up as long as the other one lasts.
func TestOneConnectionOfTwoEndsNothing(t *testing.T) {
	for name, older := range map[string]bool{"the older one": true, "the newer one": false} {
		t.Run(name, func(t *testing.T) {
			n, h := runNode(t, chaintest.Rules(), nil), hosttest.New(t)
			at := peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()}
			if err := h.Connect(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			hosttest.Eventually(t, "the peer is up", func() bool { return connectedLine(n, h) })
			newer, err := h.Network().(*swarm.Swarm).TransportForDialing(at.Addrs[0]).Dial(t.Context(), at.Addrs[0], at.ID) // its swarm does not know of it
			if err != nil {
				t.Fatal(err)
			}
			defer newer.Close()
			conns := func() int { return len(n.Host().Network().ConnsToPeer(h.ID())) }
			hosttest.Eventually(t, "it has two connections", func() bool { return conns() == 2 })
			end := func(older bool) {
				if older {
					_ = h.Network().ClosePeer(at.ID)
				} else {
					_ = newer.Close()
				}
			}
			end(older)
			hosttest.Eventually(t, "it has one", func() bool { return conns() == 1 })
			marker := hosttest.New(t) // the node hears of it after it has heard of the end
			if err := marker.Connect(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			hosttest.Eventually(t, "the marker is up", func() bool { return connectedLine(n, marker) })
			if strings.Contains(n.log.String(), "peer disconnected") {
				t.Errorf("it is down: %s", n.log)
			}
			end(!older)
			hosttest.Eventually(t, "it is down after the last one", func() bool {
				return strings.Contains(n.log.String(), `msg="peer disconnected" peer=`+h.ID().String())
			})
		})
	}
}

// connectedLine reports whether the log of n has a line that h connected.
func connectedLine(n *testNode, h host.Host) bool {
	for line := range strings.Lines(n.log.String()) {
		if strings.Contains(line, "peer connected") && strings.Contains(line, h.ID().String()) {
			return true
		}
	}
	return false
}

// lose opens a connection that h's swarm does not know of, and closes it when it is asked what it speaks.
func lose(t *testing.T, h host.Host, to peer.AddrInfo) {
	t.Helper()
	c, err := h.Network().(*swarm.Swarm).TransportForDialing(to.Addrs[0]).Dial(t.Context(), to.Addrs[0], to.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	st, err := c.AcceptStream()
	if err != nil {
		t.Fatal(err)
	}
	_ = st.Reset()
	_, _ = io.ReadAll(st)
}

// TestUnidentifiedConnectionIsClosed closes a connection whose peer never says what it speaks, and no other.
func TestUnidentifiedConnectionIsClosed(t *testing.T) {
	n := runNode(t, chaintest.Rules(), nil)
	mute, friend := hosttest.New(t), hosttest.New(t)
	mute.SetStreamHandler(identify.ID, func(s network.Stream) { _ = s.Reset() })
	at := peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()}
	for _, h := range []host.Host{mute, friend} {
		if err := h.Connect(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	hosttest.Eventually(t, "the mute peer is connected", func() bool { return n.Host().Network().Connectedness(mute.ID()) == network.Connected })
	hosttest.Eventually(t, "it is left", func() bool { return n.Host().Network().Connectedness(mute.ID()) != network.Connected })
	hosttest.Eventually(t, "the friend is up", func() bool { return connectedLine(n, friend) })
	if n.Host().Network().Connectedness(friend.ID()) != network.Connected {
		t.Error("a peer that said what it speaks is left")
	}
	if connectedLine(n, mute) {
		t.Error("the mute peer is called connected")
	}
}
