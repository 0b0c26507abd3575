package rpc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"kuai/p2p/addrpolicy"
)

// parseNode reads one of http://host:port, host:port and a multiaddr that ends in /p2p/<id>.
func parseNode(text string) (neighbour, error) {
	switch {
	case text == "" || len(text) > maxAddress:
		return neighbour{}, fmt.Errorf("a node has 1 to %d bytes", maxAddress)
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
		return neighbour{}, errors.New("a node has no spaces, control characters or letters beyond ASCII")
	case strings.HasPrefix(text, "/"):
		return parseMultiaddr(text)
	case strings.Contains(text, "://"):
		return parseURL(text)
	}
	n, err := parseURL("http://" + text)
	if _, _, split := net.SplitHostPort(n.Address); err == nil && split != nil {
		return neighbour{}, errors.New("an address without http:// needs a port, as in 192.168.0.5:5000")
	}
	return n, err
}

// parseMultiaddr looks at the form only; Network.Connect has the last word.
func parseMultiaddr(text string) (neighbour, error) {
	if id := peerOf(text); id == "" || strings.Contains(id, "/") {
		return neighbour{}, errors.New("a multiaddr ends in /p2p/<peer id>, as the other node prints it")
	}
	return neighbour{Address: text, Kind: kindKuai}, nil
}

// peerOf returns what follows the last /p2p/.
func peerOf(multiaddr string) string {
	const key = "/p2p/"
	i := strings.LastIndex(multiaddr, key)
	if i < 0 {
		return ""
	}
	return multiaddr[i+len(key):]
}

func parseURL(text string) (neighbour, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return neighbour{}, errors.New("this is not a URL, host:port or multiaddr")
	case u.Scheme != "http" && u.Scheme != "https":
		return neighbour{}, errors.New("a URL begins with http:// or https://")
	case u.User != nil:
		return neighbour{}, errors.New("a node's URL has no user and password")
	case u.Hostname() == "":
		return neighbour{}, errors.New("a URL has a host")
	case strings.HasSuffix(u.Host, ":") || !isPort(u.Port()):
		return neighbour{}, errors.New("a port is a number from 1 to 65535")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := addrpolicy.Check(ip); err != nil {
			return neighbour{}, err
		}
	}
	return neighbour{Address: u.Host, URL: u.Scheme + "://" + u.Host, Kind: kindUnknown}, nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}
