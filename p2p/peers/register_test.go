package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/atomicfile"
	"kuai/p2p/addrpolicy"
	"kuai/p2p/hosttest"
)

const ourNetwork = "7fc07dc7599e3d61-1"

// place is what answers at every URL of a test, one thing after the other. The zero value is nobody.
type place struct {
	mu    sync.Mutex
	said  Answer
	err   error
	asked int
}

func (p *place) become(said Answer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said, p.err, p.asked = said, err, 0
}

func (p *place) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

var errNobody = errors.New("nobody is there")

func (p *place) ask(_ context.Context, url string) (Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if strings.Contains(url, "silent") || p.said.ID == "" && p.err == nil {
		return Answer{}, errNobody
	}
	return p.said, p.err
}

// nodeAnswer is what a kuai node with this id says.
func nodeAnswer(id peer.ID) Answer {
	return Answer{ID: id.String(), Addresses: []string{"/ip4/192.0.2.9/tcp/9/p2p/" + id.String()}, Network: ourNetwork, Status: 200}
}

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
	b.recallAll()
	return &Table{book: b, net: ourNetwork, askURL: p.ask, log: (&hosttest.Log{}).Logger(), seek: make(chan struct{}, 1)}
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

// passes lets time pass, in which t's searches go on and all its dials fail.
func (t *Table) passes(ctx context.Context, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		dials, searches, _ := t.book.take(0, time.Now(), func(peer.ID) bool { return true })
		for _, p := range dials {
			t.book.failed(p.ID, errRefused)
			t.book.ended(p.ID, t.book.dialOf(p.ID))
		}
		for _, r := range searches {
			t.find(ctx, r)
		}
	}
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

// TestARegisteredURLIsAskedAgain lets one thing after the other answer at a registered URL. Each is noticed in the background, when all are
// asked, and after a restart.
func TestARegisteredURLIsAskedAgain(t *testing.T) {
	for name, notice := range map[string]func(*testing.T, *Table){
		"in the background": func(t *testing.T, tb *Table) { tb.passes(t.Context(), 2*mostRetryURL) },
		"when asked for": func(t *testing.T, tb *Table) {
			tb.answered(registeredAt(t, tb, "place:5000"), tb.ask(t.Context(), "http://place:5000"))
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testAskedAgain(t, notice) }) })
	}
}

func testAskedAgain(t *testing.T, notice func(*testing.T, *Table)) {
	first, second, foreign := hosttest.ID(t), hosttest.ID(t), nodeAnswer(hosttest.ID(t))
	foreign.Network = "other-1"
	dir, p := t.TempDir(), &place{}
	tb := bareTable(t, dir, p)
	if err := tb.Register(t.Context(), []string{"http://place:5000"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		said Answer
		err  error
		kind Kind
		peer peer.ID // "": none is wanted
	}{
		{what: "nobody", kind: Unknown},
		{"a kuai node", nodeAnswer(first), nil, Kuai, first},
		{"a Flask node in its place", Answer{}, errFlaskThere, Flask, ""},
		{"the kuai node again", nodeAnswer(first), nil, Kuai, first},
		{"another kuai node", nodeAnswer(second), nil, Kuai, second},
		{"nobody, for a while", Answer{}, nil, Kuai, second},
		{"something that refuses", Answer{Status: 403}, errNothingThere, Unknown, ""},
		{"a Flask node", Answer{}, errFlaskThere, Flask, ""},
		{"nobody again", Answer{}, nil, Flask, ""},
		{"a node of another network", foreign, nil, Unknown, ""},
		{"the other kuai node", nodeAnswer(second), nil, Kuai, second},
	} {
		p.become(c.said, c.err)
		for _, when := range []string{"", " after a restart"} {
			if when != "" {
				if err := tb.book.save(); err != nil {
					t.Fatal(err)
				}
				tb = bareTable(t, dir, p)
			}
			notice(t, tb)
			r, id := registeredAt(t, tb, "place:5000"), ""
			if c.peer != "" {
				id = c.peer.String()
			}
			if r.kind != c.kind || r.peer != id {
				t.Errorf("%s%s: %s of %q", c.what, when, r.kind, r.peer)
			}
			for _, other := range []peer.ID{first, second} {
				if wanted := other == c.peer && (c.said.ID != "" || when == ""); tb.book.isAsked(other) != wanted {
					t.Errorf("%s%s: its peer is dialled: %t", c.what, when, !wanted)
				}
			}
		}
	}
}

// TestADeadURLIsAskedSeldom: ever more seldom, whatever fails, and soon again once somebody says that it is there.
func TestADeadURLIsAskedSeldom(t *testing.T) {
	for name, p := range map[string]*place{
		"nobody": {}, "not a node": {err: errNothingThere}, "a Flask node": {err: errFlaskThere}, "a node that cannot be dialled": {said: nodeAnswer(hosttest.ID(t))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tb := bareTable(t, "", p)
				asks := func(within time.Duration) int {
					before := p.count()
					tb.passes(t.Context(), within)
					return p.count() - before
				}
				register := func() {
					if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
						t.Fatal(err)
					}
				}
				register()
				if got := asks(10 * time.Second); got < 2 || got > 9 {
					t.Errorf("asked %d times in the first 10 s", got)
				}
				asks(time.Minute)
				if got := asks(time.Hour); got < 110 || got > 241 {
					t.Errorf("asked %d times in an hour", got)
				}
				register()
				if got := asks(10 * time.Second); got < 2 || got > 9 {
					t.Errorf("asked %d times in 10 s after it was registered again", got)
				}
			})
		})
	}
}

