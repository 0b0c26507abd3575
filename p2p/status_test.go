package p2p

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// logBook is a log that a test can read while it is written.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) has(s string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), s)
}

// otherRules is a network with another genesis.
func otherRules(t *testing.T) *consensus.Rules {
	t.Helper()
	r := chaintest.Rules()
	genesis, err := r.NewBlock(r.Genesis.Header(), 5, 1626739201, []consensus.Transaction{chaintest.Reward(r, "elsewhere")})
	if err != nil {
		t.Fatal(err)
	}
	r.Genesis = genesis
	return r
}

func TestPeerOfAnotherNetworkIsNamedAndRefused(t *testing.T) {
	noLeaks(t)
	book := &logBook{}
	home := newStation(t, chaintest.Open(t, chaintest.Rules()))
	home.faults.log = slog.New(slog.NewTextHandler(book, nil))
	home.start(t)
	abroad := newStation(t, chaintest.Open(t, otherRules(t)))
	if home.network == abroad.network {
		t.Fatalf("both networks are called %s", home.network)
	}
	abroad.start(t)
	abroad.connect(t, home)
	eventually(t, "each refuses the other", func() bool {
		return home.faults.refused(abroad.id) && abroad.faults.refused(home.id)
	})
	eventually(t, "disconnected", func() bool { return home.host.Network().Connectedness(abroad.id) != network.Connected })
	if !book.has("another network") || !book.has(abroad.network) || !book.has(home.network) {
		t.Errorf("the log names not both networks: %s", &book.text)
	}
	if home.faults.score(abroad.id) != 0 {
		t.Error("being of another network is held against a peer")
	}
}

func TestOtherGenesisUnderOurNameIsRefused(t *testing.T) {
	noLeaks(t)
	home := startOn(t, chaintest.Rules())
	abroad := newStation(t, chaintest.Open(t, otherRules(t)))
	abroad.syncer.network, abroad.client.Network = home.network, home.network
	abroad.start(t)
	abroad.connect(t, home)
	eventually(t, "each refuses the other", func() bool {
		return home.faults.refused(abroad.id) && abroad.faults.refused(home.id)
	})
}

func TestPeerThatNeverAnswersIsDisconnected(t *testing.T) {
	noLeaks(t)
	here, dead := newStation(t, chaintest.Open(t, chaintest.Rules())), newStation(t, chaintest.Open(t, chaintest.Rules()))
	here.connect(t, dead)
	for range maxMissed - 1 {
		here.doneAsking(dead.id, os.ErrDeadlineExceeded)
	}
	here.doneAsking(dead.id, nil)
	for range maxMissed - 1 {
		here.doneAsking(dead.id, os.ErrDeadlineExceeded)
	}
	if here.host.Network().Connectedness(dead.id) != network.Connected {
		t.Fatal("disconnected before it missed enough in a row")
	}
	here.doneAsking(dead.id, os.ErrDeadlineExceeded)
	if here.host.Network().Connectedness(dead.id) == network.Connected {
		t.Error("still connected")
	}
}

func TestFaultsLeaveAPeerAloneLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaults(slog.New(slog.DiscardHandler))
		p, friend, clean := peer.ID("p"), peer.ID("friend"), peer.ID("clean")
		f.protect(friend)
		wait := refuseFirst
		for range 12 {
			f.bad(p, "test")
			f.bad(friend, "test")
			time.Sleep(min(wait, refuseMost) - time.Second)
			if !f.refused(p) || !f.paused(p) || !f.paused(friend) || f.refused(friend) {
				t.Fatalf("a second before %s: p refused %t paused %t, friend refused %t paused %t",
					wait, f.refused(p), f.paused(p), f.refused(friend), f.paused(friend))
			}
			time.Sleep(time.Second)
			if f.refused(p) || f.paused(p) || f.paused(friend) {
				t.Fatalf("still left alone after %s", wait)
			}
			wait *= 2
		}
		if f.refused(clean) || f.paused(clean) || f.score(clean) != 0 {
			t.Error("a peer without faults is held to have some")
		}
	})
}

func TestScoreCountsWhatIsProvableAndFades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaults(slog.New(slog.DiscardHandler))
		f.stall("slow", "test")
		f.otherNetwork("foreign", "a", "b")
		for range 3 {
			f.bad("bad", "test")
		}
		if f.score("slow") != 0 || f.score("foreign") != 0 || f.score("bad") != -3 {
			t.Fatalf("scores %v %v %v", f.score("slow"), f.score("foreign"), f.score("bad"))
		}
		time.Sleep(faultHalving)
		if got := f.score("bad"); got < -1.51 || got > -1.49 {
			t.Errorf("after a half life the score is %v", got)
		}
		time.Sleep(20 * faultHalving)
		if got := f.score("bad"); got != 0 {
			t.Errorf("after a long time the score is %v", got)
		}
	})
}

func TestStallsPauseLongerUntilProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaults(slog.New(slog.DiscardHandler))
		for _, seconds := range []int{1, 2, 4, 8} {
			f.stall("p", "test")
			time.Sleep(time.Duration(seconds)*time.Second - time.Millisecond)
			if !f.paused("p") {
				t.Fatalf("no longer paused before %d s", seconds)
			}
			time.Sleep(time.Millisecond)
		}
		f.progressed("p")
		f.stall("p", "test")
		time.Sleep(time.Second)
		if f.paused("p") || f.refused("p") {
			t.Error("a stall after progress is not the first")
		}
	})
}

func TestFaultsAreBounded(t *testing.T) {
	f := newFaults(slog.New(slog.DiscardHandler))
	f.protect("friend")
	f.bad("friend", "test")
	for i := range 2 * maxFaulty {
		f.bad(peer.ID(rune(i)), "test")
	}
	if len(f.peers) > maxFaulty {
		t.Errorf("%d peers remembered, at most %d wanted", len(f.peers), maxFaulty)
	}
	if !f.paused("friend") {
		t.Error("a static peer was forgotten")
	}
}
