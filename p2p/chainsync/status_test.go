package chainsync

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
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
	home := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	home.start(t)
	abroad := newTestPeer(t, chaintest.Open(t, otherRules(t)))
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
	abroad := newTestPeerIn(t, home.network, chaintest.Open(t, otherRules(t)), slog.New(slog.DiscardHandler))
	abroad.start(t)
	abroad.connect(t, home)
	hosttest.Eventually(t, "each refuses the other", func() bool {
		return home.table.IsRefused(abroad.id) && abroad.table.IsRefused(home.id)
	})
}

func TestPeerThatNeverAnswersIsDisconnected(t *testing.T) {
	hosttest.NoLeaks(t)
	here, dead := newTestPeer(t, chaintest.Open(t, chaintest.Rules())), newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	here.watch(t)
	here.connect(t, dead)
	for range maxUnanswered - 1 {
		here.doneAsking(dead.id, os.ErrDeadlineExceeded)
	}
	here.doneAsking(dead.id, nil)
	for range maxUnanswered - 1 {
		here.doneAsking(dead.id, os.ErrDeadlineExceeded)
	}
	if here.host.Network().Connectedness(dead.id) != network.Connected {
		t.Fatal("disconnected before it missed enough in a row")
	}
	here.doneAsking(dead.id, os.ErrDeadlineExceeded)
	hosttest.Eventually(t, "it is disconnected", func() bool { return here.host.Network().Connectedness(dead.id) != network.Connected })
}

// TestBranchThatAPeerLeft: what a peer had of its own is known after it has left it for our chain, and not if
// our chain became its.
func TestBranchThatAPeerLeft(t *testing.T) {
	hosttest.NoLeaks(t)
	trunk := chaintest.New(t).Mine(4)
	ours := trunk.Blocks()
	theirs := chaintest.NewOn(t, trunk.Rules()).Mine(1).Fork(1).Mine(5).Branch()
	here := newTestPeer(t, chainOf(t, trunk.Rules(), ours...))
	other := newTestPeer(t, chaintest.Open(t, trunk.Rules())).id
	says := func(b *consensus.Block) {
		said := here.ownStatus()
		said.Height, said.Tip = b.Index(), b.Hash()
		here.handleStatus(other, said)
	}
	says(theirs[0])
	says(theirs[1])
	here.noteFork(other, 1)
	if left := here.Left(other); left.Height != 0 {
		t.Errorf("left %+v already", left)
	}
	says(ours[3])
	left := here.Left(other)
	if left.Height != 3 || left.Tip != theirs[1].Hash() || left.Fork != 1 || left.At.IsZero() {
		t.Errorf("left %+v", left)
	}
	t.Log("it may ask for our chain a moment before its status is heard")
	here.noteFork(other, 1)
	says(theirs[2])
	says(ours[3])
	if left = here.Left(other); left.Height != 4 || left.Fork != 1 {
		t.Errorf("left %+v", left)
	}
	says(theirs[3])
	for _, b := range theirs {
		if _, err := here.chain.Add(b, "peer"); err != nil {
			t.Fatal(err)
		}
	}
	says(theirs[4])
	if again := here.Left(other); again != left {
		t.Errorf("the branch that became ours is told as left: %+v", again)
	}
}

// TestStatusOfALaterProgram has fields behind those that this program knows, and further frames behind it. Both
// are skipped, as far as they stay within a status's size.
func TestStatusOfALaterProgram(t *testing.T) {
	hosttest.NoLeaks(t)
	r := chaintest.Rules()
	for _, c := range []struct {
		name string
		more int // bytes of further frames
		bad  bool
	}{{"a field", 0, false}, {"a field and a frame", 100, false}, {"a flood", wire.MaxStatus, true}} {
		t.Run(c.name, func(t *testing.T) {
			here, later := newTestPeer(t, chaintest.Open(t, r)), newTestPeer(t, chaintest.Open(t, r))
			said := later.ownStatus()
			said.Version, said.Name = 7, "later"
			message := wire.AppendFrame(nil, append(said.Append(nil), make([]byte, 32+9)...)) // no work, and a field
			if c.more > 0 {
				message = wire.AppendFrame(message, make([]byte, c.more))
			}
			heard := make(chan error, 1)
			later.server.Handlers[stream.Status] = func(_ context.Context, x *stream.Exchange) error {
				_, err := wire.ReadOne(x.R, wire.MaxStatus)
				heard <- err
				if _, err := x.W.Write(message); err != nil {
					return err
				}
				return x.W.Flush()
			}
			later.serveOnly(t)
			here.serveOnly(t)
			here.connect(t, later)
			err := here.exchangeStatus(t.Context(), later.id)
			if e := <-heard; e != nil {
				t.Fatal(e)
			}
			if stream.IsProvable(err) != c.bad || here.table.IsRefused(later.id) != c.bad {
				t.Errorf("its answer: %v, refused: %v", err, here.table.IsRefused(later.id))
			}
			if c.bad {
				return
			}
			if got, ok := here.Claim(later.id); !ok || got.Name != "later" || got.Height != 1 || got.Claim() != (consensus.Work{3: 1}) {
				t.Errorf("heard %+v, %v", got, ok)
			}
			later.connect(t, here)
			err = later.client.Ask(t.Context(), here.id, stream.Status, statusWithin, func(st network.Stream) error {
				if _, err := st.Write(message); err != nil {
					return err
				}
				if err := st.CloseWrite(); err != nil {
					return err
				}
				_, err := wire.ReadOne(bufio.NewReader(st), wire.MaxStatus)
				return err
			})
			if err != nil || here.table.IsRefused(later.id) {
				t.Errorf("its question: %v, refused: %v", err, here.table.IsRefused(later.id))
			}
		})
	}
}