// TestAURLIsAskedAtOnceAfterALoss of its peer, and not while that is connected.
func TestAURLIsAskedAtOnceAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, p := hosttest.ID(t), hosttest.ID(t), &place{said: nodeAnswer(hosttest.ID(t))}
		p.become(nodeAnswer(first), nil)
		tb := bareTable(t, "", p)
		if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
			t.Fatal(err)
		}
		tb.book.came(first, nil)
		p.become(nodeAnswer(second), nil)
		if tb.passes(t.Context(), time.Hour); p.count() != 0 {
			t.Errorf("asked %d times", p.count())
		}
		tb.book.went(first)
		tb.passes(t.Context(), 2*time.Second)
		if r := registeredAt(t, tb, "place:5000"); r.peer != second.String() {
			t.Errorf("it is %q still", r.peer)
		}
	})
}

// TestAConnectedNodeStays what it is while what stands before its URL is restarted.
func TestAConnectedNodeStays(t *testing.T) {
	first, p := hosttest.ID(t), &place{}
	p.become(nodeAnswer(first), nil)
	tb := bareTable(t, "", p)
	if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
		t.Fatal(err)
	}
	r := registeredAt(t, tb, "place:5000")
	for _, up := range []bool{true, false} {
		if up {
			tb.book.came(first, nil)
		} else {
			tb.book.went(first)
		}
		p.become(Answer{Status: 502}, errNothingThere)
		tb.answered(r, tb.ask(t.Context(), r.url))
		if stays := r.kind == Kuai; stays != up || r.status != 502 {
			t.Errorf("connected %t: it is %s", up, r.kind)
		}
	}
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
			if len(tb.book.asked) != 0 {
				t.Errorf("%d are kept", len(tb.book.asked))
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
	if len(tb.book.asked) != maxRegistered+1 { // own:5000, which may be a copy of this node
		t.Errorf("%d requests", len(tb.book.asked))
	}
}

