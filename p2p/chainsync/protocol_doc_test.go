package chainsync

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// TestProtocolDocument checks the examples of docs/PROTOCOL.md against the code: each stands there as this package writes it.
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
