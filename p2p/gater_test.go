package p2p_test

import (
	"context"
	"errors"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/addrpolicy"
	"kuai/p2p/hosttest"
)

// refusedAddresses are what no node dials, without the peer id.
var refusedAddresses = []string{
	"/ip4/169.254.169.254/tcp/80", "/ip4/169.254.7.7/udp/15000/quic-v1", "/ip4/100.100.100.200/tcp/80", "/ip4/224.0.0.251/tcp/5353",
	"/ip6/fd00:ec2::254/tcp/80", "/ip6/::ffff:169.254.169.254/tcp/80", "/ip6/64:ff9b::a9fe:a9fe/tcp/80", "/ip6/2002:a9fe:a9fe::1/tcp/80",
	"/ip6zone/lo/ip6/fe80::1/tcp/15000",
}

// TestRefusedAddressesAreRefusedAtOnce: the user who names one is told, and nothing is kept.
func TestRefusedAddressesAreRefusedAtOnce(t *testing.T) {
	n := runNode(t, chaintest.Rules(), func(c *p2p.Config) {
		c.AskURL = func(context.Context, string) (p2p.Answer, error) { return p2p.Answer{}, errors.New("asked") }
	})
	id := "/p2p/" + hosttest.IDOf(t, hosttest.Key(t))
	bad := []string{"http://169.254.169.254:5000", "http://[64:ff9b::a9fe:a9fe]"}
	for _, a := range refusedAddresses {
		bad = append(bad, a+id)
	}
	for _, a := range bad {
		if err := p2p.CheckPeer(a); !errors.Is(err, addrpolicy.ErrRefused) {
			t.Errorf("CheckPeer(%s): %v", a, err)
		}
		if err := n.Connect(a); !errors.Is(err, addrpolicy.ErrRefused) {
			t.Errorf("Connect(%s): %v", a, err)
		}
	}
	if got := n.Peers(); len(got) != 0 {
		t.Errorf("kept: %+v", got)
	}
}
