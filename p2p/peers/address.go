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
	case strings.Contains(text, "://"), strings.HasPrefix(text, "http:/"), strings.HasPrefix(text, "https:/"):
		return parseURL(text)
	case strings.Count(text, ":") > 1 && strings.Trim(text, "0123456789abcdefABCDEF:.") == "":
		return userAddress{}, errors.New("an IPv6 address stands in brackets, as in [fd00::5]:5000")
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
	case !strings.Contains(text, "://"):
		return userAddress{}, errors.New("a URL begins with http:// or https://")
	case u.Hostname() == "":
		return userAddress{}, errors.New("a URL has a host")
	case strings.HasSuffix(u.Host, ":") || !isPort(u.Port()):
		return userAddress{}, errors.New("a port is a number from 1 to 65535")
	}
	if err := checkHost(u.Hostname()); err != nil {
		return userAddress{}, err
	}
	return userAddress{address: u.Host, url: u.Scheme + "://" + u.Host}, nil
}

// checkHost refuses what the address policy refuses, and a second spelling of a host, which would be another entry.
func checkHost(host string) error {
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Is4In6():
		if err := addrpolicy.Check(ip); err != nil {
			return err
		}
		return fmt.Errorf("%s is written as %s", host, ip.Unmap())
	case err == nil:
		return addrpolicy.Check(ip)
	case strings.HasSuffix(host, "."):
		return errors.New("a name has no dot at its end")
	case looksLikeIPv4(host):
		return fmt.Errorf("%s is not an IPv4 address: it has four numbers from 0 to 255, without zeros in front", host)
	}
	return nil
}

// looksLikeIPv4 reports whether host ends in a number, as no name does: systems read some of these as addresses.
func looksLikeIPv4(host string) bool {
	last := host[strings.LastIndex(host, ".")+1:]
	hex, isHex := strings.CutPrefix(strings.ToLower(last), "0x")
	digits := "0123456789"
	if isHex {
		digits, last = digits+"abcdef", hex
	}
	return strings.Trim(last, digits) == ""
}

// isPort reports whether text is a port, or "". Zeros in front would make a second spelling.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0 && text[0] != '0'
}

var errNoAddress = errors.New("this is not a URL, host:port or multiaddr")

// parsePeer parses a multiaddr that ends in /p2p/<peer id>.
func parsePeer(s string) (peer.AddrInfo, error) {
	addr, err := ma.NewMultiaddr(s)
	if err != nil {
		before, id, has := strings.Cut(s, "/p2p/")
		if _, err := ma.NewMultiaddr(before); has && err == nil {
			return peer.AddrInfo{}, fmt.Errorf("%q is not a peer id: compare it with what the other node prints", id)
		}
		return peer.AddrInfo{}, errNoAddress
	}
	info, err := peer.AddrInfoFromP2pAddr(addr)
	switch _, relay := addr.ValueForProtocol(ma.P_CIRCUIT); {
	case err != nil:
		return peer.AddrInfo{}, errors.New("a multiaddr ends in /p2p/<peer id>, as the other node prints it")
	case relay == nil:
		return peer.AddrInfo{}, errors.New("relays are not used: give an address of the peer itself")
	case len(info.Addrs) == 0:
		return peer.AddrInfo{}, errors.New("the peer id alone is not an address: give the whole multiaddr, as the other node prints it")
	}
	return *info, checkAddress(addr)
}

// noTransport says that this node cannot dial a.
func noTransport(a ma.Multiaddr) error {
	if _, last := ma.SplitLast(a); last != nil && last.Protocol().Code == ma.P_QUIC_V1 {
		return errors.New("this node does not speak QUIC: give the TCP address, or start this node with --quic")
	}
	return errors.New("this node has no transport for that address: give one with /tcp/PORT")
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
