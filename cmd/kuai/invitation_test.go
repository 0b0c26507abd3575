package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestBestIP(t *testing.T) {
	for want, all := range map[string]string{
		"":            "lo=::1 eth0=fe80::1 eth0=169.254.1.1 eth0=fd00::1",
		"10.99.0.1":   "docker0=172.17.0.1 eth0=fd00::2 veth0=10.99.0.1",
		"172.17.0.1":  "docker0=172.17.0.1",
		"192.168.1.5": "eth0=203.0.113.7 wlan0=192.168.1.5",
		"203.0.113.7": "eth0=203.0.113.7 br-1234=172.18.0.1",
	} {
		var candidates []localIP
		for _, word := range strings.Fields(all) {
			device, ip, _ := strings.Cut(word, "=")
			candidates = append(candidates, localIP{device, netip.MustParseAddr(ip)})
		}
		got := bestIP(candidates)
		if got.IsValid() != (want != "") || got.IsValid() && got.String() != want {
			t.Errorf("%s: %s, want %s", all, got, want)
		}
	}
}

// TestInvitationSaysThatNobodyIsLedHere: a code without an address, and one with an address of this machine alone.
func TestInvitationSaysThatNobodyIsLedHere(t *testing.T) {
	for addresses, want := range map[string]string{
		"": "names no address", "127.0.0.1:15000 [::1]:15000": "of this machine alone", "127.0.0.1:1 10.0.0.1:1": "", "lab.example:1": "",
	} {
		if got := reachNote(strings.Fields(addresses)); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", addresses, got, want)
		}
	}
}

// TestCodeNamesOneLoopbackAddress: ::1 beside 127.0.0.1 makes a code longer and leads to the same node, and neither is named beside others.
func TestCodeNamesOneLoopbackAddress(t *testing.T) {
	const four, six, lan, far = "/ip4/127.0.0.1/tcp/15000", "/ip6/::1/tcp/15000", "/ip4/10.0.0.7/tcp/15000", "/ip4/203.0.113.7/tcp/15000"
	for _, v := range []struct{ listens, want []string }{
		{[]string{four, six}, []string{"127.0.0.1:15000"}},
		{[]string{six, four}, []string{"127.0.0.1:15000"}},
		{[]string{six}, []string{"[::1]:15000"}},
		{[]string{four, six, far}, []string{"203.0.113.7:15000"}},
		{[]string{far, four, lan}, []string{"10.0.0.7:15000"}},
		{nil, nil},
	} {
		if got := dialable(v.listens, netip.MustParseAddr("10.0.0.7")); !slices.Equal(got, v.want) {
			t.Errorf("%s: %s, want %s", v.listens, got, v.want)
		}
	}
}
