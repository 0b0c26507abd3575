package rpc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"kuai/chain/canonical"
)

// maxHost bounds a host name, as DNS does; each label of it has at most maxLabel bytes.
const (
	maxHost  = 253
	maxLabel = 63
)

// ParseAllowHost returns the host that an entry of Config.Hosts names, as Host headers are compared with it: a
// name in lower case (an international one as browsers send it, xn--…) or an IP address. Entry is a name,
// host:port, or an http or https URL without a path; a port is left out, as a host is allowed at any. What could
// mean several hosts or none is an error.
func ParseAllowHost(entry string) (string, error) {
	host, err := allowedHost(entry)
	if err != nil {
		return "", fmt.Errorf("host %s cannot be allowed: %w; write one host name, as in node.example.org", canonical.Quote(entry), err)
	}
	return host, nil
}

func allowedHost(entry string) (string, error) {
	switch {
	case entry == "":
		return "", errors.New("it is empty")
	case strings.ContainsFunc(entry, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }):
		return "", errors.New("it has a space or a control character")
	case strings.Contains(entry, "*"):
		return "", errors.New("wildcards are not supported")
	}
	if ip, err := netip.ParseAddr(entry); err == nil { // IPv6 without brackets looks like a port
		return ip.String(), nil
	}
	host, err := hostOfURL(entry)
	if err != nil {
		return "", err
	}
	if ip, ok := parseIP(host); ok {
		return ip.String(), nil
	}
	return canonicalName(host)
}

// hostOfURL returns the host of a URL without a path, or of one whose scheme was left out.
func hostOfURL(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("it is not a host name, host:port or URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("a URL begins with http:// or https://")
	case u.User != nil:
		return "", errors.New("it has a user")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("it has a path, and a host is allowed for all paths")
	case strings.HasSuffix(u.Host, ":") || !isPort(u.Port()):
		return "", errors.New("a port is a number from 1 to 65535")
	}
	return u.Hostname(), nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

// canonicalName returns a DNS name in lower case, without the final dot.
func canonicalName(name string) (string, error) {
	if strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 }) {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", errors.New("it is not a valid international host name")
		}
		name = ascii
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if len(name) > maxHost {
		return "", fmt.Errorf("a host name has at most %d bytes", maxHost)
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return "", fmt.Errorf("a host name is labels of 1 to %d letters, digits, - or _, with dots between them", maxLabel)
		}
	}
	return name, nil
}

func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if !(c >= 'a' && c <= 'z' || s[i] >= '0' && s[i] <= '9' || s[i] == '-' || s[i] == '_') {
			return false
		}
	}
	return s != "" && len(s) <= maxLabel
}

// parseIP reads an IP address as a client may write it: with a final dot, and IPv4 in the forms of inet_aton, as
// browsers, curl and Python read them too.
func parseIP(text string) (netip.Addr, bool) {
	text = strings.TrimSuffix(text, ".")
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip, true
	}
	return parseInetAton(text)
}

// parseInetAton reads one to four numbers with dots between them, each decimal, octal with a leading 0 or
// hexadecimal with 0x. The last one fills the bytes that the others leave: 127.1 and 2130706433 are 127.0.0.1.
func parseInetAton(text string) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		width := 8
		if i == len(parts)-1 {
			width = 8 * (5 - len(parts))
		}
		n, ok := parseCNumber(part, width)
		if !ok {
			return netip.Addr{}, false
		}
		value = value<<width | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

// parseCNumber reads an unsigned number as C writes it, of at most that many bits.
func parseCNumber(text string, bits int) (uint64, bool) {
	base, digits := 10, strings.ToLower(text)
	if hex, ok := strings.CutPrefix(digits, "0x"); ok {
		base, digits = 16, hex
	} else if len(digits) > 1 && digits[0] == '0' {
		base, digits = 8, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, bits)
	return n, err == nil
}

// parseHosts returns the hosts that entries name. An entry that names none allows none.
func parseHosts(entries []string) map[string]bool {
	hosts := make(map[string]bool, len(entries))
	for _, e := range entries {
		if host, err := ParseAllowHost(e); err == nil {
			hosts[host] = true
		}
	}
	return hosts
}

// servesHost reports whether a Host header is one that an attacker's DNS cannot bring: an IP address, localhost, a
// configured name, and a name without a dot if others than this machine can connect at all. A request without one
// is not a browser's.
func (s *Server) servesHost(host string) bool {
	if host == "" {
		return true
	}
	host = hostname(host)
	if s.isNamed(host) {
		return true
	}
	if _, ok := parseIP(host); ok {
		return true
	}
	name, err := canonicalName(host)
	switch {
	case err != nil:
		return false
	case s.isNamed(name):
		return true
	}
	return s.exposed.Load() && !strings.Contains(name, ".")
}

func (s *Server) isNamed(name string) bool { return name == "localhost" || s.hosts[name] }

// hostname takes the port and the brackets off.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}

// isExposed reports whether another machine can connect to one of the listeners. Names without a dot come from
// this network's own name service: they are needed between containers, and useless to a node that listens on
// loopback only.
func isExposed(lns []net.Listener) bool {
	for _, ln := range lns {
		at, err := netip.ParseAddrPort(ln.Addr().String())
		if err == nil && !at.Addr().Unmap().IsLoopback() {
			return true
		}
	}
	return false
}
