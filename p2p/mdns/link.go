package mdns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Limits of a machine with many interfaces.
const (
	maxLinks     = 16
	maxAddresses = 8 // of one interface
	hopLimit     = 255
)

var (
	group4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: 5353}
)

// link is an interface that can multicast, with its addresses that others on it can reach.
type link struct {
	name  string
	addrs []netip.Prefix
}

// links lists the interfaces that are up, can multicast and have an address. An IPv6 address of the link alone
// is none: it needs a zone, which has another name on each machine.
func links() ([]link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []link
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		if l := newLink(i); len(l.addrs) > 0 && len(found) < maxLinks {
			found = append(found, l)
		}
	}
	return found, nil
}

func newLink(i net.Interface) link {
	l := link{name: i.Name}
	addrs, _ := i.Addrs() // none, if the interface has gone
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits())
		usable := p.Addr().Is4() || p.Addr().IsGlobalUnicast()
		if usable && !p.Addr().IsLoopback() && len(l.addrs) < maxAddresses {
			l.addrs = append(l.addrs, p)
		}
	}
	return l
}

// hosts returns one address of each family.
func (l link) hosts() (hosts []netip.Addr) {
	var has4, has6 bool
	for _, p := range l.addrs {
		if a := p.Addr(); a.Is4() && !has4 || a.Is6() && !has6 {
			hosts = append(hosts, a)
			has4, has6 = has4 || a.Is4(), has6 || a.Is6()
		}
	}
	return hosts
}

// all returns the addresses.
func (l link) all() []netip.Addr {
	out := make([]netip.Addr, len(l.addrs))
	for i, p := range l.addrs {
		out[i] = p.Addr()
	}
	return out
}

// only6 reports whether the interface has no IPv4 address: then we speak IPv6, else IPv4, and answer as we are asked.
func (l link) only6() bool {
	for _, p := range l.addrs {
		if p.Addr().Is4() {
			return false
		}
	}
	return true
}

// holds reports whether a packet from a came over this link and no router.
func (l link) holds(a netip.Addr) bool {
	if a.Is6() && a.IsLinkLocalUnicast() {
		return a.Zone() == l.name
	}
	for _, p := range l.addrs {
		if p.Contains(a.WithZone("")) {
			return true
		}
	}
	return false
}

// sockets are a link's, nil for a family that it lacks.
type sockets struct{ ip4, ip6 *net.UDPConn }

// open joins the groups on the link. One family suffices.
func (l link) open() (sockets, error) {
	i, err := net.InterfaceByName(l.name)
	if err != nil {
		return sockets{}, err
	}
	var s sockets
	var err4, err6 error
	if s.ip4, err4 = net.ListenMulticastUDP("udp4", i, group4); err4 == nil {
		c := ipv4.NewPacketConn(s.ip4)
		// Other processes of this machine are to hear us, too.
		err4 = errors.Join(c.SetMulticastLoopback(true), c.SetMulticastTTL(hopLimit))
	}
	if s.ip6, err6 = net.ListenMulticastUDP("udp6", i, group6); err6 == nil {
		c := ipv6.NewPacketConn(s.ip6)
		err6 = errors.Join(c.SetMulticastLoopback(true), c.SetMulticastHopLimit(hopLimit))
	}
	if l.only6() && err6 != nil || !l.only6() && err4 != nil {
		s.close()
		return sockets{}, errors.Join(err4, err6)
	}
	return s, nil
}

func (s sockets) close() {
	for _, c := range []*net.UDPConn{s.ip4, s.ip6} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// write sends packet to everybody on the link. A packet that is lost is sent again later, by the protocol.
func (s sockets) write(packet []byte, ip6 bool) {
	c, to := s.ip4, group4
	if ip6 {
		c, to = s.ip6, group6
	}
	if c != nil {
		_, _ = c.WriteToUDP(packet, to)
	}
}

// read passes packets that came over l to in, until the sockets are closed or fail.
func (s sockets) read(ctx context.Context, l link, in chan<- heardPacket) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range []*net.UDPConn{s.ip4, s.ip6} {
		if c != nil {
			wg.Go(func() { readAll(ctx, c, l, in) })
		}
	}
}

func readAll(ctx context.Context, c *net.UDPConn, l link, in chan<- heardPacket) {
	buf := make([]byte, maxPacket)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if !l.holds(from.Addr()) {
			continue
		}
		select {
		case in <- heardPacket{append([]byte(nil), buf[:n]...), from}:
		case <-ctx.Done():
			return
		}
	}
}