// TestRegisteredByAnotherScheme: one address is one registration, and the URL that was named last is asked.
func TestRegisteredByAnotherScheme(t *testing.T) {
	tb := bareTable(t, "", &place{})
	for _, url := range []string{"http://place:5000", "https://place:5000"} {
		if err := tb.Register(t.Context(), []string{url}); err != nil {
			t.Fatal(err)
		}
		if r := registeredAt(t, tb, "place:5000"); r.url != url || len(tb.book.asked) != 1 {
			t.Errorf("%s is asked, %d requests", r.url, len(tb.book.asked))
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
		if len(all) != 1 || untilNext.ReplaceAllString(all[0].State, "") != c.state || all[0].LastError != c.about || !all[0].Static {
			t.Errorf("listed are %+v, want the state %q", all, c.state)
		}
	}
}

// TestRegistrationsSurviveARestart in peers.json, and those of a nodes.json are taken over.
func TestRegistrationsSurviveARestart(t *testing.T) {
	id, known, dir, p := hosttest.ID(t), bookPeer(t, "/ip4/192.0.2.9/tcp/15000"), t.TempDir(), &place{}
	p.become(nodeAnswer(known.ID), nil)
	at := "/ip4/10.0.0.8/tcp/15000/p2p/" + id.String()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("peers.json", `[{"id":"`+known.ID.String()+`","addresses":["/ip4/192.0.2.9/tcp/15000"],"connected_seconds":60,"last_seen":1}]`) // of an earlier program
	write("nodes.json", `[{"address":"old:5000","url":"http://old:5000","kind":"flask"},{"address":"`+at+`","kind":"kuai"},
		{"address":"kuai:5000","url":"http://kuai:5000","kind":"kuai","peer_id":"`+known.ID.String()+`","former_peer_ids":["`+id.String()+`"]}]`)
	tb := bareTable(t, dir, p)
	want := []string{at, "kuai:5000", "old:5000"}
	if got := tb.listed(); !slices.Equal(got, want) {
		t.Errorf("%q are registered", got)
	}
	if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 || filepath.Base(files[0]) != "nodes.json.old" {
		t.Errorf("files left: %q", files)
	}
	again := bareTable(t, dir, &place{})
	want = append(want, "place:5000")
	if got := again.listed(); !slices.Equal(got, want) {
		t.Errorf("%q are registered after a restart", got)
	}
	r := registeredAt(t, again, "kuai:5000")
	if r.kind != Kuai || !slices.Equal(r.former, []string{id.String()}) || !again.book.isAsked(known.ID) || registeredAt(t, again, "old:5000").kind != Flask {
		t.Errorf("%+v", r)
	}
	var file bookFile
	text, err := os.ReadFile(filepath.Join(dir, "peers.json"))
	if err != nil || json.Unmarshal(text, &file) != nil || file.Version != 1 || len(file.Peers) != 1 {
		t.Errorf("%v %s", err, text)
	}
}

// TestDamagedFilesAreSetAside, and what is in the other file is read.
func TestDamagedFilesAreSetAside(t *testing.T) {
	for _, damaged := range []string{"peers.json", "nodes.json"} {
		for _, text := range []string{"", "[{", `{"a":1}`, `{"version":2,"peers":[]}`} {
			dir := t.TempDir()
			for name, text := range map[string]string{
				"peers.json": `{"version":1,"registered":[{"address":"here:1","url":"http://here:1"}]}`, "nodes.json": `[{"address":"here:1","url":"http://here:1"}]`, damaged: text,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b, err := openBook(dir)
			b.self = "self"
			if b.recallAll(); err == nil || len(b.asked) != 1 {
				t.Errorf("%s is %q: %v, %d are registered", damaged, text, err, len(b.asked))
			}
			if kept, err := os.ReadFile(filepath.Join(dir, damaged+".damaged")); err != nil || string(kept) != text {
				t.Errorf("set aside is %q, %v", kept, err)
			}
		}
	}
}

// TestRegistrationOnAFullDisk is refused. Nothing is registered, at once or after a restart, also if the new file is in place already when the
// write fails; and a deletion that fails deletes nothing.
func TestRegistrationOnAFullDisk(t *testing.T) {
	full := func(string, []byte) error { return &os.PathError{Op: "write", Path: "peers.json", Err: syscall.ENOSPC} }
	for name, write := range map[string]func(string, []byte) error{
		"before the rename": full,
		"after the rename": func(path string, text []byte) error {
			return errors.Join(atomicfile.Write(path, text), full(path, text))
		},
	} {
		dir := t.TempDir()
		tb := tableOn(t, dir, &place{})
		if err := tb.Register(t.Context(), []string{"silent:5000"}); err != nil {
			t.Fatal(err)
		}
		tb.book.write = write
		if err := tb.Register(t.Context(), []string{"place:5000"}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", name, err)
		}
		if err := tb.Disconnect("silent:5000"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: a deletion: %v", name, err)
		}
		for when, tb := range map[string]*Table{"at once": tb, "after a restart": bareTable(t, dir, &place{})} {
			if got := tb.listed(); !slices.Equal(got, []string{"silent:5000"}) || len(tb.book.asked) != 1 {
				t.Errorf("%s, %s: registered %q", name, when, got)
			}
		}
	}
}

// TestAFailedSaveIsTriedAgain: what a full disk has kept out of the file is written once there is room.
func TestAFailedSaveIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	tb := tableOn(t, dir, &place{})
	if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
		t.Fatal(err)
	}
	tb.answered(registeredAt(t, tb, "place:5000"), finding{kind: Flask, err: ErrFlask, status: 404})
	write := tb.book.write
	tb.book.write = func(string, []byte) error { return syscall.ENOSPC }
	if err := tb.book.save(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a full disk: %v", err)
	}
	tb.book.write = write
	if err := tb.book.save(); err != nil {
		t.Fatal(err)
	}
	if r := registeredAt(t, bareTable(t, dir, &place{}), "place:5000"); r.kind != Flask {
		t.Errorf("after a restart it is %q, want %q", r.kind, Flask)
	}
}

