package p2p_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// needMulticast returns the first IPv4 address of an interface on which neighbours can be found.
func needMulticast(t *testing.T) netip.Addr {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
				return p.Addr()
			}
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no network interface that is up can multicast")
	}
	t.Skip("no network interface that is up can multicast")
	return netip.Addr{}
}

// ownNetwork returns a network that only this process knows: multicast reaches all nodes of this machine and of
// its links.
func ownNetwork(t *testing.T) *consensus.Rules {
	t.Helper()
	const file = `{"name": "test", "zeros": 1,
		"genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d.5, "transactions": []}}`
	r, err := consensus.ReadRules(fmt.Appendf(nil, file, rand.IntN(1_600_000_000)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// neighbourly makes a node look for neighbours, and listen where they reach it.
func neighbourly(c *p2p.Config) { c.MDNS, c.Listen = true, []string{"/ip4/0.0.0.0/tcp/0"} }

func TestNeighboursFindEachOther(t *testing.T) {
	needMulticast(t)
	r := ownNetwork(t)
	a, b := runNode(t, r, neighbourly), runNode(t, r, neighbourly)
	hosttest.Eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
}

// TestNeighbourOfAnotherLibrary lets a neighbour answer as js-libp2p does, with PTR and TXT records and nothing else.
func TestNeighbourOfAnotherLibrary(t *testing.T) {
	on := needMulticast(t)
	r := ownNetwork(t)
	a, b := runNode(t, r, neighbourly), runNode(t, r, nil)
	c, err := net.DialUDP("udp4", &net.UDPAddr{IP: on.AsSlice()}, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer := foreignAnswer("_kuai-"+r.Network(), "dnsaddr="+b.Addresses()[0])
	hosttest.Eventually(t, "the two are connected", func() bool {
		if _, err := c.Write(answer); err != nil {
			t.Fatal(err)
		}
		return a.connectedTo(b)
	})
}

// foreignAnswer writes an answer by hand: PTR and TXT, names in full.
func foreignAnswer(service, text string) []byte {
	name := func(labels ...string) (out []byte) {
		for _, l := range append(labels, service, "_udp", "local", "") {
			out = append(append(out, byte(len(l))), l...)
		}
		return out
	}
	record := func(name []byte, kind uint16, data []byte) []byte {
		out := binary.BigEndian.AppendUint16(name, kind)
		out = binary.BigEndian.AppendUint16(out, 1)   // IN
		out = binary.BigEndian.AppendUint32(out, 120) // seconds
		return append(binary.BigEndian.AppendUint16(out, uint16(len(data))), data...)
	}
	head := []byte{0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0} // an answer with two records
	return slices.Concat(head, record(name(), 12, name("peer0")), record(name("peer0"), 16, append([]byte{byte(len(text))}, text...)))
}
