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

// maxAddress is how many bytes an address may have that a user gives.
const maxAddress = 256

// given is an address that a user gave.
type given struct {
	address string        // as it is listed: host:port of a URL, or the multiaddr
	url     string        // scheme and host; "" for a multiaddr
	info    peer.AddrInfo // what a multiaddr says
}

// key names the address: one place is one request, however it is spelled.
func (g given) key() string { return strings.ToLower(g.address) }

// shown is the address as the operator gives it.
func (g given) shown() string { return cmp.Or(g.url, g.address) }

// parseGiven reads one of http://host:port, host:port and a multiaddr that ends in /p2p/<peer id>.
func parseGiven(text string) (given, error) {
	switch {
	case text == "" || len(text) > maxAddress:
		return given{}, fmt.Errorf("a node has 1 to %d bytes", maxAddress)
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
		return given{}, errors.New("a node has no spaces, control characters or letters beyond ASCII")
	case strings.HasPrefix(text, "/"):
		info, err := parsePeer(text)
		return given{address: text, info: info}, err
	case strings.Contains(text, "://"):
		return parseURL(text)
	}
	g, err := parseURL("http://" + text)
	if _, _, split := net.SplitHostPort(g.address); err == nil && split != nil {
		return given{}, errors.New("an address without http:// needs a port, as in 192.168.0.5:5000")
	}
	return g, err
}

// CheckPeer says what is wrong with the form of what Connect takes.
func CheckPeer(s string) error {
	_, err := parseGiven(s)
	return err
}

// parseURL reads a daemon's URL; its path is dropped.
func parseURL(text string) (given, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return given{}, errNoAddress
	case u.Scheme != "http" && u.Scheme != "https":
		return given{}, errors.New("a URL begins with http:// or https://")
	case u.User != nil:
		return given{}, errors.New("a node's URL has no user and password")
	case u.Hostname() == "":
		return given{}, errors.New("a URL has a host")
	case strings.HasSuffix(u.Host, ":") || !isPort(u.Port()):
		return given{}, errors.New("a port is a number from 1 to 65535")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := addrpolicy.Check(ip); err != nil {
			return given{}, err
		}
	}
	return given{address: u.Host, url: u.Scheme + "://" + u.Host}, nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

var errNoAddress = errors.New("this is not a URL, host:port or multiaddr")

// parsePeer reads a multiaddr that says where a peer is and who it is.
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
