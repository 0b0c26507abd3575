package peers

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"kuai/p2p/addrpolicy"
)

// maxAddress bounds an address that a user gives, in bytes.
const maxAddress = 256

// userAddress is a parsed address that a user gave.
type userAddress struct {
	address string        // as listed: host:port of a URL, or the multiaddr
	url     string        // scheme and host; "" for a multiaddr
	info    peer.AddrInfo // of a multiaddr
}

// key identifies the address, in whichever case it is written.
func (g userAddress) key() string { return strings.ToLower(g.address) }

// display is the address as a user writes it.
func (g userAddress) display() string { return cmp.Or(g.url, g.address) }

// parseUserAddress parses http://host:port, host:port, or a multiaddr that ends in /p2p/<peer id>.
func parseUserAddress(text string) (userAddress, error) {
	switch {
	case text == "" || len(text) > maxAddress:
		return userAddress{}, fmt.Errorf("a node has 1 to %d bytes", maxAddress)
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
		return userAddress{}, errors.New("a node has no spaces, control characters or letters beyond ASCII")
	case strings.HasPrefix(text, "/"):
		info, err := parsePeer(text)
		return userAddress{address: text, info: info}, err
	case strings.Contains(text, "://"):
		return parseURL(text)
	}
	g, err := parseURL("http://" + text)
	if _, _, split := net.SplitHostPort(g.address); err == nil && split != nil {
		return userAddress{}, errors.New("an address without http:// needs a port, as in 192.168.0.5:5000")
	}
	return g, err
}

// CheckPeer returns an error if s is not an address as Connect takes it.
func CheckPeer(s string) error {
	_, err := parseUserAddress(s)
	return err
}

// parseURL parses a daemon's URL and drops its path.
func parseURL(text string) (userAddress, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return userAddress{}, errNoAddress
	case u.Scheme != "http" && u.Scheme != "https":
		return userAddress{}, errors.New("a URL begins with http:// or https://")
	case u.User != nil:
		return userAddress{}, errors.New("a node's URL has no user and password")
	case u.Hostname() == "":
		return userAddress{}, errors.New("a URL has a host")
	case strings.HasSuffix(u.Host, ":") || !isPort(u.Port()):
		return userAddress{}, errors.New("a port is a number from 1 to 65535")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := addrpolicy.Check(ip); err != nil {
			return userAddress{}, err
		}
	}
	return userAddress{address: u.Host, url: u.Scheme + "://" + u.Host}, nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

var errNoAddress = errors.New("this is not a URL, host:port or multiaddr")

// parsePeer parses a multiaddr that ends in /p2p/<peer id>.
func parsePeer(s string) (peer.AddrInfo, error) {
	addr, err := ma.NewMultiaddr(s)
	if err != nil {
		return peer.AddrInfo{}, errNoAddress
	}
	info, err := peer.AddrInfoFromP2pAddr(addr)
	if err != nil {
		return peer.AddrInfo{}, errors.New("a multiaddr ends in /p2p/<peer id>, as the other node prints it")
	}
	return *info, checkAddress(addr)
}

// checkAddress applies the address policy to every IP address in a. A name passes: it is checked after its resolution.
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

// peerFromAnswer returns the peer that the daemon at rawURL says it is. Its own addresses may be reachable from
// its machine only, so each port is also tried at the URL's host, and there first.
func peerFromAnswer(rawURL string, said []string) (peer.AddrInfo, error) {
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
		if !isMachineLocal(info.Addrs[0], u.Hostname()) {
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

// isMachineLocal reports whether a is usable only on its own machine, and host is another machine.
func isMachineLocal(a ma.Multiaddr, host string) bool {
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
