package rpc

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// added reads the answer to POST /blocks.
func added(t *testing.T, w *httptest.ResponseRecorder) (v api.AddedBlocks) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return v
}

// TestBlocksAreAdded: as lines, as what /chain answers, from the first on or from where the chain ends, and again.
func TestBlocksAreAdded(t *testing.T) {
	text, c := lined(t, consensus.Classic(), 30)
	lines := strings.SplitAfter(string(text), "\n")
	n := startOn(t, Config{}, consensus.Classic())
	for _, part := range []struct {
		body  string
		added int
	}{
		{strings.Join(lines[:11], ""), 10},
		{strings.Join(lines[11:21], ""), 10},
		{`{"chain": [` + strings.Join(lines[15:30], ",") + `], "length": 31}`, 9},
		{string(text), 1},
		{string(text), 0},
	} {
		if got := added(t, n.do("POST", "/blocks", part.body)); got.Added != part.added || got.Refused != nil {
			t.Errorf("%+v, want %d added", got, part.added)
		}
	}
	if n.chain.Tip().Hash != c.Tip().Hash {
		t.Errorf("at block %d", n.chain.Tip().Index)
	}
}

// TestRefusedBlocksAreNamed: those before stay.
func TestRefusedBlocksAreNamed(t *testing.T) {
	text, _ := lined(t, consensus.Classic(), 12)
	lines := strings.SplitAfter(string(text), "\n")
	for name, c := range map[string]struct {
		body     string
		position int
		reason   string
		height   int64
	}{
		"an unknown parent":   {strings.Join(lines[5:8], ""), 1, "its parent is not known", 1},
		"a gap":               {strings.Join(lines[:5], "") + lines[7], 6, "invalid", 5},
		"another genesis":     {strings.Replace(lines[0], "1626739200.0", "1.0", 1) + lines[1], 1, "its genesis is not ours: it is of another network", 1},
		"cut":                 {strings.Join(lines[:5], "") + lines[5][:30], 6, "cut off", 5},
		"a worthless proof":   {strings.Join(lines[:5], "") + strings.Replace(lines[5], `"proof": `, `"proof": 1`, 1), 6, "proof", 5},
		"a line that is none": {strings.Join(lines[:5], "") + "[]\n", 6, "invalid", 5},
	} {
		n := startOn(t, Config{}, consensus.Classic())
		got := added(t, n.do("POST", "/blocks", c.body))
		if got.Refused == nil || got.Refused.Position != c.position || !strings.Contains(got.Refused.Reason, c.reason) || got.Height != c.height {
			t.Errorf("%s: %+v, %+v", name, got, got.Refused)
		}
	}
	n := startOn(t, Config{}, consensus.Classic())
	for _, body := range []string{"", "{}", "[]", "text", `{"chain": 5}`} {
		if w := n.do("POST", "/blocks", body); w.Code != 400 {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	}
}

// TestBlocksOnAnUncoveredOne: that payments do not add up shows only when their branch would win. The blocks from there on do not stay.
func TestBlocksOnAnUncoveredOne(t *testing.T) {
	tree := chaintest.NewSecure(t).Paying().Mine(10)
	trunk := tree.Branch()
	tree.Fork(8).Mine(1).Pay(chaintest.Signed(tree.Rules(), "dave", "erin", 1001)).Mine(24)
	branch := tree.Blocks()[len(trunk):]
	text := func(blocks []*consensus.Block) (lines string) {
		for _, b := range blocks {
			lines += string(b.Canonical()) + "\n"
		}
		return lines
	}
	n := startOn(t, Config{}, tree.Rules())
	var log strings.Builder
	n.log = slog.New(slog.NewTextHandler(&log, nil))
	for _, part := range []struct {
		blocks   []*consensus.Block
		added    int
		position int // of the refused one, 0 for none
		reason   string
	}{
		{trunk, 10, 0, ""},
		{branch[:1], 1, 0, ""},
		{branch, 0, 2, "invalid (balance): "},
	} {
		got := added(t, n.do("POST", "/blocks", text(part.blocks)))
		if got.Added != part.added || (got.Refused != nil) != (part.position > 0) {
			t.Fatalf("%+v %+v, want %d added", got, got.Refused, part.added)
		}
		if got.Refused != nil && (got.Refused.Position != part.position || !strings.HasPrefix(got.Refused.Reason, part.reason)) {
			t.Errorf("%+v, want %q of block %d", got.Refused, part.reason, part.position)
		}
	}
	if want := `msg="blocks of a request added" added=10 index=11 `; !strings.Contains(log.String(), want) || strings.Count(log.String(), "\n") != 2 {
		t.Errorf("the log has %s, want %s", log.String(), want)
	}
}
