package peers

import (
	"net"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// perSubnet is how many peers of one subnet are preferred to those of other subnets. Peer ids cost an attacker
// nothing, addresses in many subnets do.
const perSubnet = 2

// spread moves candidates to the end that may be in a subnet with perSubnet peers, connected ones or earlier
// candidates. counts has the connected peers by subnet.
func spread(all []candidate, counts map[string]int) []candidate {
	first, rest := make([]candidate, 0, len(all)), []candidate(nil)
	for _, p := range all {
		from := p.subnets()
		if maxCount(counts, from) >= perSubnet && !p.onLAN {
			rest = append(rest, p)
		} else {
			addCounts(counts, from)
			first = append(first, p)
		}
	}
	return append(first, rest...)
}

// interleaveSubnets orders all so that the first of every subnet comes before the second of any. counts has
// peers by subnet that come first.
func interleaveSubnets(all []candidate, counts map[string]int) []candidate {
	turn := make(map[peer.ID]int)
	for _, p := range all {
		from := p.subnets()
		turn[p.ID] = maxCount(counts, from)
		addCounts(counts, from)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return turn[a.ID] - turn[b.ID] })
	return all
}

// subnets returns the subnets that a peer may be in: proven, the one of its last connection, if there is one.
// Otherwise those of all its public addresses, or of all addresses if none is public: which address is real is
// only known after connecting, as a signature proves only who announced them.
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

// addCounts adds one to each name.
func addCounts(counts map[string]int, names []string) {
	for _, n := range names {
		counts[n]++
	}
}

// maxCount returns the largest count of the names.
func maxCount(counts map[string]int, names []string) (n int) {
	for _, name := range names {
		n = max(n, counts[name])
	}
	return n
}

// remoteSubnet is the subnet of a connection's remote address.
func remoteSubnet(c network.Conn) string { return subnet(c.RemoteMultiaddr()) }

// subnet returns the /24 of an IPv4 address, the /48 of an IPv6 address, or the host name.
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

// provenFirst moves the addresses on the host of remote, which the connection proves, before those that a peer
// only announces.
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
