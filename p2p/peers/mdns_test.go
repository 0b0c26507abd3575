package peers

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func TestNeighbourTexts(t *testing.T) {
	id, err := peer.Decode("12D3KooWFQrYC4jjt1Cm61VFwbpRg2cYyVLqDDMiWTLkFVLj3Rqq")
	if err != nil {
		t.Fatal(err)
	}
	own := []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}
	for _, c := range []struct {
		name         string
		listen, want []string
	}{
		{"all interfaces", []string{"/ip6/::/tcp/15000", "/ip4/0.0.0.0/tcp/15000"}, []string{"/ip4/192.0.2.1/tcp/15000", "/ip6/2001:db8::1/tcp/15000"}},
		{"loopback", []string{"/ip4/127.0.0.1/tcp/15000", "/ip6/::1/tcp/15000"}, nil},
		{"this interface", []string{"/ip4/192.0.2.1/udp/1/quic-v1"}, []string{"/ip4/192.0.2.1/udp/1/quic-v1"}},
		{"another interface", []string{"/ip4/192.0.2.2/tcp/1"}, nil},
		{
			"many", []string{"/ip4/0.0.0.0/tcp/1", "/ip4/0.0.0.0/tcp/2", "/ip4/0.0.0.0/tcp/3", "/ip4/0.0.0.0/tcp/4", "/ip4/0.0.0.0/tcp/5"},
			[]string{"/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2", "/ip4/192.0.2.1/tcp/3", "/ip4/192.0.2.1/tcp/4"},
		},
	} {
		listen, err := ParseAddrs(c.listen)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, w := range c.want {
			want = append(want, "dnsaddr="+w+"/p2p/"+id.String())
		}
		if got := neighbourTexts(id, listen, own); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}

func TestNeighbourOf(t *testing.T) {
	const a, b = "/p2p/12D3KooWFQrYC4jjt1Cm61VFwbpRg2cYyVLqDDMiWTLkFVLj3Rqq", "/p2p/12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE"
	for _, c := range []struct {
		name  string
		texts []string
		here  bool
		want  []string
	}{
		{"one peer", []string{"dnsaddr=/ip4/192.0.2.1/tcp/1" + a, "dnsaddr=/ip6/2001:db8::1/tcp/1" + a}, false, []string{"/ip4/192.0.2.1/tcp/1", "/ip6/2001:db8::1/tcp/1"}},
		{"two peers", []string{"dnsaddr=/ip4/192.0.2.1/tcp/1" + a, "dnsaddr=/ip4/192.0.2.2/tcp/1" + b}, false, []string{"/ip4/192.0.2.1/tcp/1"}},
		{"loopback from elsewhere", []string{"dnsaddr=/ip4/127.0.0.1/tcp/1" + a, "dnsaddr=/ip4/192.0.2.1/tcp/1" + a}, false, []string{"/ip4/192.0.2.1/tcp/1"}},
		{"loopback from here", []string{"dnsaddr=/ip4/127.0.0.1/tcp/1" + a}, true, []string{"/ip4/127.0.0.1/tcp/1"}},
		{"a name", []string{"dnsaddr=/dns4/example.org/tcp/1" + a}, false, nil},
		{"nothing of use", []string{"", "x", "dnsaddr=", "dnsaddr=/ip4/192.0.2.1/tcp/1", "dnsaddr=" + a}, true, nil},
	} {
		got := neighbourOf(c.texts, c.here)
		if want, err := ParseAddrs(c.want); err != nil || !slices.EqualFunc(got.Addrs, want, ma.Multiaddr.Equal) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, want)
		}
	}
}
