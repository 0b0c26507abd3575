package chainsync

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/chaintest"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// TestViolationCodeArrives breaks each protocol over TCP as its asker, with more on the way than is read, and
// reads the code.
func TestViolationCodeArrives(t *testing.T) {
	for _, name := range []string{stream.Status, stream.Sync, stream.Blocks, stream.Pool} {
		t.Run(name, func(t *testing.T) {
			hosttest.NoLeaks(t)
			victim := startOn(t, chaintest.Rules())
			for range 5 { // by chance, a code could arrive before the connection's end
				attacker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
				attacker.connect(t, victim)
				s := attacker.open(t, victim, name)
				if _, err := s.Write(append([]byte{0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 100<<10)...)); err != nil && !errors.Is(err, network.ErrReset) {
					t.Fatal(err)
				}
				if code := resetCode(t, s); code != stream.CodeViolation {
					t.Errorf("reset with %#x, want %#x", code, stream.CodeViolation)
				}
				again := attacker.open(t, victim, stream.Status)
				_ = stream.SendRequest(again, attacker.ownStatus().Append(nil))
				if code := resetCode(t, again); code != stream.CodeViolation {
					t.Errorf("a stream after that was reset with %#x, want %#x", code, stream.CodeViolation)
				}
			}
			hosttest.Eventually(t, "all are disconnected", func() bool { return len(victim.host.Network().Peers()) == 0 })
		})
	}
}

// TestViolationCodeReachesWhoAnswers lets peers answer a chain request badly, in the frames and in a block, and
// go on sending.
func TestViolationCodeReachesWhoAnswers(t *testing.T) {
	blocks := chaintest.New(t).Paying().Mine(300).Branch()
	for name, raw := range map[string][]byte{"a bad frame": {0xff, 0xff, 0xff, 0xff, 0xff}, "a bad block": wire.AppendFrame(nil, []byte("{}"))} {
		t.Run(name, func(t *testing.T) {
			hosttest.NoLeaks(t)
			code := make(chan error, 1)
			liar := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks...))
			liar.server.Handlers[stream.Sync] = func(_ context.Context, x *stream.Exchange) error {
				_, head, raws, err := liar.truth(x)
				if err != nil {
					return err
				}
				answer := wire.AppendFrame(nil, head.Append(nil))
				for _, b := range raws[:200] {
					answer = wire.AppendFrame(answer, b)
				}
				for answer = append(answer, raw...); err == nil; answer = wire.AppendFrame(nil, raws[200]) {
					_, err = x.Write(answer)
				}
				code <- err
				return err
			}
			liar.start(t)
			fresh := startOn(t, chaintest.Rules())
			fresh.connect(t, liar)
			select {
			case err := <-code:
				var reset *network.StreamError
				if !errors.As(err, &reset) || reset.ErrorCode != stream.CodeViolation {
					t.Errorf("the answer ended with %v, want the code %#x", err, stream.CodeViolation)
				}
			case <-time.After(hosttest.Soon):
				t.Fatal("the answer was never interrupted")
			}
		})
	}
}

// TestShutdownCodeArrives stops a node that answers, and closes its host at once.
func TestShutdownCodeArrives(t *testing.T) {
	hosttest.NoLeaks(t)
	leaving, asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules())), newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	began, release := held(leaving, stream.Blocks)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leaving.server.Open(ctx, leaving.host, leaving.network)
	asker.connect(t, leaving)
	s := asker.open(t, leaving, stream.Blocks)
	if _, err := s.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	<-began
	cancel()
	leaving.server.Close(leaving.host, leaving.network)
	if err := leaving.host.Close(); err != nil {
		t.Fatal(err)
	}
	if code := resetCode(t, s); code != stream.CodeShutdown {
		t.Errorf("reset with %#x, want %#x", code, stream.CodeShutdown)
	}
}
