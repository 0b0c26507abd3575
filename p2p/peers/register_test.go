package peers

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain"
	"kuai/p2p/addrpolicy"
	"kuai/p2p/hosttest"
)

const ourNetwork = "7fc07dc7599e3d61-1"

var errNobody = errors.New("nobody is there")

var (
	errFlaskThere   = fmt.Errorf("asked: %w", ErrFlask)
	errNothingThere = fmt.Errorf("%w: answers 403 to /node and 403 to /chain", ErrNoNode)
)

// bareTable is a table without a host, for what needs none.
func bareTable(t *testing.T, dir string, p *place) *Table {
	t.Helper()
	b, err := openBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	b.self = "self"
	b.loadRegistrations()
	return &Table{book: b, net: ourNetwork, askURL: p.ask, log: (&hosttest.Log{}).Logger(), wake: make(chan struct{}, 1)}
}

// tableOn is a table of a host that is not run.
func tableOn(t *testing.T, dir string, p *place) *Table {
	t.Helper()
	h := hosttest.New(t)
	log := (&hosttest.Log{}).Logger()
	return New(h, NewGater(h.ID(), dir, nil, log), Config{Network: ourNetwork, Dir: dir, AskURL: p.ask}, log)
}

// listed are the registered addresses.
func (t *Table) listed() (all []string) {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	for _, r := range t.book.registered() {
		all = append(all, r.address)
	}
	return all
}

// registeredAt returns the request of an address.
func registeredAt(t *testing.T, tb *Table, address string) *request {
	t.Helper()
	tb.book.mu.Lock()
	defer tb.book.mu.Unlock()
	r := tb.book.requestFor(address)
	if r == nil || !r.registered {
		t.Fatalf("%s is not registered", address)
	}
	return r
}

// TestRegisterIsAllOrNothing refuses a list for one entry of it.
func TestRegisterIsAllOrNothing(t *testing.T) {
	id := hosttest.ID(t)
	foreign := nodeAnswer(id)
	foreign.Network = "other-1\x1b"
	for name, c := range map[string]struct {
		bad, want string
		said      Answer
		err       error
	}{
		"empty": {bad: "", want: "1 to 256 bytes"}, "spaces": {bad: "http://a b", want: "no spaces"}, "beyond ASCII": {bad: "bücher:5000", want: "ASCII"},
		"control": {bad: "a\a:5000", want: "control"}, "scheme": {bad: "ftp://127.0.0.1:21", want: "http://"}, "no port": {bad: "localhost", want: "needs a port"},
		"port 0": {bad: "127.0.0.1:0", want: "1 to 65535"}, "port 70000": {bad: "http://127.0.0.1:70000", want: "1 to 65535"}, "no host": {bad: "http://", want: "has a host"},
		"only a port": {bad: ":5000", want: "has a host"}, "open port": {bad: "http://127.0.0.1:", want: "1 to 65535"}, "password": {bad: "http://user:pw@127.0.0.1:5000", want: "no user"},
		"no peer id": {bad: "/ip4/127.0.0.1/tcp/15001", want: "/p2p/<peer id>"}, "rubbish": {bad: "/rubbish", want: "multiaddr"},
		"metadata": {bad: "http://169.254.169.254", want: addrpolicy.ErrRefused.Error()}, "mapped": {bad: "http://[::ffff:169.254.169.254]:80", want: addrpolicy.ErrRefused.Error()},
		"multiaddr of metadata": {bad: "/ip4/169.254.169.254/tcp/1/p2p/" + id.String(), want: addrpolicy.ErrRefused.Error()}, "link-local": {bad: "[fe80::1]:5000", want: addrpolicy.ErrRefused.Error()},
		"one slash": {bad: "http:/1.2.3.4:5000", want: "begins with http://"}, "no brackets": {bad: "fd00::5:5000", want: "[fd00::5]:5000"},
		"zeros in a port": {bad: "pc-3:05000", want: "1 to 65535"}, "mapped, another spelling": {bad: "[::ffff:192.168.0.5]:5000", want: "written as 192.168.0.5"},
		"dot at the end": {bad: "pc-3.example.:5000", want: "no dot"}, "500 in IPv4": {bad: "192.168.77.500:5000", want: "not an IPv4 address"},
		"zeros in IPv4": {bad: "192.168.077.5:5000", want: "not an IPv4 address"}, "hex": {bad: "0xc0a84d05:5000", want: "not an IPv4 address"},
		"short IPv4": {bad: "http://10.1:5000", want: "not an IPv4 address"},
		"short id":   {bad: "/ip4/127.0.0.1/tcp/1/p2p/" + id.String()[1:], want: "is not a peer id"}, "id alone": {bad: "/p2p/" + id.String(), want: "whole multiaddr"},
		"relay":               {bad: "/ip4/127.0.0.1/tcp/1/p2p/" + id.String() + "/p2p-circuit/p2p/" + id.String(), want: "relays are not used"},
		"too long":            {bad: strings.Repeat("a", maxAddress) + ":1", want: "1 to 256 bytes"},
		"another network":     {bad: "http://place:5000", said: foreign, want: `of the network "other-1\x1b", this node of ` + ourNetwork},
		"a name for metadata": {bad: "http://place:5000", err: fmt.Errorf("dial: %w", addrpolicy.ErrRefused), want: addrpolicy.ErrRefused.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			p := &place{}
			p.become(c.said, c.err)
			tb := bareTable(t, "", p)
			err := tb.Register(t.Context(), []string{"/ip4/10.0.0.8/tcp/15000/p2p/" + id.String(), "silent:5000", c.bad})
			refused := (*RefusedError)(nil)
			if !errors.As(err, &refused) || refused.Entry != 3 || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if len(tb.book.requests) != 0 {
				t.Errorf("%d are kept", len(tb.book.requests))
			}
		})
	}
}

