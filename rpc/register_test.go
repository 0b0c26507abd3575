package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain/atomicfile"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

const otherPeer = "/ip4/10.0.0.7/tcp/15000/p2p/12D3KooWOther"

// nobody is an address on loopback where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func listOf(nodes ...string) string { return `{"nodes":` + string(api.Append(nil, nodes)) + `}` }

// kinds reads what the node holds.
func kinds(n *node) map[string]kind {
	m := map[string]kind{}
	for _, k := range n.nodes.all() {
		m[k.Address] = k.Kind
	}
	return m
}

func TestRegisterTellsNodesApart(t *testing.T) {
	n := start(t, Config{})
	kuai := start(t, Config{})
	kuai.net.id = "12D3KooWKuai"
	kuaiURL, flaskURL, deaf := listen(t, kuai.Handler()), flaskNode(t, start(t, Config{})), nobody(t)
	other := listen(t, http.NotFoundHandler())
	w := n.do("POST", "/nodes/register", listOf(kuaiURL, flaskURL, deaf, otherPeer, other+"/some/path"))
	netloc := func(url string) string { return strings.TrimPrefix(url, "http://") }
	all := []string{netloc(kuaiURL), netloc(flaskURL), deaf, otherPeer, netloc(other)}
	slices.Sort(all)
	want(t, w, 201, fmt.Sprintf(`{"message":"New nodes have been added","total_nodes":%s}`+"\n", api.Append(nil, all)))
	expected := map[string]kind{netloc(kuaiURL): kindKuai, netloc(flaskURL): kindFlask, deaf: kindUnknown, otherPeer: kindKuai, netloc(other): kindUnknown}
	if got := kinds(n); fmt.Sprint(got) != fmt.Sprint(expected) {
		t.Errorf("kinds are %v\nexpected %v", got, expected)
	}
	if got := n.net.Connected(); !slices.Equal(got, []string{kuaiURL, otherPeer}) {
		t.Errorf("connected to %q", got)
	}
}

func TestRegisterIsIdempotentAndIgnoresItself(t *testing.T) {
	n := start(t, Config{})
	own := listen(t, n.Handler())
	list := listOf("10.255.255.1:5000", "http://10.255.255.1:5000/", otherPeer, otherPeer, own, "/ip4/127.0.0.1/tcp/15000/p2p/"+testPeer)
	n.prober.out = deafOutbound(own)
	for range 2 {
		want(t, n.do("POST", "/nodes/register", list), 201, `{"message":"New nodes have been added","total_nodes":["`+otherPeer+`","10.255.255.1:5000"]}`+"\n")
	}
	if got := n.net.Connected(); !slices.Equal(got, []string{own, otherPeer}) { // the network finds out whether own is a copy of this node
		t.Errorf("connected to %q", got)
	}
	want(t, n.do("POST", "/nodes/register", `{"nodes":[]}`), 201, `{"message":"New nodes have been added","total_nodes":["`+otherPeer+`","10.255.255.1:5000"]}`+"\n")
}

// deafOutbound reaches only one base URL.
func deafOutbound(reachable string) *outbound {
	o := newOutbound("")
	through := o.client.Transport
	o.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme+"://"+r.URL.Host == reachable {
			return through.RoundTrip(r)
		}
		return nil, errors.New("unreachable in this test")
	})
	return o
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRegisterIsAllOrNothing(t *testing.T) {
	good := "/ip4/10.0.0.8/tcp/15000/p2p/12D3KooWGood"
	redirects := listen(t, http.RedirectHandler("http://169.254.169.254/", http.StatusFound))
	other := start(t, Config{})
	other.net.id = "12D3KooWOther"
	byURL := listen(t, other.Handler())
	for name, bad := range map[string]string{
		"empty": `""`, "number": `5`, "null": `null`, "spaces": `"http://a b"`, "control": `"a\u0007:5000"`, "unicode": `"bücher:5000"`, "scheme": `"ftp://127.0.0.1:21"`,
		"no port": `"localhost"`, "port 0": `"127.0.0.1:0"`, "port 70000": `"http://127.0.0.1:70000"`, "no host": `"http://"`, "only a port": `":5000"`, "open port": `"http://127.0.0.1:"`,
		"password": `"http://user:pw@127.0.0.1:5000"`, "multiaddr without peer": `"/ip4/127.0.0.1/tcp/15001"`, "multiaddr and more": `"/ip4/1.2.3.4/tcp/1/p2p/x/p2p-circuit"`,
		"refused by the network": `"/ip4/1.2.3.4/tcp/1/p2p/refused"`, "metadata": `"http://169.254.169.254"`, "NAT64": `"http://[64:ff9b::a9fe:a9fe]"`, "6to4": `"[2002:a9fe:a9fe::1]:80"`, "link-local": `"[fe80::1]:5000"`, "mapped": `"http://[::ffff:169.254.169.254]:80"`,
		"too long": `"` + strings.Repeat("a", maxAddress) + `:1"`,
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, Config{})
			n.net.refuse = "/ip4/1.2.3.4/tcp/1/p2p/refused"
			w := n.do("POST", "/nodes/register", `{"nodes":["`+good+`","`+byURL+`",`+bad+`]}`)
			if w.Code != 400 || !strings.Contains(w.Body.String(), "No node of the list was registered") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if got := n.net.Connected(); len(got) != 0 || len(n.nodes.all()) != 0 {
				t.Errorf("connected to %q, registered %v", got, n.nodes.all())
			}
		})
	}
	n := start(t, Config{})
	decode(t, n.do("POST", "/nodes/register", listOf(redirects)), 201)
	if got := kinds(n)[strings.TrimPrefix(redirects, "http://")]; got != kindUnknown {
		t.Errorf("what redirects is %s", got)
	}
}

