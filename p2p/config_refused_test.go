package p2p_test

import (
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

func TestConnectChecksTheForm(t *testing.T) {
	a := runNode(t, chaintest.Rules(), nil)
	id, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, addr, want string }{
		{"own address", a.Addresses()[0], ""},
		{"no peer id", "/ip4/192.0.2.1/tcp/15000", "/p2p/"},
		{"rubbish", "nonsense", "needs a port"},
		{"host and port with nobody to ask", "192.0.2.1:5000", "give a multiaddr"},
		{"URL without host", "http:///node", "a URL has a host"},
		{"URL with nobody to ask", "http://192.0.2.1:5000", "give a multiaddr"},
		{"fine", "/ip4/127.0.0.1/tcp/9/p2p/" + hosttest.IDOf(t, id), ""},
		{"the same again", "/ip4/127.0.0.1/tcp/9/p2p/" + hosttest.IDOf(t, id), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := a.Connect(c.addr)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if n := len(a.Peers()); n != 1 {
		t.Errorf("%d peers are kept, want 1: %+v", n, a.Peers())
	}
}

func TestPortThatIsTakenIsSaid(t *testing.T) {
	a := runNode(t, chaintest.Rules(), nil)
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Split(a.Addresses()[0], "/p2p/")[0]
	_, err = p2p.New(p2p.Config{Identity: key, Listen: []string{at}}, a.c, a.log.Logger())
	if err == nil || !strings.Contains(err.Error(), at) {
		t.Errorf("got %v, want an error that names %s", err, at)
	}
}

func TestConfigThatMakesNoSenseIsSaid(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		name string
		cfg  p2p.Config
		want string
	}{
		{"no identity", p2p.Config{}, "Identity"},
		{"listen", p2p.Config{Identity: key, Listen: []string{"0.0.0.0:15000"}}, "not a multiaddr"},
		{"announce", p2p.Config{Identity: key, Announce: []string{"example.org"}}, "not a multiaddr"},
		{"swarm key", p2p.Config{Identity: key, SwarmKey: []byte("secret")}, "/key/swarm/psk/1.0.0/"},
		{"peer", p2p.Config{Identity: key, Peers: []string{"/ip4/192.0.2.1/tcp/1"}}, "/p2p/"},
	} {
		t.Run(k.name, func(t *testing.T) {
			_, err := p2p.New(k.cfg, c, new(hosttest.Log).Logger())
			if err == nil || !strings.Contains(err.Error(), k.want) {
				t.Errorf("got %v, want %q", err, k.want)
			}
		})
	}
}