// TestRegisterIsBoundedAndIgnoresItself, and counts an address once.
func TestRegisterIsBoundedAndIgnoresItself(t *testing.T) {
	p := &place{}
	tb := tableOn(t, "", p)
	batch := func(from, count int) (list []string) {
		for i := range count {
			list = append(list, fmt.Sprintf("silent%d:5000", from+i))
		}
		return list
	}
	for range 2 {
		if err := tb.Register(t.Context(), batch(0, maxRegistered)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tb.Register(t.Context(), batch(maxRegistered, 1)); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	if err := tb.Disconnect("silent0:5000"); err != nil {
		t.Error(err)
	}
	p.become(nodeAnswer(tb.h.ID()), nil)
	own := "/ip4/127.0.0.1/tcp/1/p2p/" + tb.h.ID().String()
	if err := tb.Register(t.Context(), []string{"silentX:5000", "http://silentx:5000/", "https://SILENTX:5000/chain", own, "http://own:5000"}); err != nil {
		t.Error(err)
	}
	if got := tb.listed(); len(got) != maxRegistered || !slices.Contains(got, "silentX:5000") {
		t.Errorf("%d are registered", len(got))
	}
	if len(tb.book.requests) != maxRegistered {
		t.Errorf("%d requests", len(tb.book.requests))
	}
}

// TestRegisteredByAnotherScheme: one address is one registration, and the URL that was named last is asked.
func TestRegisteredByAnotherScheme(t *testing.T) {
	tb := bareTable(t, "", &place{})
	for _, url := range []string{"http://place:5000", "https://place:5000"} {
		if err := tb.Register(t.Context(), []string{url}); err != nil {
			t.Fatal(err)
		}
		if r := registeredAt(t, tb, "place:5000"); r.url != url || len(tb.book.requests) != 1 {
			t.Errorf("%s is asked, %d requests", r.url, len(tb.book.requests))
		}
	}
}

// untilNext is what a state says of the next try, if that is to come.
var untilNext = regexp.MustCompile(", next try in [0-9]+ s")

// TestStatesOfRegisteredNodes are those of peers.
func TestStatesOfRegisteredNodes(t *testing.T) {
	foreign := nodeAnswer(hosttest.ID(t))
	foreign.Network = "other-1"
	for _, c := range []struct {
		said  Answer
		err   error
		state string
		about string // last error
	}{
		{Answer{}, nil, "unreachable: nobody is there", "nobody is there"},
		{Answer{Status: 403}, errNothingThere, "not a node: answers 403 to /node and 403 to /chain", "no node answers there: answers 403 to /node and 403 to /chain"},
		{Answer{Status: 404}, errFlaskThere, "Flask node", errFlaskThere.Error()},
		{foreign, nil, "other network", "it is of another network, other-1"},
		{nodeAnswer(hosttest.ID(t)), nil, "not connected", ""},
	} {
		p := &place{}
		tb := tableOn(t, "", p)
		if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
			t.Fatal(err)
		}
		p.become(c.said, c.err)
		tb.AskRegistered(t.Context(), func(r Registered) {
			if answers := c.said.Status != 0; untilNext.ReplaceAllString(r.State, "") != c.state || r.Status != c.said.Status || r.Answered != answers {
				t.Errorf("%+v, want the state %q", r, c.state)
			}
		})
		all := tb.List()
		if len(all) != 1 || untilNext.ReplaceAllString(all[0].State, "") != c.state || all[0].LastError != c.about || !all[0].Static ||
			c.about != "" && all[0].Reason != c.state || c.about == "" && all[0].Reason != "" {
			t.Errorf("listed are %+v, want the state %q", all, c.state)
		}
	}
}

// TestEveryRegistrationCanBeForgotten by its address, its URL in any spelling, and each id that it has or had.
func TestEveryRegistrationCanBeForgotten(t *testing.T) {
	first, second, third := hosttest.ID(t), hosttest.ID(t), hosttest.ID(t)
	peerAt := "/ip4/10.0.0.7/tcp/15000/p2p/" + third.String()
	at := func(id peer.ID) urlResult { return urlResult{kind: Kuai, info: peer.AddrInfo{ID: id}} }
	flask := urlResult{kind: Flask, err: errFlaskThere}
	for _, c := range []struct {
		name       string
		registered string
		was        []urlResult // one after the other
	}{
		{"silent:5000", "http://silent:5000", nil}, {"SILENT:5000", "http://silent:5000", nil}, {"http://silent:5000", "silent:5000", nil},
		{"http://silent:5000/", "silent:5000", nil}, {"http://silent:5000/chain", "silent:5000", nil}, {"https://silent", "https://silent", nil},
		{first.String(), "kuai:5000", []urlResult{at(first)}}, {first.String(), "kuai:5000", []urlResult{at(first), {err: errNobody}}},
		{first.String(), "kuai:5000", []urlResult{at(first), at(second)}}, {second.String(), "kuai:5000", []urlResult{at(first), at(second)}},
		{first.String(), "kuai:5000", []urlResult{at(first), flask}}, {"kuai:5000", "kuai:5000", []urlResult{at(first), at(second)}},
		{peerAt, peerAt, nil}, {third.String(), peerAt, nil},
	} {
		tb := tableOn(t, "", &place{})
		if err := tb.Register(t.Context(), []string{c.registered, "silentother:5000"}); err != nil {
			t.Fatal(err)
		}
		for _, f := range c.was {
			tb.applyResult(registeredAt(t, tb, c.registered), f)
		}
		if err := tb.Disconnect(c.name); err != nil {
			t.Errorf("%s by %s: %v", c.registered, c.name, err)
		}
		if err := tb.Disconnect(c.name); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("%s by %s again: %v", c.registered, c.name, err)
		}
		if got := tb.listed(); !slices.Equal(got, []string{"silentother:5000"}) || len(tb.book.requests) != 1 || tb.book.isStatic(first) || tb.book.isStatic(second) {
			t.Errorf("%s by %s: %q are left", c.registered, c.name, got)
		}
	}
}

