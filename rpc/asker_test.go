package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kuai/chain/consensus"
	"kuai/p2p/addrpolicy"
)

// elsewhere is a network with another genesis.
func elsewhere(t *testing.T) *consensus.Rules {
	t.Helper()
	r, err := consensus.ReadRules([]byte(`{"name":"elsewhere","zeros":1,"genesis":{"index":1,"previous_hash":"1","proof":100,"timestamp":1700000000.0,"transactions":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

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

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestAskerTellsNodesApart, and says in few words what is not a node.
func TestAskerTellsNodesApart(t *testing.T) {
	n, foreign := start(t, Config{}), startOn(t, Config{}, elsewhere(t))
	status := func(code int) string {
		return listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	}
	ours := Answer{ID: testPeer, Addresses: n.net.Addresses(), Network: n.chain.Rules().Network(), Status: 200}
	theirs := ours
	theirs.Network = foreign.chain.Rules().Network()
	marked := saying(in16(binary.LittleEndian, "\ufeff"+n.do("GET", "/node", "").Body.String()))
	for name, c := range map[string]struct {
		url  string
		want Answer
		is   error
		text string
	}{
		"a kuai node":            {url: listen(t, n.Handler()), want: ours},
		"in UTF-16":              {url: listen(t, marked), want: ours},
		"of another network":     {url: listen(t, foreign.Handler()), want: theirs},
		"a Flask node":           {flaskNode(t, n), Answer{Status: 404}, ErrFlask, "a Flask node answers"},
		"a redirect":             {listen(t, http.RedirectHandler("http://169.254.169.254/", http.StatusFound)), Answer{Status: 302}, ErrNoNode, "302 to /node and 302 to /chain"},
		"one that refuses":       {status(403), Answer{Status: 403}, ErrNoNode, "no node answers there: it answers 403 to /node and 403 to /chain"},
		"one that wants a token": {status(401), Answer{Status: 401}, ErrNoNode, "it asks for a token; connect to its multiaddr"},
		"another page":           {listen(t, saying("hello")), Answer{Status: 200}, ErrNoNode, "200 to /node and 200 to /chain"},
		"an id that is none":     {listen(t, saying(`{"peer_id":5}`)), Answer{Status: 200}, ErrNoNode, "200 to /node"},
		"a long name":            {listen(t, saying(`{"peer_id":"a","network":"`+strings.Repeat("b", maxAddress+1)+`"}`)), Answer{Status: 200}, ErrNoNode, "200 to /node"},
		"HTTPS to an HTTP port":  {"https" + strings.TrimPrefix(listen(t, n.Handler()), "http"), Answer{}, nil, "it speaks HTTP, not HTTPS: write http:// in place of https://"},
		"nobody":                 {"http://" + nobody(t), Answer{}, nil, "refused"},
		"a metadata service":     {"http://169.254.169.254", Answer{}, addrpolicy.ErrRefused, ""},
	} {
		got, err := NewAsker("kuai/1.2.3").Ask(t.Context(), c.url)
		if got.ID != c.want.ID || got.Network != c.want.Network || got.Status != c.want.Status || !slices.Equal(got.Addresses, c.want.Addresses) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if fails := c.is != nil || c.text != ""; (err != nil) != fails || c.is != nil && !errors.Is(err, c.is) || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %q", name, err, c.text)
		}
	}
	for missing, want := range map[bool]string{true: "no machine is known by the name pc-3", false: "the name pc-3 cannot be looked up"} {
		err := fmt.Errorf("Get: %w", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "pc-3", Server: "127.0.0.11:53", IsNotFound: missing}})
		if got := reason(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	long := listen(t, saying(strings.Repeat(" ", maxNodeBody+1)))
	if _, err := NewAsker("").Ask(t.Context(), long); err == nil {
		t.Error("an answer without an end is read")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewAsker("").Ask(ended, listen(t, n.Handler())); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context: %v", err)
	}
}

// TestAskerSaysWhoItIs in its requests.
func TestAskerSaysWhoItIs(t *testing.T) {
	agents := make(chan string, 2) // of both questions
	url := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { agents <- r.UserAgent() }))
	_, _ = NewAsker("kuai/1.2.3").Ask(t.Context(), url)
	if agent := <-agents; agent != "kuai/1.2.3" {
		t.Errorf("asked as %q", agent)
	}
}

// TestAPortForPeersIsNamed asks what speaks libp2p, not HTTP.
func TestAPortForPeersIsNamed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("\x13/multistream/1.0.0\n")) // before anybody asked
			go func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}()
		}
	}()
	for name, ask := range map[string]func() error{
		"a node": func() error {
			_, err := NewAsker("test").Ask(t.Context(), "http://"+ln.Addr().String())
			return err
		},
		"the command line": func() error {
			_, err := NewClient(ln.Addr().String()).Node(t.Context())
			return err
		},
		"an import": func() error {
			_, err := ChainAt("http://" + ln.Addr().String())(t.Context())
			return err
		},
	} {
		err := ask()
		if err == nil || !strings.Contains(reason(err), "if that is its port for peers, give its HTTP port or its multiaddr") ||
			strings.Contains(err.Error(), "is it running") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