// elsewhere is a network with another genesis.
func elsewhere(t *testing.T) *consensus.Rules {
	t.Helper()
	r, err := consensus.ReadRules([]byte(`{"name":"elsewhere","zeros":1,"genesis":{"index":1,"previous_hash":"1","proof":100,"timestamp":1700000000.0,"transactions":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegisterRefusesAnotherNetwork(t *testing.T) {
	rules := elsewhere(t)
	n, other := start(t, Config{}), startOn(t, Config{}, rules)
	other.net.id = "12D3KooWElsewhere"
	w := n.do("POST", "/nodes/register", listOf(listen(t, other.Handler())))
	if w.Code != 400 || !strings.Contains(w.Body.String(), rules.Network()) || len(n.nodes.all()) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRegisterIsBounded(t *testing.T) {
	n := start(t, Config{})
	n.prober.out = deafOutbound("")
	batch := func(from, count int) string {
		var list []string
		for i := range count {
			list = append(list, fmt.Sprintf("10.0.%d.%d:5000", (from+i)/250, (from+i)%250))
		}
		return listOf(list...)
	}
	if w := n.do("POST", "/nodes/register", batch(0, maxRegister+1)); w.Code != 400 || len(n.nodes.all()) != 0 {
		t.Errorf("%d nodes at once: %d", maxRegister+1, w.Code)
	}
	for from := 0; from < maxNodes; from += maxRegister {
		decode(t, n.do("POST", "/nodes/register", batch(from, maxRegister)), 201)
	}
	if w := n.do("POST", "/nodes/register", batch(maxNodes, 1)); w.Code != 400 || len(n.nodes.all()) != maxNodes || !strings.Contains(w.Body.String(), "%2F") {
		t.Errorf("one node more than %d: %d %s", maxNodes, w.Code, w.Body)
	}
	if w := n.do("DELETE", "/peers/10.0.0.0:5000", ""); w.Code != 204 {
		t.Errorf("forget one: %d %s", w.Code, w.Body)
	}
	decode(t, n.do("POST", "/nodes/register", batch(maxNodes, 1)), 201)
}

func TestRegisteredNodesSurviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nodes.json")
	n := start(t, Config{DataFile: file})
	flask := flaskNode(t, start(t, Config{}))
	decode(t, n.do("POST", "/nodes/register", listOf(flask, otherPeer)), 201)
	again := start(t, Config{DataFile: file})
	if fmt.Sprint(again.nodes.all()) != fmt.Sprint(n.nodes.all()) || len(again.nodes.all()) != 2 {
		t.Errorf("%v after a restart, %v before", again.nodes.all(), n.nodes.all())
	}
	again.net.told = make(chan string, 1)
	_, stop := serve(t, again)
	<-again.net.told
	stop()
	if got := again.net.Connected(); !slices.Equal(got, []string{otherPeer}) {
		t.Errorf("connected to %q after a restart", got)
	}
	if files, _ := filepath.Glob(file + "*"); len(files) != 1 {
		t.Errorf("files left: %q", files)
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nodes.json")
	if err := os.WriteFile(file, []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := start(t, Config{DataFile: file})
	decode(t, n.do("POST", "/nodes/register", listOf(otherPeer)), 201)
	if text, err := os.ReadFile(file + ".damaged"); err != nil || string(text) != "[{" {
		t.Errorf("the damaged file is %q, %v", text, err)
	}
}

func TestRegistrationThatCannotBeSavedIsNone(t *testing.T) {
	n := start(t, Config{DataFile: filepath.Join(t.TempDir(), "gone", "nodes.json")})
	w := n.do("POST", "/nodes/register", listOf(otherPeer))
	if w.Code != 500 || len(n.nodes.all()) != 0 || len(n.net.Connected()) != 0 {
		t.Errorf("%d, registered %v, connected %q", w.Code, n.nodes.all(), n.net.Connected())
	}
}

// TestRegistrationOnAFullDisk is refused with 507. Nothing is registered or connected, at once or after a restart, also if the
// new file is in place already when the write fails; and a deletion that fails deletes nothing.
func TestRegistrationOnAFullDisk(t *testing.T) {
	kuai := listen(t, kuaiNode(t, firstID).Handler())
	full := func(string, []byte) error { return &os.PathError{Op: "write", Path: "nodes.json", Err: syscall.ENOSPC} }
	for name, write := range map[string]func(string, []byte) error{
		"before the rename": full,
		"after the rename": func(path string, text []byte) error {
			return errors.Join(atomicfile.Write(path, text), full(path, text))
		},
	} {
		n := start(t, Config{DataFile: filepath.Join(t.TempDir(), "nodes.json")})
		decode(t, n.do("POST", "/nodes/register", listOf("other:5000")), 201)
		n.nodes.write = write
		if w := n.do("POST", "/nodes/register", listOf(otherPeer, kuai)); w.Code != 507 || !strings.Contains(w.Body.String(), "Nothing was changed") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w := n.do("DELETE", "/peers/other:5000", ""); w.Code != 507 {
			t.Errorf("%s: DELETE answers %d %s", name, w.Code, w.Body)
		}
		again := start(t, n.cfg)
		for when, n := range map[string]*node{"at once": n, "after a restart": again} {
			if got := n.nodes.addresses(); !slices.Equal(got, []string{"other:5000"}) || len(n.net.Connected()) != 0 {
				t.Errorf("%s, %s: registered %q, connected %q", name, when, got, n.net.Connected())
			}
		}
	}
}

// TestSilentNodeIsAskedAgain: soon after it was registered, however long the server has run, and again and again.
func TestSilentNodeIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, other := start(t, Config{}), start(t, Config{})
		other.net.id = "12D3KooWLate"
		var up atomic.Bool
		n.prober.out = newOutbound("")
		n.prober.out.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if !up.Load() {
				return nil, errors.New("unreachable in this test")
			}
			return other.do(r.Method, r.URL.Path, "").Result(), nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		go n.watch(ctx)
		time.Sleep(time.Hour)
		for _, c := range []struct {
			node           string
			silent, within time.Duration
		}{{"soon:5000", 0, 2 * watchEvery}, {"late:5000", time.Hour, askLast + watchEvery}, {"anew:5000", 0, 2 * watchEvery}} {
			up.Store(false)
			decode(t, n.do("POST", "/nodes/register", listOf(c.node)), 201)
			time.Sleep(c.silent)
			synctest.Wait()
			if got := kinds(n)[c.node]; got != kindUnknown {
				t.Errorf("%s is %s while it is silent", c.node, got)
			}
			up.Store(true)
			time.Sleep(c.within)
			synctest.Wait()
			if got := kinds(n)[c.node]; got != kindKuai || !slices.Contains(n.net.Connected(), "http://"+c.node) {
				t.Errorf("%s is %s %v after it began to answer, connected to %q", c.node, got, c.within, n.net.Connected())
			}
		}
		cancel()
		synctest.Wait()
	})
}

// TestRegistrationsPutOffNoQuestion: nodes that are registered again and again delay the question to none of them.
func TestRegistrationsPutOffNoQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, Config{})
		var asked atomic.Int64
		n.prober.out = newOutbound("")
		n.prober.out.client.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			return nil, errors.New("unreachable in this test")
		})
		ctx, cancel := context.WithCancel(t.Context())
		go n.watch(ctx)
		const times = 10
		for range times {
			decode(t, n.do("POST", "/nodes/register", listOf("silent:5000")), 201)
			time.Sleep(4 * time.Second)
		}
		if got := asked.Load(); got < times+times/2 {
			t.Errorf("asked %d times, %d of them by registering", got, times)
		}
		cancel()
		synctest.Wait()
	})
}

// TestDisconnectForgets deletes by peer id and by address. A peer stays connected while another registration leads to it.
func TestDisconnectForgets(t *testing.T) {
	const (
		other = "12D3KooWOther"
		third = "/ip4/10.0.0.9/tcp/1/p2p/12D3KooWThird"
		quic  = "/ip4/10.0.0.7/udp/15000/quic-v1/p2p/" + other
	)
	kuai := start(t, Config{})
	kuai.net.id = other
	kuaiURL := listen(t, kuai.Handler())
	netloc := strings.TrimPrefix(kuaiURL, "http://")
	for _, c := range []struct {
		registered []string
		id         string
		left       []string // registered and connected still
		stays      bool     // connected to the other peer
	}{
		{[]string{otherPeer, third}, other, []string{third}, false},
		{[]string{kuaiURL, third}, other, []string{third}, false},
		{[]string{kuaiURL, otherPeer, third}, other, []string{third}, false},
		{[]string{third}, other, []string{third}, false},
		{[]string{otherPeer, third}, otherPeer, []string{third}, false},
		{[]string{kuaiURL, third}, netloc, []string{third}, false},
		{[]string{otherPeer, quic}, otherPeer, []string{quic}, true},
		{[]string{kuaiURL, otherPeer}, netloc, []string{otherPeer}, true},
	} {
		n := start(t, Config{DataFile: filepath.Join(t.TempDir(), "nodes.json")})
		n.net.peers = []Peer{{ID: other}, {ID: "12D3KooWThird"}}
		decode(t, n.do("POST", "/nodes/register", listOf(c.registered...)), 201)
		again := start(t, Config{DataFile: n.cfg.DataFile})
		again.net.peers, again.net.connected = n.net.Peers(), n.net.Connected()
		for when, n := range map[string]*node{"at once": n, "after a restart": again} {
			for _, code := range []int{204, 404} {
				if w := n.do("DELETE", "/peers/"+url.PathEscape(c.id), ""); w.Code != code {
					t.Errorf("%q, delete %s %s: %d expected, got %d %s", c.registered, c.id, when, code, w.Code, w.Body)
				}
			}
			stays := slices.ContainsFunc(n.net.Peers(), func(p Peer) bool { return p.ID == other })
			if got := n.nodes.addresses(); !slices.Equal(got, c.left) || stays != c.stays {
				t.Errorf("%q, delete %s %s: registered are %q, connected still %t", c.registered, c.id, when, got, stays)
			}
			if slices.Contains(n.net.Connected(), kuaiURL) {
				t.Errorf("%q, delete %s %s: the network asks the URL still", c.registered, c.id, when)
			}
		}
	}
	n := start(t, Config{})
	decode(t, n.do("POST", "/nodes/register", listOf("10.255.255.1:5000")), 201)
	for _, id := range []string{"nobody", "", "%2e%2e", "10.0.0.1:5000"} {
		if w := n.do("DELETE", "/peers/"+id, ""); w.Code != 404 || len(n.nodes.all()) != 1 {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
}

// TestRememberedWithoutItsPeerID: a file of an older version names URLs alone; the node asks who they are.
func TestRememberedWithoutItsPeerID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "nodes.json")
		if err := os.WriteFile(file, []byte(`[{"address":"old:5000","url":"http://old:5000","kind":"kuai"}]`), 0o600); err != nil {
			t.Fatal(err)
		}
		n, other := start(t, Config{DataFile: file}), start(t, Config{})
		other.net.id = "12D3KooWOld"
		n.prober.out.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			return other.do(r.Method, r.URL.Path, "").Result(), nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		go n.watch(ctx)
		synctest.Wait()
		if got := n.net.Connected(); !slices.Equal(got, []string{"http://old:5000"}) {
			t.Errorf("connected to %q at the start", got)
		}
		time.Sleep(2 * watchEvery)
		synctest.Wait()
		if w := n.do("DELETE", "/peers/12D3KooWOld", ""); w.Code != 204 || len(n.nodes.all()) != 0 {
			t.Errorf("%d %s, registered %v", w.Code, w.Body, n.nodes.all())
		}
		cancel()
		synctest.Wait()
	})
}