// TestAPeerStaysWhileAnotherAddressLeadsToIt, registered or asked for by the operator.
func TestAPeerStaysWhileAnotherAddressLeadsToIt(t *testing.T) {
	id := hosttest.ID(t)
	tcp, second := "/ip4/10.0.0.7/tcp/15000/p2p/"+id.String(), "/ip6/2001:db8::7/tcp/15000/p2p/"+id.String()
	for _, c := range []struct {
		registered []string
		static     string
		forget     string
		stays      bool
	}{
		{[]string{tcp, second}, "", tcp, true},
		{[]string{tcp, "kuai:5000"}, "", "kuai:5000", true},
		{[]string{"kuai:5000"}, tcp, "kuai:5000", true},
		{[]string{"kuai:5000"}, "", "kuai:5000", false},
		{[]string{tcp, second, "kuai:5000"}, "", id.String(), false},
		{[]string{"kuai:5000"}, tcp, id.String(), false},
		{nil, tcp, tcp, false},
	} {
		p := &place{}
		p.become(nodeAnswer(id), nil)
		tb := tableOn(t, "", p)
		if c.static != "" {
			if err := tb.Connect(c.static); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(tb.Register(t.Context(), c.registered), tb.Disconnect(c.forget)); err != nil {
			t.Fatal(err)
		}
		if stays := tb.book.isStatic(id); stays != c.stays || tb.IsRefused(id) == stays {
			t.Errorf("%q and %q, without %s: it stays %t", c.registered, c.static, c.forget, stays)
		}
	}
}

// TestFormerIDsAreBounded, and an id that comes back is not a former one.
func TestFormerIDsAreBounded(t *testing.T) {
	b, _ := openBook("")
	r := &request{userAddress: userAddress{address: "place:5000", url: "http://place:5000"}}
	names := strings.Split("a b c d e f a f", " ")
	ids := make(map[string]peer.ID)
	for _, name := range names {
		if ids[name] == "" {
			ids[name] = hosttest.ID(t)
		}
		b.setResult(r, urlResult{kind: Kuai, info: peer.AddrInfo{ID: ids[name]}})
	}
	want := []string{ids["a"].String(), ids["e"].String(), ids["d"].String(), ids["c"].String()}
	if r.peer != ids["f"].String() || !slices.Equal(r.formerPeers, want) {
		t.Errorf("%+v", r)
	}
	b.setResult(r, urlResult{kind: Flask})
	if r.peer != "" || r.formerPeers[0] != ids["f"].String() || len(r.formerPeers) != maxFormer {
		t.Errorf("%+v", r)
	}
}

// TestAURLThatBecomesThisNode is no longer registered.
func TestAURLThatBecomesThisNode(t *testing.T) {
	p := &place{}
	tb := tableOn(t, "", p)
	if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
		t.Fatal(err)
	}
	p.become(nodeAnswer(tb.h.ID()), nil)
	tb.AskRegistered(t.Context(), func(r Registered) { t.Errorf("%+v", r) })
	if got := tb.listed(); len(got) != 0 {
		t.Errorf("%q are registered", got)
	}
}