// TestEveryRegistrationCanBeForgotten by its address, its URL in any spelling, and each id that it has or had.
func TestEveryRegistrationCanBeForgotten(t *testing.T) {
	first, second, third := hosttest.ID(t), hosttest.ID(t), hosttest.ID(t)
	peerAt := "/ip4/10.0.0.7/tcp/15000/p2p/" + third.String()
	at := func(id peer.ID) finding { return finding{kind: Kuai, info: peer.AddrInfo{ID: id}} }
	flask := finding{kind: Flask, err: errFlaskThere}
	for _, c := range []struct {
		name       string
		registered string
		was        []finding // one after the other
	}{
		{"silent:5000", "http://silent:5000", nil}, {"SILENT:5000", "http://silent:5000", nil}, {"http://silent:5000", "silent:5000", nil},
		{"http://silent:5000/", "silent:5000", nil}, {"http://silent:5000/chain", "silent:5000", nil}, {"https://silent", "https://silent", nil},
		{first.String(), "kuai:5000", []finding{at(first)}}, {first.String(), "kuai:5000", []finding{at(first), {err: errNobody}}},
		{first.String(), "kuai:5000", []finding{at(first), at(second)}}, {second.String(), "kuai:5000", []finding{at(first), at(second)}},
		{first.String(), "kuai:5000", []finding{at(first), flask}}, {"kuai:5000", "kuai:5000", []finding{at(first), at(second)}},
		{peerAt, peerAt, nil}, {third.String(), peerAt, nil},
	} {
		tb := tableOn(t, "", &place{})
		if err := tb.Register(t.Context(), []string{c.registered, "silentother:5000"}); err != nil {
			t.Fatal(err)
		}
		for _, f := range c.was {
			tb.answered(registeredAt(t, tb, c.registered), f)
		}
		if err := tb.Disconnect(c.name); err != nil {
			t.Errorf("%s by %s: %v", c.registered, c.name, err)
		}
		if err := tb.Disconnect(c.name); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("%s by %s again: %v", c.registered, c.name, err)
		}
		if got := tb.listed(); !slices.Equal(got, []string{"silentother:5000"}) || len(tb.book.asked) != 1 || tb.book.isAsked(first) || tb.book.isAsked(second) {
			t.Errorf("%s by %s: %q are left", c.registered, c.name, got)
		}
	}
}

// TestAPeerStaysWhileAnotherAddressLeadsToIt, registered or asked for by the operator.
func TestAPeerStaysWhileAnotherAddressLeadsToIt(t *testing.T) {
	id := hosttest.ID(t)
	tcp, quic := "/ip4/10.0.0.7/tcp/15000/p2p/"+id.String(), "/ip4/10.0.0.7/udp/15000/quic-v1/p2p/"+id.String()
	for _, c := range []struct {
		registered []string
		static     string
		forget     string
		stays      bool
	}{
		{[]string{tcp, quic}, "", tcp, true},
		{[]string{tcp, "kuai:5000"}, "", "kuai:5000", true},
		{[]string{"kuai:5000"}, tcp, "kuai:5000", true},
		{[]string{"kuai:5000"}, "", "kuai:5000", false},
		{[]string{tcp, quic, "kuai:5000"}, "", id.String(), false},
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
		if stays := tb.book.isAsked(id); stays != c.stays || tb.IsRefused(id) == stays {
			t.Errorf("%q and %q, without %s: it stays %t", c.registered, c.static, c.forget, stays)
		}
	}
}

// TestFormerIDsAreBounded, and an id that comes back is not a former one.
func TestFormerIDsAreBounded(t *testing.T) {
	b, _ := openBook("")
	r := &request{given: given{address: "place:5000", url: "http://place:5000"}}
	names := strings.Split("a b c d e f a f", " ")
	ids := make(map[string]peer.ID)
	for _, name := range names {
		if ids[name] == "" {
			ids[name] = hosttest.ID(t)
		}
		b.become(r, finding{kind: Kuai, info: peer.AddrInfo{ID: ids[name]}})
	}
	want := []string{ids["a"].String(), ids["e"].String(), ids["d"].String(), ids["c"].String()}
	if r.peer != ids["f"].String() || !slices.Equal(r.former, want) {
		t.Errorf("%+v", r)
	}
	b.become(r, finding{kind: Flask})
	if r.peer != "" || r.former[0] != ids["f"].String() || len(r.former) != maxFormer {
		t.Errorf("%+v", r)
	}
}

// TestAnURLThatBecomesThisNode is no longer registered.
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
