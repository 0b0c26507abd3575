//go:build linux

package netns

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/test/process"
)

const (
	flood     = 10_000           // connections, or streams
	actTime   = 60 * time.Second // until they are made
	mostMiB   = 256              // of resident memory, ever
	mostFiles = 1024             // 256 connections with peers, 512 with clients, the store, and room
	leftOver  = 24               // goroutines and files that may differ after an attack: the honest peers' streams come and go
)

// siege is a node with two honest peers that go on mining, and a host beside them that is none.
type siege struct {
	t       *testing.T
	l       *lan
	a, b, c *node
	evil    *space
	many    []string // addresses of evil's
	files   int      // that a had open before
	threads float64  // goroutines that a had before

	honest sync.WaitGroup
	stop   func() // ends what begin began, and waits
	rounds int    // blocks that reached everybody
	most   int    // files that a had open at once
	failed error  // what went wrong with an honest block
}

// newSiege joins the hosts. The last has one address of its own and, routed to it, as many others as it likes.
func newSiege(t *testing.T) *siege {
	l := newLAN(t, "lan")
	s := &siege{t: t, l: l, evil: newSpace(t, "evil")}
	s.a = l.host(t, "a", "198.18.0.1")
	s.b = l.host(t, "b", "198.18.0.2", "--peer", s.a.multiaddr())
	s.c = l.host(t, "c", "198.18.0.3", "--peer", s.a.multiaddr())
	l.join(s.evil, "eth0", "198.18.0.66/24")
	s.evil.run("ip route add local 198.19.0.0/16 dev lo")
	s.a.at.run("ip route add 198.19.0.0/16 via 198.18.0.66")
	for i := range 1000 {
		s.many = append(s.many, fmt.Sprintf("198.19.%d.%d", i/250, 1+i%250))
	}
	s.b.mine()
	agreed(t, 2, s.a, s.b, s.c)
	return s
}

