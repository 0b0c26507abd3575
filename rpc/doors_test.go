package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// reasons is a log handler that keeps the last error logged.
type reasons struct {
	mu   sync.Mutex
	last error
}

func (r *reasons) Enabled(context.Context, slog.Level) bool { return true }

func (r *reasons) Handle(_ context.Context, rec slog.Record) error {
	rec.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.last = err
		}
		return true
	})
	return nil
}

func (r *reasons) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r *reasons) WithGroup(string) slog.Handler      { return r }

func (r *reasons) take() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.last
	r.last = nil
	return err
}

// doorStory is a chain of ours, a longer one of a neighbour that parts from it at the genesis, and what it may end with.
type doorStory struct {
	setting      chaintest.Setting
	ours, theirs []*consensus.Block
}

func newDoorStory(t testing.TB) doorStory { return newDoorStoryOn(t, chaintest.Rules()) }

func newDoorStoryOn(t testing.TB, r *consensus.Rules) doorStory {
	t.Helper()
	b := chaintest.NewOn(t, r).Paying().Mine(2)
	s := doorStory{ours: b.Branch()}
	s.theirs = b.Fork(2).Mine(2).Branch()
	s.setting = chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: time.Unix(1_800_000_000, 0), Mined: s.theirs[0].Transactions()[0].ID}
	return s
}

// node returns a node that holds our chain, and what it logs.
func (s *doorStory) node(t testing.TB) (*node, *reasons) {
	t.Helper()
	c := chaintest.OpenAt(t, s.setting.Rules, func() time.Time { return s.setting.Now })
	for _, b := range s.ours {
		if _, err := c.Add(b, ""); err != nil {
			t.Fatal(err)
		}
	}
	why := &reasons{}
	net := &fakeNetwork{id: testPeer}
	m := &testMiner{chain: c, name: net.id}
	return &node{New(Config{}, c, net, m, slog.New(why)), net, m}, why
}

// answer is a /chain that ends with raw.
func (s *doorStory) answer(raw []byte) string {
	before := strings.TrimSuffix(chainAnswer(s.setting.Rules, s.theirs), `], "length": 3}`)
	return before + ", " + string(raw) + `], "length": 4}`
}

// inChain is what a case means as the end of a /chain: there the parent is the block before it, and no other. It is nil for what
// must be adopted.
func inChain(c chaintest.Case, err error) error {
	if errors.Is(c.Err, chain.ErrOrphan) {
		c.Rule, c.Err = consensus.RuleParent, nil
	}
	if c.Syntax && (errors.Is(err, errNoChain) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil // its quotes or brackets spoil the text around it
	}
	return c.CheckLoose(err)
}

// check fails the test unless the case had its one outcome.
func (s *doorStory) check(t *testing.T, n *node, c chaintest.Case, err error) {
	t.Helper()
	if err := inChain(c, err); err != nil {
		t.Error(err)
	}
	want := s.ours[1].Hash()
	if c.Err == nil && (c.Rule == "" || c.Loose) {
		b, err := s.setting.Rules.ReadBlock(c.Raw)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		want = b.Hash()
	}
	if n.chain.Tip().Hash != want {
		t.Errorf("%s: the tip is %v", c.Name, n.chain.Tip())
	}
}

// onEachProfile runs a test on a classic and on a secure network.
func onEachProfile(t *testing.T, test func(t *testing.T, r *consensus.Rules)) {
	for _, r := range []*consensus.Rules{chaintest.Rules(), chaintest.SecureRules()} {
		t.Run(string(r.Profile), func(t *testing.T) { test(t, r) })
	}
}

func TestResolveDoor(t *testing.T) { onEachProfile(t, resolveDoor) }

func resolveDoor(t *testing.T, r *consensus.Rules) {
	s := newDoorStoryOn(t, r)
	var body atomic.Value
	body.Store("")
	url := listen(t, sayingWhat(&body))
	for _, c := range chaintest.BlockCases(s.setting) {
		n, why := s.node(t)
		body.Store(s.answer(c.Raw))
		n.net.register(url, "flask")
		n.resolveNow(t)
		s.check(t, n, c, why.take())
	}
}

func TestImportDoor(t *testing.T) { onEachProfile(t, importDoor) }

func importDoor(t *testing.T, r *consensus.Rules) {
	s := newDoorStoryOn(t, r)
	for _, c := range chaintest.BlockCases(s.setting) {
		n, _ := s.node(t)
		open := textSource(s.answer(c.Raw))
		done, err := Import(t.Context(), n.chain, open, "test", nil)
		s.check(t, n, c, err)
		if err == nil && !done.Replaced || err != nil && done.Replaced {
			t.Errorf("%s: %+v, %v", c.Name, done, err)
		}
	}
}

// strangersKeys know no account by name, and hold no key of one.
type strangersKeys struct{ *fakeKeys }

func (strangersKeys) Named(string) (string, bool) { return "", false }

// TestPaymentDoor posts each case of a transaction, on a secure network to a node without the sender's key.
func TestPaymentDoor(t *testing.T) { onEachProfile(t, paymentDoor) }

