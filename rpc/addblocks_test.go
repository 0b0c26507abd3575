package rpc

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

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
