package addrpolicy_test

import (
	"errors"
	"net/netip"
	"testing"

	"kuai/p2p/addrpolicy"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		addrs   []string
		refused bool
	}{
		{"loopback", []string{"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}, false},
		{"unspecified", []string{"0.0.0.0", "::"}, false},
		{"private", []string{"10.1.2.3", "172.18.0.2", "192.168.0.5", "100.64.0.1", "fd00::1", "fd12:3456::1"}, false},
		{"public", []string{"8.8.8.8", "192.0.2.1", "2606:4700::1111", "2001:db8::1"}, false},
		{"public, in other forms", []string{"64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8", "2002:808:808::1", "::8.8.8.8", "2001:0:808:808::f7f7:f7f7", "2001:db8::5efe:8.8.8.8"}, false},
		{"link-local", []string{"169.254.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0", "febf::1"}, true},
		{"multicast", []string{"224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1", "ff02::fb%1"}, true},
		{"metadata", []string{"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd00:ec2::254%x", "fd20:ce::254", "fd00:42::42"}, true},
		{"mapped", []string{"::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:168.63.129.16", "::ffff:224.0.0.1"}, true},
		{"compatible and translated", []string{"::169.254.169.254", "::ffff:0:169.254.169.254"}, true},
		{"NAT64", []string{"64:ff9b::a9fe:a9fe", "64:ff9b::100.100.100.200"}, true},
		{"local NAT64", []string{"64:ff9b:1::a9fe:a9fe", "64:ff9b:1:abcd:ef::169.254.169.254", "64:ff9b:1:0:a9:fea9:fe00:0", "64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1:a9fe:a9:fe00::"}, true},
		{"6to4", []string{"2002:a9fe:a9fe::", "2002:a83f:8110::1"}, true},
		{"Teredo", []string{"2001:0:a9fe:a9fe::", "2001:0:808:808:0:0:5601:5601"}, true},
		{"ISATAP", []string{"2001:db8::5efe:169.254.169.254", "fd00::200:5efe:a9fe:a9fe"}, true},
	} {
		for _, text := range c.addrs {
			err := addrpolicy.Check(netip.MustParseAddr(text))
			if (err != nil) != c.refused || err != nil && !errors.Is(err, addrpolicy.ErrRefused) {
				t.Errorf("%s, %s: %v", c.name, text, err)
			}
		}
	}
}

// TestCheckOfNothing: the zero Addr, which holds no address, is neither refused nor a crash.
func TestCheckOfNothing(t *testing.T) {
	if err := addrpolicy.Check(netip.Addr{}); err != nil {
		t.Error(err)
	}
}