func paymentDoor(t *testing.T, r *consensus.Rules) {
	for _, c := range chaintest.TransactionCases(r) {
		n := startOn(t, Config{Keys: strangersKeys{newFakeKeys()}}, r)
		w := n.do("POST", "/transactions/new", string(c.Raw), "Accept: application/json")
		status, says := 201, "will be added"
		switch {
		case c.Loose, bytes.HasPrefix(c.Raw, []byte("\ufeff")): // a body may begin with a mark, a canonical text may not
		case r.IsSecure() && strings.HasSuffix(c.Name, "without signature"): // which the node would add
			status, says = 400, "does not hold the unlocked key"
		case c.Syntax:
			status, says = 400, ""
		case c.Rule != "":
			status, says = 400, fmt.Sprintf("Refused by the rule \\\"%s\\\"", c.Rule)
		case c.Err != nil:
			status, says = 400, "balance too small"
		}
		pending := 0
		if status == 201 {
			pending = 1
		}
		if got, _ := n.chain.PoolSize(); w.Code != status || !strings.Contains(w.Body.String(), says) || got != pending {
			t.Errorf("%s: %d %s, %d pending", c.Name, w.Code, w.Body, got)
		}
	}
}

func textSource(text string) Source {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func TestImportKeepsWhatIsLonger(t *testing.T) {
	s := newDoorStory(t)
	for name, text := range map[string]string{
		"equally long": chainAnswer(s.setting.Rules, s.theirs),
		"shorter":      chainAnswer(s.setting.Rules, s.theirs[:1]),
		"the same":     chainAnswer(s.setting.Rules, s.ours),
	} {
		n, _ := s.node(t)
		done, err := Import(t.Context(), n.chain, textSource(text), name, nil)
		if err != nil || done.Replaced || n.chain.Tip().Hash != s.ours[1].Hash() || len(n.chain.Forks()) != 0 {
			t.Errorf("%s: %+v, %v, tip %v", name, done, err, n.chain.Tip())
		}
	}
	n, _ := s.node(t)
	for name, text := range map[string]string{"empty": "", "no chain": "{}", "cut short": chainAnswer(s.setting.Rules, s.theirs)[:500]} {
		if _, err := Import(t.Context(), n.chain, textSource(text), name, nil); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Import(ctx, n.chain, textSource(chainAnswer(s.setting.Rules, s.theirs)), "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}

// TestExportIsTheAnswerOfChain writes a chain of many chunks, and imports it into a new node.
func TestExportIsTheAnswerOfChain(t *testing.T) {
	n := start(t, Config{})
	for _, b := range flaskBlocks(t, n.chain.Rules(), 2*adoptBatch+10) {
		if _, err := n.chain.Add(b, ""); err != nil {
			t.Fatal(err)
		}
	}
	snap := n.chain.Snapshot()
	defer snap.Close()
	var text bytes.Buffer
	var said int64
	if err := WriteChain(t.Context(), &text, snap, func(done, _ int64) { said = done }); err != nil {
		t.Fatal(err)
	}
	if got := n.do("GET", "/chain", "").Body.String(); text.String() != got {
		t.Errorf("the export has %d bytes, /chain %d, and they differ", text.Len(), len(got))
	}
	if said < 1000 {
		t.Errorf("progress up to block %d", said)
	}

	other := start(t, Config{})
	chaintest.MineOn(t, other.chain, 2)
	url := listen(t, saying(text.String()))
	var total int64
	done, err := Import(t.Context(), other.chain, ChainAt(url+"/chain"), url, func(_, all int64) { total = all })
	if err != nil || !done.Replaced || other.chain.Tip() != n.chain.Tip() || total != done.Length {
		t.Errorf("%+v, %v, total %d, tip %v", done, err, total, other.chain.Tip())
	}
	genesis, sealed, err := ReadGenesis(t.Context(), ChainAt(url))
	if err != nil || sealed || string(genesis) != string(n.chain.Rules().Genesis.Canonical()) {
		t.Errorf("genesis %s, %v", genesis, err)
	}
	for _, bad := range []string{`{"chain": []}`, `{"chain": [nul]}`, ""} {
		if _, _, err := ReadGenesis(t.Context(), textSource(bad)); err == nil {
			t.Errorf("a genesis in %q", bad)
		}
	}
}

// sayingWhat answers with what body holds at the time.
func sayingWhat(body *atomic.Value) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body.Load().(string)) })
}

// TestImportGoesByWork: on a secure network a shorter chain of fast blocks has more work than a longer one of slow blocks.
func TestImportGoesByWork(t *testing.T) {
	rules := chaintest.SecureRules()
	mined := func(n int, step float64) (blocks []*consensus.Block) {
		parent := rules.Genesis.Header()
		for range n {
			b := chaintest.BlockAt(t, rules, parent, parent.Timestamp+step*rules.BlockTime.Seconds(), "carol")
			blocks, parent = append(blocks, b), b.Header()
		}
		return blocks
	}
	fast, slow := mined(8, 0.1), mined(10, 10)
	for _, c := range []struct {
		name         string
		ours, theirs []*consensus.Block
		replaced     bool
	}{{"shorter", slow, fast, true}, {"longer", fast, slow, false}} {
		n := startOn(t, Config{}, rules)
		for _, b := range c.ours {
			if _, err := n.chain.Add(b, ""); err != nil {
				t.Fatal(err)
			}
		}
		done, err := Import(t.Context(), n.chain, textSource(chainAnswer(rules, c.theirs)), "them", nil)
		if err != nil || done.Replaced != c.replaced || (n.chain.Tip().Hash == c.theirs[len(c.theirs)-1].Hash()) != c.replaced {
			t.Errorf("a %s chain: %+v, %v, tip %+v", c.name, done, err, n.chain.Tip())
		}
	}
}