// TestOnlyWhatCanBeDialledIsRegistered by a node that speaks TCP only.
func TestOnlyWhatCanBeDialledIsRegistered(t *testing.T) {
	tb := tableOn(t, "", &place{})
	id := "/p2p/" + hosttest.ID(t).String()
	for at, want := range map[string]string{
		"/ip4/10.0.0.7/tcp/15000": "", "/dns/node.example/tcp/15000": "", "/dnsaddr/node.example": "",
		"/ip4/10.0.0.7/udp/15000/quic-v1": "--quic", "/dns6/node.example/udp/15000/quic-v1": "--quic", "/ip4/10.0.0.7/udp/15000/webrtc-direct": "no transport", "/ip4/10.0.0.7/tcp/15000/ws": "no transport",
	} {
		err := tb.Register(t.Context(), []string{at + id})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", at, err)
		}
		if dialled := tb.Connect(at + id); (dialled == nil) != (want == "") {
			t.Errorf("%s by --peer: %v", at, dialled)
		}
	}
}

// TestTheLatestAddressIsTriedFirst, and at once: the dial in progress does not know it.
func TestTheLatestAddressIsTriedFirst(t *testing.T) {
	tb := tableOn(t, "", &place{})
	id := hosttest.ID(t)
	at := func(port int) string { return fmt.Sprintf("/ip4/10.0.0.7/tcp/%d/p2p/%s", port, id) }
	for _, port := range []int{1, 2, 3, 1} {
		if err := tb.Connect(at(port)); err != nil {
			t.Fatal(err)
		}
	}
	tb.book.mu.Lock()
	defer tb.book.mu.Unlock()
	var ports []string
	for _, a := range tb.book.info(id).Addrs {
		port, err := a.ValueForProtocol(ma.P_TCP)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	if !slices.Equal(ports, []string{"1", "3", "2"}) {
		t.Errorf("ports %q", ports)
	}
	e := tb.book.peers[id]
	e.dial = &attempt{static: true}
	e.retry.err = "of the other addresses"
	for _, port := range []int{2, 4} {
		r, err := newRequest(at(port))
		if err != nil {
			t.Fatal(err)
		}
		if tb.book.addRequest(r); e.dial.canceled != (port == 4) || (e.retry.err == "") != (port == 4) {
			t.Errorf("port %d: canceled %t, %q", port, e.dial.canceled, e.retry.err)
		}
	}
}