// begin notes how things stand and lets the honest peers mine, one after the other, until stop.
func (s *siege) begin() {
	s.files, s.threads = s.a.descriptors(), s.a.metric("go_goroutines")
	s.rounds, s.most, s.failed = 0, 0, nil
	ctx, cancel := context.WithCancel(s.t.Context())
	s.honest.Go(func() {
		for i := 0; ctx.Err() == nil && s.failed == nil; i++ {
			s.failed = s.round([]*node{s.b, s.c}[i%2])
			s.rounds++
		}
	})
	s.honest.Go(func() {
		for ctx.Err() == nil {
			if n, err := s.a.open(); err == nil {
				s.most = max(s.most, n)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	s.stop = func() { cancel(); s.honest.Wait() }
	s.t.Cleanup(s.stop)
}

// round mines a block on one node and waits until the others have it. a is asked through its peers, as its API may be under attack.
func (s *siege) round(miner *node) error {
	var mined struct{ Index int64 }
	if err := miner.ask("GET", "/mine", nil, &mined); err != nil {
		return err
	}
	for late := time.Now().Add(settle); ; {
		var other, own info
		if err := s.b.ask("GET", "/node", nil, &other); err != nil {
			return err
		}
		if err := s.c.ask("GET", "/node", nil, &own); err != nil {
			return err
		}
		if other.Height >= mined.Index && other.Tip == own.Tip {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("block %d, mined on %s, is not everywhere after %v", mined.Index, miner.at.name, settle)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// end looks at what the attack has done, once the attackers are gone.
func (s *siege) end(attackers ...*actor) {
	s.t.Helper()
	s.stop()
	for _, a := range attackers {
		a.end()
	}
	s.t.Logf("%d blocks went round; at most %d files open, %d before; VmHWM %d MiB", s.rounds, s.most, s.files, s.a.memory("VmHWM"))
	if s.failed != nil {
		s.t.Error(s.failed)
	}
	if s.rounds == 0 {
		s.t.Error("no honest block went round during the attack")
	}
	if s.most > mostFiles {
		s.t.Errorf("%d files open, at most %d expected", s.most, mostFiles)
	}
	if peak := s.a.memory("VmHWM"); peak > mostMiB && !process.Race {
		s.t.Errorf("%d MiB resident, at most %d expected", peak, mostMiB)
	}
	agreed(s.t, 2, s.a, s.b, s.c)
	s.unharmed()
	s.released()
}

// unharmed checks that the honest peers are as they were.
func (s *siege) unharmed() {
	s.t.Helper()
	peers := s.a.peers()
	for _, n := range []*node{s.b, s.c} {
		p, ok := peers[n.info().PeerID]
		if !ok || p.Score < 0 {
			s.t.Errorf("%s is connected: %v, with score %v", n.at.name, ok, p.Score)
		}
	}
}

// released waits until a has given back what the attackers took.
func (s *siege) released() {
	s.t.Helper()
	process.Eventually(s.t, "what the attackers took is given back", settle, func() error {
		files, threads := s.a.descriptors(), s.a.metric("go_goroutines")
		if files > s.files+leftOver || threads > s.threads+leftOver {
			return fmt.Errorf("%d files and %v goroutines, %d and %v before", files, threads, s.files, s.threads)
		}
		return nil
	})
}

// made checks that an attack took place.
func (s *siege) made(what string, a *actor, least int) {
	s.t.Helper()
	o := a.done(actTime)
	s.t.Logf("%s: %d made, first error: %s", what, o.Made, o.Error)
	if o.Made < least {
		s.t.Errorf("%s: %d made, want %d at least: nothing is shown: %s", what, o.Made, least, o.Error)
	}
}

// silence waits until strangers that say nothing are let go, though they hold on, and lets a newcomer in.
func (s *siege) silence() {
	s.t.Helper()
	s.newcomer()
	process.Eventually(s.t, "strangers that say nothing are let go", settle, func() error {
		if n := len(s.a.peers()); n > 3 {
			return fmt.Errorf("%d peers are connected, 3 of them honest", n)
		}
		return nil
	})
}

// newcomer starts an honest node that comes while strangers hold all the room. It must get in.
func (s *siege) newcomer() {
	s.t.Helper()
	d := s.l.host(s.t, "d", "198.18.0.4", "--peer", s.a.multiaddr())
	began := time.Now()
	process.Eventually(s.t, "a newcomer gets in", settle, func() error {
		if _, in := s.a.peers()[d.info().PeerID]; !in {
			return fmt.Errorf("%d peers are in, it is not", len(s.a.peers()))
		}
		return nil
	})
	s.t.Logf("the newcomer was in after %v", time.Since(began).Round(10*time.Millisecond))
	d.Stop()
}

// TestHostileConnections besieges a node with connections from another host, more than it can hold, in all the ways of saying nothing.
func TestHostileConnections(t *testing.T) {
	s := newSiege(t)
	tcp := fmt.Sprintf("198.18.0.1:%d", peerPort)
	at := s.a.multiaddr()
	for _, c := range []struct {
		name      string
		where     *space
		part      part
		least     int
		meanwhile func(*siege) // while the attackers hold what they have
	}{
		{"idle, one address", s.evil, part{Role: "idle", To: tcp, Count: flood}, flood, nil},
		{"idle, many addresses", s.evil, part{Role: "idle", To: tcp, Count: flood, From: s.many}, flood, nil},
		{"secured, one address", s.evil, part{Role: "secured", To: at, Count: flood}, 1, nil},
		{"secured, many addresses", s.evil, part{Role: "secured", To: at, Count: flood, From: s.many}, 100, (*siege).silence},
		{"streams of a peer", s.evil, part{Role: "streams", To: at, Count: flood}, 200, nil},
		{"mute streams", s.evil, part{Role: "mute", To: at, Count: 8}, 8, (*siege).newcomer},
		{"half requests", s.a.at, part{Role: "http", To: fmt.Sprintf("127.0.0.1:%d", apiPort), Count: flood}, 512, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			s.begin()
			attack := c.where.act(t, c.part)
			s.made(c.name, attack, c.least)
			if c.meanwhile != nil {
				c.meanwhile(s)
			}
			s.end(attack)
		})
	}
	log := s.a.Out.String()
	for _, n := range []*node{s.b, s.c} {
		if id := n.info().PeerID; slices.Contains(lines(log, "peer disconnected"), id) {
			t.Errorf("%s was disconnected:\n%s", n.at.name, log)
		}
	}
}

// lines returns the peers that the log names in lines with a message.
func lines(log, message string) (peers []string) {
	for line := range strings.Lines(log) {
		_, rest, named := strings.Cut(strings.TrimSpace(line), "peer=")
		if named && strings.Contains(line, message) {
			id, _, _ := strings.Cut(rest, " ")
			peers = append(peers, id)
		}
	}
	return peers
}
