package flask

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/rpc"
)

// lonely is a network without peers, and the addresses that were registered.
type lonely struct{ node *p2p.Node }

// newLonely returns one that asks URLs as a daemon does.
func newLonely(t *testing.T, c *chain.Chain) lonely {
	t.Helper()
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	asker := rpc.NewAsker("test")
	ask := func(ctx context.Context, url string) (p2p.Answer, error) {
		said, err := asker.Ask(ctx, url)
		if errors.Is(err, rpc.ErrFlask) {
			err = p2p.ErrFlask
		}
		return p2p.Answer(said), err
	}
	n, err := p2p.New(p2p.Config{Identity: key, AskURL: ask}, c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return lonely{n}
}

func (n lonely) Register(ctx context.Context, list []string) error {
	err := n.node.Register(ctx, list)
	if refused := (*p2p.RefusedError)(nil); errors.As(err, &refused) {
		return (*rpc.RefusedNode)(refused)
	}
	return err
}

func (n lonely) Registered() (all []rpc.Registered) {
	for _, r := range n.node.Registered() {
		all = append(all, shown(r))
	}
	return all
}

func (n lonely) AskRegistered(ctx context.Context, each func(rpc.Registered)) {
	n.node.AskRegistered(ctx, func(r p2p.Registered) { each(shown(r)) })
}

func shown(r p2p.Registered) rpc.Registered {
	return rpc.Registered{Address: r.Address, URL: r.URL, Kind: string(r.Kind), Answered: r.Answered}
}

func (lonely) ID() string                    { return "12D3KooWTest" }
func (lonely) Addresses() []string           { return nil }
func (lonely) Disconnect(string) error       { return chain.ErrNotFound }
func (lonely) Peers() []rpc.Peer             { return nil }
func (lonely) SyncNow(context.Context) error { return nil }
func (lonely) SyncStatus() rpc.SyncStatus    { return rpc.SyncStatus{} }
func (lonely) RefreshPeerLists()             {}
func (lonely) Reach() rpc.Reach              { return rpc.Reach{} }

// searcher is the tutorial's search, one at a time. It has no other method of a miner, as the tutorial has no use for one.
type searcher struct {
	rpc.Miner
	mu    sync.Mutex
	chain *chain.Chain
}

func (s *searcher) Status() rpc.MinerStatus { return rpc.MinerStatus{Mode: "manual"} }

func (s *searcher) Mine(context.Context) (*consensus.Block, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		work, rules := s.chain.Draft(lonely{}.ID()), s.chain.Rules()
		b, err := rules.Seal(work, chaintest.Proof(rules, work.Parent), float64(time.Now().UnixMicro())/1e6)
		if err == nil {
			err = s.chain.AddMined(b)
		}
		if !errors.Is(err, chain.ErrStale) {
			return b, err
		}
	}
}

// kuai serves a node of the classic network and returns its URL.
func kuai(t *testing.T) string {
	t.Helper()
	c := chaintest.Open(t, consensus.Classic())
	s := rpc.New(rpc.Config{}, c, newLonely(t, c), &searcher{chain: c}, slog.New(slog.DiscardHandler))
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return srv.URL
}

// masks take out what must differ: when and by whom, and what follows from that. A payment's id is kuai's own.
var masks = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`"id":"[0-9a-f]{32}",`), ``},
	{regexp.MustCompile(`"recipient":"[^"]*","sender":"0"`), `"recipient":"NODE","sender":"0"`},
	{regexp.MustCompile(`"previous_hash":"[0-9a-f]{64}"`), `"previous_hash":"HASH"`},
	{regexp.MustCompile(`("previous_hash":"HASH","proof":)[0-9]+`), `${1}PROOF`},
	{regexp.MustCompile(`(PROOF,"timestamp":)[0-9]+\.[0-9]+`), `${1}TIME`},
}

func masked(body string) string {
	for _, m := range masks {
		body = m.re.ReplaceAllString(body, m.with)
	}
	return body
}

