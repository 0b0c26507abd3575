package chainsync

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
)

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
	hosttest.NoLeaks(t)
	home := newStation(t, chaintest.Open(t, chaintest.Rules()))
	home.start(t)
	abroad := newStation(t, chaintest.Open(t, otherRules(t)))
	if home.network == abroad.network {
		t.Fatalf("both networks are called %s", home.network)
	}
	abroad.start(t)
	abroad.connect(t, home)
	hosttest.Eventually(t, "each refuses the other", func() bool {
		return home.table.IsRefused(abroad.id) && abroad.table.IsRefused(home.id)
	})
	hosttest.Eventually(t, "disconnected", func() bool { return home.host.Network().Connectedness(abroad.id) != network.Connected })
	hosttest.Eventually(t, "the log names both networks", func() bool {
		text := home.said.String()
		return strings.Contains(text, "another network") && strings.Contains(text, abroad.network) && strings.Contains(text, home.network)
	})
	if home.table.Score(abroad.id) != 0 {
		t.Error("being of another network is held against a peer")
	}
}

func TestOtherGenesisUnderOurNameIsRefused(t *testing.T) {
	hosttest.NoLeaks(t)
	home := startOn(t, chaintest.Rules())
	abroad := stationIn(t, home.network, chaintest.Open(t, otherRules(t)), slog.New(slog.DiscardHandler))
	abroad.start(t)
	abroad.connect(t, home)
	hosttest.Eventually(t, "each refuses the other", func() bool {
		return home.table.IsRefused(abroad.id) && abroad.table.IsRefused(home.id)
	})
}

func TestPeerThatNeverAnswersIsDisconnected(t *testing.T) {
	hosttest.NoLeaks(t)
	here, dead := newStation(t, chaintest.Open(t, chaintest.Rules())), newStation(t, chaintest.Open(t, chaintest.Rules()))
	here.watch(t)
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
	hosttest.Eventually(t, "it is disconnected", func() bool { return here.host.Network().Connectedness(dead.id) != network.Connected })
}
