package chainsync

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// TestProtocolDocument checks the examples of docs/PROTOCOL.md against the code: each stands there as this
// package writes it.
func TestProtocolDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := examples(string(text))
	if len(blocks) < 6 {
		t.Fatalf("only %d examples in hex found", len(blocks))
	}
	ones, twos, threes := hashOf(0x11), hashOf(0x22), hashOf(0x33)
	genesisTime := time.Date(2021, 7, 20, 0, 0, 0, 0, time.UTC)
	status := wire.Status{Version: 1, Genesis: ones, Height: 7, Tip: twos, Time: genesisTime, Agent: "kuai/0.1"}
	first := wire.SyncRequest{Count: spanBlocks, Bytes: spanBytes, Locator: []consensus.Hash{threes, ones}}
	later := wire.SyncRequest{From: 16386, Count: spanBlocks, Bytes: spanBytes, Until: twos}
	head := wire.SyncHead{Fork: 5, From: 6, Count: 2, Height: 7, Tip: twos}
	payment := consensus.Transaction{Sender: "alice", Recipient: "bob", Amount: "5", ID: consensus.ID{15: 2}, HasID: true}
	for name, payload := range map[string][]byte{
		"status":        status.Append(nil),
		"chain request": first.Append(nil),
		"later request": later.Append(nil),
		"chain head":    head.Append(nil),
		"block request": wire.AppendHashes(nil, []consensus.Hash{ones, twos}),
		"ids":           wire.AppendIDs(nil, []consensus.ID{{15: 1}, {15: 2}}),
		"payment":       payment.AppendCanonical(nil),
	} {
		frame := hex.EncodeToString(wire.AppendFrame(nil, payload))
		if !contains(blocks, frame) {
			t.Errorf("%s: the document does not show %s", name, frame)
		}
	}
	announcement := wire.Announcement{Hash: twos, Parent: ones, Index: 7, Size: 70000}.Append(nil)
	genesis := consensus.Classic().Genesis
	for _, want := range [][]byte{announcement, genesis.Canonical(), []byte(genesis.Hash().String()), []byte(consensus.Classic().Network())} {
		if !bytes.Contains(text, want) {
			t.Errorf("the document does not show %s", want)
		}
	}
}

// TestProtocolSaysTheLimits holds docs/PROTOCOL.md against the limits of statuses, syncs and pool exchanges.
func TestProtocolSaysTheLimits(t *testing.T) {
	hosttest.Documented(t, "../../docs/PROTOCOL.md",
		fmt.Sprintf("A request must be complete within %.0f s of the opening", stream.RequestWithin.Seconds()),
		fmt.Sprintf("At least 83 bytes, at most %d. The opener waits %.0f s", wire.MaxStatus, statusWithin.Seconds()),
		fmt.Sprintf("up to %d bytes of frames behind the first one", wire.MaxStatus),
		fmt.Sprintf("Request, one frame of 49..%d bytes", wire.MaxSyncRequest),
		fmt.Sprintf("Head of the answer, one frame of exactly %d bytes", wire.SyncHeadSize),
		fmt.Sprintf("≤ the request's and ≤ %d", maxServed),
		fmt.Sprintf("The request is one frame of 1..%d hashes (%d..%d bytes)", wire.MaxBlocksAsked, wire.HashSize, wire.MaxBlocksAsked*wire.HashSize),
		fmt.Sprintf("frames of 1..%d transaction ids (%d..%d bytes)", wire.IDsInFrame, wire.IDSize, wire.MaxIDs),
		fmt.Sprintf("It gives up after %.0f s", poolWithin.Seconds()),
		fmt.Sprintf("neither its end nor %d KiB within 2 s (four round trips if these take longer, but 6 s at most)", stream.StallBytes>>10),
		fmt.Sprintf("then every 1..2 s (random) to %s random peers", []string{"", "one", "two"}[statusPeers]),
		fmt.Sprintf("fetched in spans of %d blocks or %d MiB", spanBlocks, spanBytes>>20),
		fmt.Sprintf("goes to another peer after %.0f s", slowAfter.Seconds()),
		fmt.Sprintf("less than %d KiB of new blocks in %.0f s", stream.StallBytes>>10, unproductiveAfter.Seconds()),
	)
}

var hexWords = regexp.MustCompile(`^ {4}(?:[←→] +| {2})?((?:[0-9a-f]{2,} ?)+)(?: {2,}.*)?$`)

// examples returns the hex digits of the document's indented lines, neighbouring lines joined.
func examples(text string) []string {
	var all []string
	var run strings.Builder
	for _, line := range append(strings.Split(text, "\n"), "") {
		if m := hexWords.FindStringSubmatch(line); m != nil {
			run.WriteString(strings.ReplaceAll(m[1], " ", ""))
			continue
		}
		if run.Len() > 0 {
			all = append(all, run.String())
			run.Reset()
		}
	}
	return all
}

func contains(blocks []string, frame string) bool {
	for _, b := range blocks {
		if strings.HasPrefix(b, frame) {
			return true
		}
	}
	return false
}
