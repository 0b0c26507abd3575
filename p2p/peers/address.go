package peers

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"kuai/p2p/addrpolicy"
)

// parsePeer reads a multiaddr that says where a peer is and who it is.
func parsePeer(s string) (peer.AddrInfo, error) {
	addr, err := ma.NewMultiaddr(s)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("peer %q is neither a multiaddr (/ip4/192.0.2.1/tcp/15000/p2p/12D3…) nor an http URL of a kuai daemon", s)
	}
	if _, err := addr.ValueForProtocol(ma.P_P2P); err != nil {
		return peer.AddrInfo{}, fmt.Errorf("peer %q does not end in /p2p/<peer id>: `kuai id` on that node prints the whole address; or give its http URL", s)
	}
	info, err := peer.AddrInfoFromP2pAddr(addr)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("peer %q: %w", s, err)
	}
	if err := checkAddress(addr); err != nil {
		return peer.AddrInfo{}, fmt.Errorf("peer %q: %w", s, err)
	}
	return *info, nil
}

// checkAddress judges every IP address in a by the address policy. A name passes: it is judged when it has been resolved.
func checkAddress(a ma.Multiaddr) (err error) {
	ma.ForEach(a, func(c ma.Component) bool {
		if code := c.Protocol().Code; code == ma.P_IP4 || code == ma.P_IP6 {
			ip, _ := netip.AddrFromSlice(c.RawValue()) // 4 or 16 bytes, or the multiaddr would not have been parsed
			err = addrpolicy.Check(ip)
		}
		return err == nil
	})
	return err
}

// CheckPeer says what is wrong with the form of what Connect takes.
func CheckPeer(s string) (err error) {
	if isURL(s) {
		_, err = parseURL(s)
	} else {
		_, err = parsePeer(s)
	}
	return err
}

// isURL reports whether s is meant as a daemon's URL.
func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// parseURL checks the form of a daemon's URL and brings it to one spelling.
func parseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("peer %q is not an http URL of a kuai daemon (like http://192.0.2.1:5000)", s)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := addrpolicy.Check(ip); err != nil {
			return "", fmt.Errorf("peer %q: %w", s, err)
		}
	}
	return u.Scheme + "://" + u.Host, nil
}

// peerAt turns what the daemon at url said of itself into something to dial. A host in its addresses may be one that only
// that machine can reach, so each port is also tried at the URL's own host, and there first.
func peerAt(rawURL string, said []string) (peer.AddrInfo, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	var at, own []ma.Multiaddr
	var id peer.ID
	for _, s := range said {
		info, err := parsePeer(s)
		if err != nil || len(info.Addrs) == 0 {
			continue
		}
		if id != "" && info.ID != id {
			return peer.AddrInfo{}, fmt.Errorf("%s gave addresses of two peers, %s and %s", rawURL, id, info.ID)
		}
		id = info.ID
		at = append(at, withHost(info.Addrs[0], u.Hostname()))
		if !onlyThere(info.Addrs[0], u.Hostname()) {
			own = append(own, info.Addrs[0])
		}
	}
	if id == "" {
		return peer.AddrInfo{}, fmt.Errorf("%s gave no address of a peer", rawURL)
	}
	return peer.AddrInfo{ID: id, Addrs: distinct(append(at, own...))}, nil
}

// withHost puts host in place of the address's first component.
func withHost(a ma.Multiaddr, host string) ma.Multiaddr {
	kind := "dns"
	if ip := net.ParseIP(host); ip != nil {
		kind = "ip6"
		if ip.To4() != nil {
			kind = "ip4"
		}
	}
	head, err := ma.NewMultiaddr("/" + kind + "/" + host)
	_, rest := ma.SplitFirst(a)
	if err != nil || rest == nil {
		return a
	}
	return head.Encapsulate(rest)
}

// onlyThere reports whether a means something on its own machine only, while host is another one.
func onlyThere(a ma.Multiaddr, host string) bool {
	if manet.IsIPUnspecified(a) {
		return true
	}
	here := host == "localhost" || net.ParseIP(host).IsLoopback()
	return manet.IsIPLoopback(a) && !here
}

func distinct(addrs []ma.Multiaddr) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range addrs {
		if !slices.ContainsFunc(out, a.Equal) {
			out = append(out, a)
		}
	}
	return out
}

// ParseAddrs parses every text.
func ParseAddrs(texts []string) ([]ma.Multiaddr, error) {
	addrs := make([]ma.Multiaddr, len(texts))
	for i, s := range texts {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not a multiaddr (like /ip4/0.0.0.0/tcp/15000): %w", s, err)
		}
		addrs[i] = a
	}
	return addrs, nil
}
