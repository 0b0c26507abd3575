package addrpolicy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// ErrRefused is wrapped by every error of Check.
var ErrRefused = errors.New("link-local, multicast and metadata addresses are refused")

// refused lists what no node may dial.
var refused = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), // link-local, and the metadata service of most clouds
	netip.MustParsePrefix("fe80::/10"),      // link-local
	netip.MustParsePrefix("224.0.0.0/4"),    // multicast
	netip.MustParsePrefix("ff00::/8"),       // multicast
	netip.MustParsePrefix("255.255.255.255/32"),

	// Metadata services that are not link-local.
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle Cloud
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud
	netip.MustParsePrefix("fd00:42::42/128"),    // Scaleway
}

// Check returns an error that wraps ErrRefused if a must not be dialled. It also judges the IPv4 addresses that
// a carries, as a translator or a tunnel on the way would send the packets there.
func Check(a netip.Addr) error {
	a = a.WithZone("")
	if isRefused(a) {
		return fmt.Errorf("%s: %w", a, ErrRefused)
	}
	for _, inner := range carried(a) {
		if isRefused(inner) {
			return fmt.Errorf("%s stands for %s: %w", a, inner, ErrRefused)
		}
	}
	return nil
}

func isRefused(a netip.Addr) bool {
	return slices.ContainsFunc(refused, func(p netip.Prefix) bool { return p.Contains(a) })
}

// form is a kind of IPv6 address that carries an IPv4 address.
type form struct {
	prefix netip.Prefix
	at     [4]int // its bytes
	flip   byte   // exclusive or with each of them
}

// forms lists the prefixes that are the same everywhere. A translator's own prefix cannot be told from any
// other network.
var forms = []form{
	{prefix: netip.MustParsePrefix("::/96"), at: tail},           // IPv4-compatible, RFC 4291; :: and ::1 come out as 0.0.0.x
	{prefix: netip.MustParsePrefix("::ffff:0:0/96"), at: tail},   // IPv4-mapped, RFC 4291
	{prefix: netip.MustParsePrefix("::ffff:0:0:0/96"), at: tail}, // IPv4-translated, RFC 2765
	{prefix: netip.MustParsePrefix("64:ff9b::/96"), at: tail},    // NAT64, RFC 6052
	{prefix: netip.MustParsePrefix("2002::/16"), at: [4]int{2, 3, 4, 5}},

	// Teredo, RFC 4380: the server, and the client with all bits flipped.
	{prefix: netip.MustParsePrefix("2001::/32"), at: [4]int{4, 5, 6, 7}},
	{prefix: netip.MustParsePrefix("2001::/32"), at: tail, flip: 0xff},

	// Local NAT64, RFC 8215, with a prefix of 96, 64, 56 or 48 bits (RFC 6052, section 2.2: byte 8 is skipped).
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: tail},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{9, 10, 11, 12}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{7, 9, 10, 11}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{6, 7, 9, 10}},
}

// tail is the last four bytes.
var tail = [4]int{12, 13, 14, 15}

// carried returns the IPv4 addresses that an IPv6 address may carry.
func carried(a netip.Addr) []netip.Addr {
	if a.Is4() {
		return nil
	}
	var list []netip.Addr
	raw := a.As16()
	take := func(at [4]int, flip byte) {
		list = append(list, netip.AddrFrom4([4]byte{raw[at[0]] ^ flip, raw[at[1]] ^ flip, raw[at[2]] ^ flip, raw[at[3]] ^ flip}))
	}
	for _, f := range forms {
		if contains(f.prefix, a) {
			take(f.at, f.flip)
		}
	}
	if isISATAP(raw) {
		take(tail, 0)
	}
	return list
}

// contains is p.Contains, which never holds for IPv4-mapped addresses, also for those.
func contains(p netip.Prefix, a netip.Addr) bool {
	if a.Is4In6() {
		return p.Addr().Is4In6()
	}
	return p.Contains(a)
}

// isISATAP reports whether raw has the interface identifier of RFC 5214, 0:5efe or 200:5efe, under any prefix.
func isISATAP(raw [16]byte) bool {
	return raw[8]&^0x02 == 0 && raw[9] == 0 && raw[10] == 0x5e && raw[11] == 0xfe
}
