package peers_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
)

// refusedMultiaddrs are what no node dials, without the peer id.
var refusedMultiaddrs = []string{
	"/ip4/169.254.169.254/tcp/80", "/ip4/169.254.7.7/udp/15000/quic-v1", "/ip4/100.100.100.200/tcp/80", "/ip4/224.0.0.251/tcp/5353",
	"/ip6/fd00:ec2::254/tcp/80", "/ip6/::ffff:169.254.169.254/tcp/80", "/ip6/64:ff9b::a9fe:a9fe/tcp/80", "/ip6/2002:a9fe:a9fe::1/tcp/80",
	"/ip6zone/lo/ip6/fe80::1/tcp/15000",
}

// TestRefusedAddressesAreNotDialled: nor those that were heard of, by number or by name.
func TestRefusedAddressesAreNotDialled(t *testing.T) {
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.ConnectionGater(peers.NewGater("", "", nil, slog.New(slog.DiscardHandler))), libp2p.MultiaddrResolver(metadataResolver{}))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, text := range append([]string{"/dns4/node.example/tcp/80", "/dns/node.example/tcp/80", "/dnsaddr/node.example"}, refusedMultiaddrs...) {
		id, err := peer.Decode(hosttest.IDOf(t, hosttest.Key(t)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			t.Fatal(err)
		}
		err = h.Connect(t.Context(), peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{a}})
		linkLocal := strings.Contains(text, "fe80") || strings.Contains(text, "ffff") // the swarm leaves them out before it asks the gater
		if !errors.Is(err, swarm.ErrGaterDisallowedConnection) && !(linkLocal && errors.Is(err, swarm.ErrNoGoodAddresses)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// metadataResolver resolves every name to a metadata service.
type metadataResolver struct{}

func (metadataResolver) ResolveDNSAddr(context.Context, peer.ID, ma.Multiaddr, int, int) ([]ma.Multiaddr, error) {
	return []ma.Multiaddr{ma.StringCast("/ip4/169.254.169.254/tcp/80")}, nil
}

func (metadataResolver) ResolveDNSComponent(context.Context, ma.Multiaddr, int) ([]ma.Multiaddr, error) {
	return []ma.Multiaddr{ma.StringCast("/ip4/169.254.169.254/tcp/80")}, nil
}
