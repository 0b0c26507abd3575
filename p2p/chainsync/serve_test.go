package chainsync

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"golang.org/x/time/rate"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// open opens a stream from st to other.
func (tp *testPeer) open(t *testing.T, other *testPeer, name string) network.Stream {
	t.Helper()
	s, err := tp.host.NewStream(t.Context(), other.id, stream.ID(other.network, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	return s
}

// resetCode reads s to its end and returns the code that it was reset with, 0 if it was not.
func resetCode(t *testing.T, s network.Stream) network.StreamErrorCode {
	t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(hosttest.Soon)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, s)
	var reset *network.StreamError
	if err != nil && !errors.As(err, &reset) {
		t.Fatal(err)
	}
	if reset == nil {
		return 0
	}
	return reset.ErrorCode
}

// held makes the server's handler of a protocol wait until release, and says on began that it was entered.
func held(tp *testPeer, name string) (began chan struct{}, release func()) {
	began, gate := make(chan struct{}, 256), make(chan struct{})
	tp.server.Handlers[name] = func(ctx context.Context, _ *stream.Exchange) error {
		began <- struct{}{}
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return nil
	}
	return began, func() { close(gate) }
}

func TestSyncStreamTooManyIsBusy(t *testing.T) {
	hosttest.NoLeaks(t)
	victim, asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules())), newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	began, release := held(victim, stream.Sync)
	victim.serveOnly(t)
	asker.connect(t, victim)
	var first []network.Stream
	for range leadWorkers {
		s := asker.open(t, victim, stream.Sync)
		if _, err := s.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		<-began
		first = append(first, s)
	}
	more := asker.open(t, victim, stream.Sync)
	_, _ = more.Write([]byte{1})
	if code := resetCode(t, more); code != stream.CodeBusy {
		t.Errorf("one more stream ended with %#x, want %#x", code, stream.CodeBusy)
	}
	release()
	for _, s := range first {
		if code := resetCode(t, s); code != 0 {
			t.Errorf("a stream within the limit was reset with %#x", code)
		}
	}
	again := asker.open(t, victim, stream.Sync) // the end of one makes room for the next at once
	_, _ = again.Write([]byte{1})
	if code := resetCode(t, again); code != 0 {
		t.Errorf("a stream after the others ended was reset with %#x", code)
	}
	if victim.table.Score(asker.id) != 0 {
		t.Error("asking too much at once is held against a peer")
	}
}

func TestTotalOfStreamsIsLimited(t *testing.T) {
	hosttest.NoLeaks(t)
	victim := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	l := victim.server.Limit(stream.Sync)
	l.Total = 3
	victim.server.SetLimit(stream.Sync, l)
	began, release := held(victim, stream.Sync)
	defer release()
	victim.serveOnly(t)
	busy := 0
	for range 5 {
		asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
		asker.connect(t, victim)
		s := asker.open(t, victim, stream.Sync)
		_, _ = s.Write([]byte{1})
		select {
		case <-began:
		case code := <-code(t, s):
			if code != stream.CodeBusy {
				t.Errorf("reset with %#x, want %#x", code, stream.CodeBusy)
			}
			busy++
		}
	}
	if busy != 2 {
		t.Errorf("%d of 5 peers were refused, want the 2 above the limit", busy)
	}
}

// code reads s in the background.
func code(t *testing.T, s network.Stream) <-chan network.StreamErrorCode {
	c := make(chan network.StreamErrorCode, 1)
	go func() {
		var reset *network.StreamError
		if _, err := io.Copy(io.Discard, s); errors.As(err, &reset) {
			c <- reset.ErrorCode
		}
	}()
	return c
}

func TestTooManyRequestsAreRateLimited(t *testing.T) {
	hosttest.NoLeaks(t)
	victim, asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules())), newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	l := victim.server.Limit(stream.Status)
	l.Rate, l.Burst = rate.Every(time.Hour), 3
	victim.server.SetLimit(stream.Status, l)
	victim.serveOnly(t)
	asker.connect(t, victim)
	for i := range 4 {
		s := asker.open(t, victim, stream.Status)
		if err := stream.SendRequest(s, asker.ownStatus().Append(nil)); err != nil && i < 3 {
			t.Fatal(err)
		}
		if code := resetCode(t, s); (code == stream.CodeRate) != (i == 3) {
			t.Errorf("request %d ended with %#x", i, code)
		}
	}
}

