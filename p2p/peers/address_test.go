package peers

import (
	"slices"
	"strings"
	"testing"

	"kuai/p2p/hosttest"
)

func TestPeerBehindAURL(t *testing.T) {
	key := hosttest.Key(t)
	other := hosttest.Key(t)
	id := "/p2p/" + hosttest.IDOf(t, key)
	for _, c := range []struct {
		name, url string
		said      []string
		want      []string // nil: an error
	}{
		{"loopback of another machine", "http://192.0.2.7:5000", []string{"/ip4/127.0.0.1/tcp/15000" + id},
			[]string{"/ip4/192.0.2.7/tcp/15000"}},
		{"loopback of this machine", "http://127.0.0.1:5001", []string{"/ip4/127.0.0.1/tcp/15001" + id},
			[]string{"/ip4/127.0.0.1/tcp/15001"}},
		{"unspecified", "http://192.0.2.7:5000", []string{"/ip4/0.0.0.0/tcp/15000" + id, "/ip6/::/tcp/15000" + id},
			[]string{"/ip4/192.0.2.7/tcp/15000"}},
		{"a container's address", "http://localhost:5002", []string{"/ip4/172.18.0.4/tcp/15000" + id},
			[]string{"/dns/localhost/tcp/15000", "/ip4/172.18.0.4/tcp/15000"}},
		{"IPv6", "http://[2001:db8::7]:5000", []string{"/ip6/::1/tcp/15000" + id},
			[]string{"/ip6/2001:db8::7/tcp/15000"}},
		{"by name", "https://node.example", []string{"/ip4/10.0.0.9/tcp/15000" + id},
			[]string{"/dns/node.example/tcp/15000", "/ip4/10.0.0.9/tcp/15000"}},
		{"QUIC beside TCP", "http://192.0.2.7:5000", []string{"/ip4/127.0.0.1/udp/15000/quic-v1" + id, "/ip4/127.0.0.1/tcp/15000" + id},
			[]string{"/ip4/192.0.2.7/udp/15000/quic-v1", "/ip4/192.0.2.7/tcp/15000"}},
		{"nothing", "http://192.0.2.7:5000", nil, nil},
		{"no peer id", "http://192.0.2.7:5000", []string{"/ip4/127.0.0.1/tcp/15000"}, nil},
		{"two peers", "http://192.0.2.7:5000", []string{"/ip4/10.0.0.9/tcp/1" + id, "/ip4/10.0.0.9/tcp/2/p2p/" + hosttest.IDOf(t, other)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, err := peerFromAnswer(c.url, c.said)
			if (err != nil) != (c.want == nil) {
				t.Fatalf("got %v, %v", info, err)
			}
			var got []string
			for _, a := range info.Addrs {
				got = append(got, a.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), strings.Join(c.want, " "))
			}
		})
	}
}
