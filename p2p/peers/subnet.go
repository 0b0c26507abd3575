package peers

import (
	"net"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// perSubnet is how many peers of one subnet go before those of others where peers are chosen. Identities cost an attacker
// nothing; addresses all over the world do.
const perSubnet = 2

// spread puts those behind that may be in a subnet with perSubnet peers already, connected or before them. crowd counts the
// connected.
func spread(all []prospect, crowd map[string]int) []prospect {
	first, rest := make([]prospect, 0, len(all)), []prospect(nil)
	for _, p := range all {
		from := p.subnets()
		if most(crowd, from) >= perSubnet && !p.near {
			rest = append(rest, p)
		} else {
			count(crowd, from)
			first = append(first, p)
		}
	}
	return append(first, rest...)
}

// takeTurns orders all by how many of their subnets come before them. crowd counts some that come before all.
func takeTurns(all []prospect, crowd map[string]int) []prospect {
	turn := make(map[peer.ID]int)
	for _, p := range all {
		from := p.subnets()
		turn[p.ID] = most(crowd, from)
		count(crowd, from)
	}
	slices.SortStableFunc(all, func(a, b prospect) int { return turn[a.ID] - turn[b.ID] })
	return all
}

// subnets names the subnets that a peer may be in: proven, the one that it was connected from, if there is one. Otherwise all
// of its public addresses count, or all if none is public: which of them is true is not known before it is connected, and a
// signature proves only who named them.
func subnets(proven string, addrs []ma.Multiaddr) []string {
	if proven != "" {
		return []string{proven}
	}
	var public, all []string
	for _, a := range addrs {
		s := subnet(a)
		all = append(all, s)
		if manet.IsPublicAddr(a) {
			public = append(public, s)
		}
	}
	if len(public) > 0 {
		all = public
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// count adds one to each name.
func count(crowd map[string]int, names []string) {
	for _, n := range names {
		crowd[n]++
	}
}

// most returns the largest count of the names.
func most(crowd map[string]int, names []string) (n int) {
	for _, name := range names {
		n = max(n, crowd[name])
	}
	return n
}

// remoteSubnet is subnet of the address that a connection leads to.
func remoteSubnet(c network.Conn) string { return subnet(c.RemoteMultiaddr()) }

// subnet names the network of an address: /24 of IPv4, /48 of IPv6, else its host.
func subnet(addr ma.Multiaddr) string {
	ip, err := manet.ToIP(addr)
	if err != nil {
		host, _ := ma.SplitFirst(addr)
		return host.String()
	}
	if v4 := ip.To4(); v4 != nil {
		return v4.Mask(net.CIDRMask(24, 32)).String()
	}
	return ip.Mask(net.CIDRMask(48, 128)).String()
}

// provenFirst puts the addresses on the host that a peer really speaks from before those that it only claims.
func provenFirst(addrs []ma.Multiaddr, remote ma.Multiaddr) []ma.Multiaddr {
	from, err := manet.ToIP(remote)
	if err != nil {
		return addrs
	}
	addrs = slices.Clone(addrs)
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int { return onHost(b, from) - onHost(a, from) })
	return addrs
}

// onHost is 1 for an address on the host with this IP, 0 for others.
func onHost(a ma.Multiaddr, ip net.IP) int {
	if at, err := manet.ToIP(a); err == nil && at.Equal(ip) {
		return 1
	}
	return 0
}
