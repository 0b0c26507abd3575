package peers

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"kuai/p2p/mdns"
)

// What neighbours tell each other.
const (
	neighbourText      = "dnsaddr=" // begins an address in a TXT record, as libp2p specifies it
	neighbourAddresses = 4          // told on one interface
)

// runMDNS looks for neighbours until ctx ends. Without a network it waits for one.
func (t *Table) runMDNS(ctx context.Context) {
	mdns.Run(ctx, mdns.Config{
		Service: "_kuai-" + t.net + "._udp.local.",
		Texts: func(addrs []netip.Addr) []string {
			return neighbourTexts(t.h.ID(), t.h.Network().ListenAddresses(), addrs)
		},
		Found: func(texts []string, from netip.Addr) {
			t.neighbour(neighbourOf(texts, ownAddress(from)))
		},
		Enough: func() bool { return t.outbound() >= t.wantOutbound },
		Log:    t.log,
	})
}

// neighbour notes a peer on the local network or on this machine.
func (t *Table) neighbour(info peer.AddrInfo) {
	if len(info.Addrs) > 0 {
		t.AddHearsay(info, true)
	}
}

// neighbourTexts returns the TXT strings for an interface with the addresses own: the addresses at which a host
// that listens on listen is reached there, IPv4 first.
func neighbourTexts(id peer.ID, listen []ma.Multiaddr, own []netip.Addr) (texts []string) {
	for _, want6 := range []bool{false, true} {
		for _, l := range listen {
			for _, a := range own {
				if a.Is6() == want6 && listensAt(l, a) && len(texts) < neighbourAddresses {
					texts = append(texts, neighbourText+withHost(l, a.String()).String()+"/p2p/"+id.String())
				}
			}
		}
	}
	return texts
}

// listensAt reports whether a connection to a reaches a listener on l.
func listensAt(l ma.Multiaddr, a netip.Addr) bool {
	ip, err := manet.ToIP(l)
	if err != nil {
		return false
	}
	at, ok := netip.AddrFromSlice(ip)
	at = at.Unmap()
	return ok && (at == a || at.IsUnspecified() && hasIP6(l) == a.Is6())
}

func hasIP6(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_IP6)
	return err == nil
}

// neighbourOf parses a neighbour's TXT strings: the addresses of the first peer in them. Only IP addresses
// count, and loopback ones only if they come from this machine. If nothing is usable, the result has no
// addresses.
func neighbourOf(texts []string, here bool) (info peer.AddrInfo) {
	for _, t := range texts {
		text, ok := strings.CutPrefix(t, neighbourText)
		if !ok {
			continue
		}
		found, err := parsePeer(text)
		if err != nil || len(found.Addrs) == 0 || info.ID != "" && found.ID != info.ID {
			continue
		}
		ip, err := manet.ToIP(found.Addrs[0])
		if err != nil || ip.IsLoopback() && !here {
			continue
		}
		info.ID, info.Addrs = found.ID, append(info.Addrs, found.Addrs...)
	}
	return info
}

// ownAddress reports whether a is an address of this machine.
func ownAddress(a netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(all, func(o net.Addr) bool {
		p, err := netip.ParsePrefix(o.String())
		return err == nil && p.Addr().Unmap() == a.WithZone("")
	})
}