func TestUnfinishedRequestIsDropped(t *testing.T) {
	hosttest.NoLeaks(t)
	victim, asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules())), newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	for name := range victim.server.Handlers {
		l := victim.server.Limit(name)
		l.Within = 100 * time.Millisecond
		victim.server.SetLimit(name, l)
	}
	victim.serveOnly(t)
	asker.connect(t, victim)
	for _, name := range []string{stream.Status, stream.Sync, stream.Blocks, stream.Pool} {
		s := asker.open(t, victim, name)
		if _, err := s.Write([]byte{83, 0}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetReadDeadline(time.Now().Add(hosttest.Soon)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, s); !errors.Is(err, network.ErrReset) {
			t.Errorf("%s: an unfinished request ended with %v, want a reset", name, err)
		}
	}
	if victim.table.IsRefused(asker.id) {
		t.Error("a request that was not finished proves nothing, yet the peer is refused")
	}
}

func TestSlowReaderHoldsNothingUp(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Paying().Mine(3000).Branch()
	full := startOn(t, chaintest.Rules(), blocks...)
	slow := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	slow.connect(t, full)
	for range 2 {
		s := slow.open(t, full, stream.Sync)
		req := wire.SyncRequest{Count: 1 << 14, Bytes: 1 << 30, Locator: slow.chain.Locator()}
		if err := stream.SendRequest(s, req.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if err := slow.exchangeStatus(t.Context(), full.id); err != nil {
			t.Fatal(err)
		}
		if _, err := full.chain.Add(chaintest.Block(t, chaintest.Rules(), full.chain.Tip(), "miner"), ""); err != nil {
			t.Fatal(err)
		}
	}
	fresh := startOn(t, chaintest.Rules())
	fresh.connect(t, full)
	fresh.reaches(t, full.chain.Tip().Hash)
}

func TestAnswerEndsAtTheBytesAskedFor(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(30).Branch()
	full := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks...)).serveOnly(t)
	asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	asker.connect(t, full)
	locator := asker.chain.Locator()
	size := uint32(len(blocks[0].Canonical()))
	cases := map[string]struct {
		req  wire.SyncRequest
		from int64 // of the head
		said uint32
		want []*consensus.Block
	}{
		"all":                    {wire.SyncRequest{Count: 100, Bytes: 1 << 20, Locator: locator}, 2, 30, blocks},
		"by count":               {wire.SyncRequest{Count: 5, Bytes: 1 << 20, Locator: locator}, 2, 5, blocks[:5]},
		"by bytes":               {wire.SyncRequest{Count: 100, Bytes: size + 1, Locator: locator}, 2, 30, blocks[:2]},
		"from an index":          {wire.SyncRequest{From: 20, Count: 3, Bytes: 1 << 20}, 20, 3, blocks[18:21]},
		"until a block":          {wire.SyncRequest{From: 20, Count: 100, Bytes: 1 << 20, Until: blocks[20].Hash()}, 20, 3, blocks[18:21]},
		"until a strange block":  {wire.SyncRequest{From: 20, Count: 100, Bytes: 1 << 20, Until: consensus.Hash{1}}, 20, 0, nil},
		"above the tip":          {wire.SyncRequest{From: 32, Count: 100, Bytes: 1 << 20}, 32, 0, nil},
		"after a fork":           {wire.SyncRequest{Count: 100, Bytes: 1 << 20, Locator: []consensus.Hash{{9}, blocks[25].Hash(), blocks[3].Hash()}}, 28, 4, blocks[26:]},
		"after an unknown chain": {wire.SyncRequest{Count: 1, Bytes: 1 << 20, Locator: []consensus.Hash{{9}}}, 2, 1, blocks[:1]},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := asker.open(t, full, stream.Sync)
			if err := stream.SendRequest(s, c.req.Append(nil)); err != nil {
				t.Fatal(err)
			}
			head, raws := readAnswer(t, s)
			if head.From != c.from || head.Count != c.said || head.Height != 31 || head.Tip != blocks[29].Hash() {
				t.Errorf("head %+v", head)
			}
			if !slices.EqualFunc(raws, c.want, func(raw []byte, b *consensus.Block) bool { return bytes.Equal(raw, b.Canonical()) }) {
				t.Errorf("%d blocks, want %d", len(raws), len(c.want))
			}
		})
	}
}

// readAnswer reads a whole answer to a chain request.
func readAnswer(t *testing.T, s network.Stream) (head wire.SyncHead, raws [][]byte) {
	t.Helper()
	r := bufio.NewReader(s)
	payload, err := wire.ReadOne(r, wire.SyncHeadSize)
	if err != nil {
		t.Fatal(err)
	}
	if head, err = wire.ParseSyncHead(payload); err != nil {
		t.Fatal(err)
	}
	for {
		raw, err := wire.ReadFrame(r, chaintest.Rules().MaxBlockBytes)
		if err == io.EOF {
			return head, raws
		}
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
	}
}