// sorted is Allow in order: Flask's is a set's.
func sorted(allow string) string {
	methods := strings.Split(allow, ", ")
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// exchange is one request of the conversation that both nodes have.
type exchange struct {
	name, method, path, body string
}

// conversation is had in this order, so that both nodes go through the same states. PEER stands for a third node.
var conversation = []exchange{
	{"chain of genesis", "GET", "/chain", ""},
	{"resolve alone", "GET", "/nodes/resolve", ""},
	{"integer", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":5}`},
	{"float", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":5.0}`},
	{"exponent", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":1e2}`},
	{"small", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":0.00001}`},
	{"large", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":1E16}`},
	{"seventeen digits", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":0.30000000000000004}`},
	{"largest integer", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":9223372036854775807}`},
	{"unicode", "POST", "/transactions/new", `{"sender":"爱丽丝 é 😀","recipient":"\u00e9\ud83d\ude00\t\"\\\/","amount":1}`},
	{"angle brackets", "POST", "/transactions/new", `{"sender":"<script>&'","recipient":"\u007f\u2028","amount":1}`},
	{"other keys and spaces", "POST", "/transactions/new", "\n{ \"sender\" : \"a\", \"recipient\":\"b\",\t\"amount\": 7, \"memo\": [null] } \n"},
	{"nothing given", "POST", "/transactions/new", `{}`},
	{"amount missing", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob"}`},
	{"case of a key", "POST", "/transactions/new", `{"Sender":"alice","recipient":"bob","amount":5}`},
	{"empty list", "POST", "/transactions/new", `[]`},
	{"list", "POST", "/transactions/new", `["sender"]`},
	{"mine all of it", "GET", "/mine", ""},
	{"chain of two", "GET", "/chain", ""},
	{"chain with a query", "GET", "/chain?verbose=yes", ""},
	{"mine an empty one", "GET", "/mine", ""},
	{"mine with a query", "GET", "/mine?x=1", ""},
	{"next payment's block", "POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":2.50}`},
	{"register nothing", "POST", "/nodes/register", `{"nodes":[]}`},
	{"register without a list", "POST", "/nodes/register", `{}`},
	{"register null", "POST", "/nodes/register", `{"nodes":null}`},
	{"register under another key", "POST", "/nodes/register", `{"node":["http://127.0.0.1:5001"]}`},
	{"register", "POST", "/nodes/register", `{"nodes":["http://PEER"]}`},
	{"register again, other spellings", "POST", "/nodes/register", `{"nodes":["PEER","http://PEER/","http://PEER/chain?x"]}`},
	{"resolve with a shorter neighbour", "GET", "/nodes/resolve", ""},
	{"not found", "GET", "/nope", ""},
	{"not found, posted", "POST", "/nope", `{}`},
	{"not found, any method", "FOO", "/nope", ""},
	{"not found, options", "OPTIONS", "/nope", ""},
	{"not found, head", "HEAD", "/nope", ""},
	{"slash at the end", "GET", "/mine/", ""},
	{"case of a path", "GET", "/Chain", ""},
	{"posted chain", "POST", "/chain", `{}`},
	{"deleted chain", "DELETE", "/chain", ""},
	{"put mine", "PUT", "/mine", ""},
	{"got payment", "GET", "/transactions/new", ""},
	{"head of payment", "HEAD", "/transactions/new", ""},
	{"got register", "GET", "/nodes/register", ""},
	{"posted resolve", "POST", "/nodes/resolve", ""},
	{"unknown method", "FOO", "/nodes/resolve", ""},
	{"head of chain", "HEAD", "/chain", ""},
	{"head of resolve", "HEAD", "/nodes/resolve", ""},
	{"options of mine", "OPTIONS", "/mine", ""},
	{"options of payment", "OPTIONS", "/transactions/new", ""},
	{"options of chain", "OPTIONS", "/chain", ""},
	{"options of register", "OPTIONS", "/nodes/register", ""},
	{"options of resolve", "OPTIONS", "/nodes/resolve", ""},
	{"head of mine", "HEAD", "/mine", ""}, // the last: Flask mines
}

func TestKuaiAnswersAsFlask(t *testing.T) {
	original, ours := Start(t, Classic).URL, kuai(t)
	third := strings.TrimPrefix(Start(t, Classic).URL, "http://")
	for _, e := range conversation {
		t.Run(e.name, func(t *testing.T) {
			body := strings.ReplaceAll(e.body, "PEER", third)
			compare(t, e, Ask(t, e.method, original+e.path, "application/json", body), Ask(t, e.method, ours+e.path, "application/json", body))
		})
	}
}

func compare(t *testing.T, e exchange, original, ours Answer) {
	t.Helper()
	if original.Status >= 500 {
		t.Fatalf("Flask answers %d: the request does not belong here", original.Status)
	}
	if ours.Status != original.Status {
		t.Errorf("status %d, Flask's is %d", ours.Status, original.Status)
	}
	if got, expected := masked(ours.Body), masked(original.Body); got != expected {
		t.Errorf("body %q\nFlask's is %q", got, expected)
	}
	if got, expected := ours.Header.Get("Content-Type"), original.Header.Get("Content-Type"); got != expected {
		t.Errorf("Content-Type %q, Flask's is %q", got, expected)
	}
	allow := original.Header.Get("Allow")
	if allow != "" && e.path == "/mine" {
		allow += ", POST" // ours mines by POST too, where a GET would be a surprise
	}
	if got := ours.Header.Get("Allow"); got != sorted(allow) {
		t.Errorf("Allow %q, Flask's is %q", got, allow)
	}
	if got := ours.Header.Get("Content-Length"); e.method != "HEAD" && got != fmt.Sprint(len(ours.Body)) {
		t.Errorf("Content-Length %q of %d bytes", got, len(ours.Body))
	}
}

// TestMasksHideOnlyWhatMustDiffer keeps the comparison honest.
func TestMasksHideOnlyWhatMustDiffer(t *testing.T) {
	const body = `{"chain":[{"index":1,"previous_hash":"1","proof":100,"timestamp":1626739200.0,"transactions":[]},{"index":2,"previous_hash":"7fc07dc7599e3d618106ec55ee0a31a033a634890d6fad6522436026b4168491",` +
		`"proof":7,"timestamp":5.25,"transactions":[{"amount":5.0,"id":"000102030405060708090a0b0c0d0e0f","recipient":"b","sender":"a"},{"amount":1,"recipient":"x","sender":"0"}]}],"length":2}`
	const expected = `{"chain":[{"index":1,"previous_hash":"1","proof":100,"timestamp":1626739200.0,"transactions":[]},{"index":2,"previous_hash":"HASH","proof":PROOF,"timestamp":TIME,` +
		`"transactions":[{"amount":5.0,"recipient":"b","sender":"a"},{"amount":1,"recipient":"NODE","sender":"0"}]}],"length":2}`
	if got := masked(body); got != expected {
		t.Errorf("%s", got)
	}
}

// TestOwnContractWhereFlaskFails: what crashes Flask, or meets its rule on Content-Type, has an answer of ours.
func TestOwnContractWhereFlaskFails(t *testing.T) {
	original, ours := Start(t, Classic).URL, kuai(t)
	for _, c := range []struct {
		name, path, contentType, body string
		flask, kuai                   int
		says                          string
	}{
		{"number", "/transactions/new", "application/json", `5`, 500, 400, "Missing values"},
		{"null", "/transactions/new", "application/json", `null`, 500, 400, "Missing values"},
		{"string", "/transactions/new", "application/json", `"sender, recipient, amount"`, 500, 400, "Missing values"},
		{"names in a list", "/transactions/new", "application/json", `["sender","recipient","amount"]`, 500, 400, "Missing values"},
		{"register a list", "/nodes/register", "application/json", `[]`, 500, 400, "Error: Please supply a valid list of nodes"},
		{"register a number", "/nodes/register", "application/json", `{"nodes":5}`, 500, 400, "Error: Please supply a valid list of nodes"},
		{"register numbers", "/nodes/register", "application/json", `{"nodes":[5]}`, 500, 400, "Entry 1"},
		{"register nowhere", "/nodes/register", "application/json", `{"nodes":[""]}`, 500, 400, "The address was refused: a node has 1 to 256 bytes"},
		{"no Content-Type", "/transactions/new", "", `{"sender":"a","recipient":"b","amount":5}`, 415, 201, "Transaction will be added to Block 2"},
		{"form's Content-Type", "/transactions/new", "application/x-www-form-urlencoded", `{"sender":"a","recipient":"b","amount":5}`, 415, 201, "Transaction will be added to Block 2"},
		{"no JSON", "/transactions/new", "application/json", `sender=a`, 400, 400, "curl -X POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Ask(t, "POST", original+c.path, c.contentType, c.body)
			if c.flask == http.StatusUnsupportedMediaType && got.Status == http.StatusBadRequest {
				got.Status = c.flask // Flask before 2.3
			}
			if got.Status != c.flask {
				t.Errorf("Flask answers %d %s", got.Status, got.Body)
			}
			if got := Ask(t, "POST", ours+c.path, c.contentType, c.body); got.Status != c.kuai || !strings.Contains(got.Body, c.says) {
				t.Errorf("kuai answers %d %s", got.Status, got.Body)
			}
		})
	}
}

// TestChainsTravelBothWays: each side registers the other, resolves, and holds the other's blocks byte for byte.
func TestChainsTravelBothWays(t *testing.T) {
	original, ours := Start(t, Classic), kuai(t)
	get := func(path string) Answer { t.Helper(); return Ask(t, http.MethodGet, ours+path, "", "") }
	post := func(path, body string) Answer {
		t.Helper()
		return Ask(t, http.MethodPost, ours+path, "application/json", body)
	}

	post("/transactions/new", `{"sender":"é<&>😀","recipient":"bob","amount":1e-7}`)
	get("/mine")
	get("/mine")
	original.Post("/nodes/register", `{"nodes":["`+ours+`"]}`)
	if got := original.Get("/nodes/resolve"); !strings.HasPrefix(got.Body, `{"message":"Our chain was replaced","new_chain":[`) {
		t.Fatalf("Flask resolves: %d %s", got.Status, got.Body)
	}
	if theirs, mine := original.Get("/chain").Body, get("/chain").Body; theirs != mine {
		t.Errorf("Flask holds %s\nkuai holds %s", theirs, mine)
	}

	original.Post("/transactions/new", `{"sender":"carol","recipient":"dave","amount":3.10}`)
	original.Get("/mine")
	original.Get("/mine")
	post("/nodes/register", `{"nodes":["`+original.URL+`"]}`)
	if got := get("/nodes/resolve"); !strings.HasPrefix(got.Body, `{"message":"Our chain was replaced","new_chain":[`) {
		t.Fatalf("kuai resolves: %d %s", got.Status, got.Body)
	}
	theirs, mine := original.Get("/chain").Body, get("/chain").Body
	if theirs != mine || !strings.HasSuffix(mine, `"length":5}`+"\n") {
		t.Errorf("Flask holds %s\nkuai holds %s", theirs, mine)
	}
	if a, b := original.Get("/nodes/resolve").Body, get("/nodes/resolve").Body; a != b {
		t.Errorf("with nothing left to resolve Flask says %s\nkuai says %s", a, b)
	}
}

// TestOtherGenesisIsNotAdopted: the tutorial as printed starts a chain of its own, and it stays its own.
func TestOtherGenesisIsNotAdopted(t *testing.T) {
	original, ours := Start(t, Now), kuai(t)
	for range 3 {
		original.Get("/mine")
	}
	before := Ask(t, http.MethodGet, ours+"/chain", "", "").Body
	Ask(t, http.MethodPost, ours+"/nodes/register", "application/json", `{"nodes":["`+original.URL+`"]}`)
	if got := Ask(t, http.MethodGet, ours+"/nodes/resolve", "", "").Body; !strings.Contains(got, "Our chain is authoritative") {
		t.Errorf("%s", got)
	}
	if after := Ask(t, http.MethodGet, ours+"/chain", "", "").Body; after != before {
		t.Errorf("the chain is %s", after)
	}
}
