package reach

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const soon = 60 * time.Second // until what must come has come

// listening returns a host on loopback that tells others the addresses announced, its own if there are none.
func listening(t *testing.T, announced ...string) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.AddrsFactory(func(own []ma.Multiaddr) []ma.Multiaddr {
			if len(announced) == 0 {
				return own
			}
			var all []ma.Multiaddr
			for _, a := range announced {
				all = append(all, ma.StringCast(a))
			}
			return all
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func dialer() (host.Host, error) {
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err == nil {
		h.RemoveStreamHandler(identify.ID)
	}
	return h, err
}

// tracked runs a Tracker on h until the test ends. It believes the peers for which ours holds.
func tracked(t *testing.T, h host.Host, ours func(peer.ID) bool) *Tracker {
	t.Helper()
	r := New(Config{Host: h, Dialer: dialer, Ours: ours, Private: true, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	run(t, r)
	return r
}

func run(t *testing.T, r *Tracker) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func everybody(peer.ID) bool { return true }

// connect makes h a peer of to.
func connect(t *testing.T, h, to host.Host) {
	t.Helper()
	if err := h.Connect(t.Context(), peer.AddrInfo{ID: to.ID(), Addrs: to.Network().ListenAddresses()}); err != nil {
		t.Fatal(err)
	}
}

// verdict waits for the first verdict.
func verdict(t *testing.T, r *Tracker) Verdict {
	t.Helper()
	for late := time.After(soon); ; {
		if all := r.Verdicts(); len(all) > 0 {
			return all[0]
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late:
			t.Fatal("no verdict")
		}
	}
}

// TestReached asks a peer to dial the address that a node listens on.
func TestReached(t *testing.T) {
	h, witness := listening(t), listening(t)
	r := tracked(t, h, everybody)
	tracked(t, witness, everybody)
	connect(t, h, witness)
	v := verdict(t, r)
	if !v.Reached || v.Witness != witness.ID() || !v.Address.Equal(h.Addrs()[0]) || time.Since(v.At) > soon {
		t.Errorf("%+v", v)
	}
}

// TestNotReached asks a peer to dial an address that leads nowhere, and then finds the one that leads here.
func TestNotReached(t *testing.T) {
	h, witness := listening(t, "/ip4/127.0.0.1/tcp/1"), listening(t)
	r := tracked(t, h, everybody)
	tracked(t, witness, everybody)
	connect(t, h, witness)
	if v := verdict(t, r); v.Reached || v.Witness != witness.ID() {
		t.Errorf("%+v", v)
	}
}

// TestStrangers neither asks a peer of another network nor answers it.
func TestStrangers(t *testing.T) {
	h, stranger, friend := listening(t), listening(t), listening(t)
	r := tracked(t, h, func(p peer.ID) bool { return p != stranger.ID() })
	theirs := tracked(t, stranger, everybody)
	tracked(t, friend, everybody)
	connect(t, h, stranger)
	connect(t, h, friend)
	connect(t, stranger, friend)
	if v := verdict(t, r); v.Witness != friend.ID() {
		t.Errorf("%+v", v)
	}
	if v := verdict(t, theirs); v.Witness != friend.ID() {
		t.Errorf("%+v", v)
	}
}

// TestNeighboursDoNotCount leaves out private addresses, and peers that are connected from one.
func TestNeighboursDoNotCount(t *testing.T) {
	h, neighbour := listening(t, "/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.2/tcp/15000", "/ip4/8.8.8.8/tcp/15000"), listening(t)
	connect(t, h, neighbour)
	r := New(Config{Host: h, Ours: everybody})
	if got := r.addresses(); len(got) != 1 || got[0].String() != "/ip4/8.8.8.8/tcp/15000" || !r.Public() {
		t.Errorf("tried: %v", got)
	}
	for private, want := range map[bool]bool{false: false, true: true} {
		r.cfg.Private = private
		if r.counts(neighbour.ID()) {
			t.Error("a peer is asked that does not serve AutoNATv2")
		}
		if err := h.Peerstore().AddProtocols(neighbour.ID(), autonatv2.DialProtocol); err != nil {
			t.Fatal(err)
		}
		if r.counts(neighbour.ID()) != want {
			t.Errorf("a neighbour is asked: %v", !want)
		}
		if err := h.Peerstore().RemoveProtocols(neighbour.ID(), autonatv2.DialProtocol); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVerdictsAreForgotten keeps what is known of the addresses that the node has, and of no others; and tries
// again what is due.
func TestVerdictsAreForgotten(t *testing.T) {
	here, gone := "/ip4/127.0.0.1/tcp/1", ma.StringCast("/ip4/127.0.0.1/tcp/2")
	h := listening(t, here)
	r := New(Config{Host: h, Private: true, Log: slog.New(slog.DiscardHandler)})
	now := time.Now()
	if due := r.next(now); len(due) != 1 || due[0].String() != here {
		t.Fatalf("due at first: %v", due)
	}
	r.note(Verdict{Address: h.Addrs()[0], Reached: true, At: now}, false)
	r.note(Verdict{Address: gone, At: now}, false)
	if all := r.Verdicts(); len(all) != 1 || all[0].Address.String() != here {
		t.Errorf("verdicts: %v", all)
	}
	if due := r.next(now.Add(reachableFor - 1)); len(due) != 0 || len(r.verdicts) != 1 || len(r.due) != 1 {
		t.Errorf("due soon: %v, known %v, %v", due, r.verdicts, r.due)
	}
	if due := r.next(now.Add(reachableFor)); len(due) != 1 {
		t.Errorf("due later: %v", due)
	}
	r.note(Verdict{Address: h.Addrs()[0], At: now}, true) // the peer could not try
	if all := r.Verdicts(); len(all) != 1 || !all[0].Reached {
		t.Errorf("verdicts after an answer without one: %v", all)
	}
}
