package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"kuai/chain/consensus"
	"kuai/cmd/kuai/invite"
	"kuai/p2p"
	"kuai/rpc"
	"kuai/rpc/api"
)

// maxInviteAddresses bounds the addresses of a code, which each make it longer.
const maxInviteAddresses = 3

// joinCommand is what a student types. A code that names a teacher is for nodes with a lab.
func joinCommand(i invite.Invitation, code string) string {
	if i.Teacher != (invite.Teacher{}) {
		return "kuai join --lab " + code
	}
	return "kuai join " + code
}

// describeInvite is an invitation for the API and for people.
func describeInvite(i invite.Invitation) (api.Invite, error) {
	r, err := i.Rules()
	if err != nil {
		return api.Invite{}, err
	}
	code, err := i.Code()
	if err != nil {
		return api.Invite{}, err
	}
	v := api.Invite{
		Addresses: append([]string{}, i.Addresses...), Code: code, Command: joinCommand(i, code),
		Lab: i.Teacher != (invite.Teacher{}), Name: r.Name, Network: r.Network(), Private: i.KeyFile() != nil,
	}
	if q, err := invite.NewQR(v.Command); err == nil { // or it is too long for one
		v.QR = api.QR{Path: q.Path(), Size: q.Size}
	}
	return v, nil
}

// inviter returns what makes the invitation of a node that runs: the code that it joined by, or else its rules and key, with the addresses
// that it has now.
func inviter(cfg Config, r *consensus.Rules, swarmKey []byte, n *p2p.Node) rpc.Invitation {
	return func() (api.Invite, error) {
		var i invite.Invitation
		if cfg.joined != nil {
			i = *cfg.joined
		} else {
			key, err := keyBytes(swarmKey)
			if err != nil {
				return api.Invite{}, err
			}
			if i, err = invite.Of(r, key); err != nil {
				return api.Invite{}, err
			}
		}
		i.Addresses = dialable(n.Addresses(), ownIP())
		if cfg.Lab && i.Teacher == (invite.Teacher{}) { // else it passes on by whose code it joined
			i.Teacher = invite.TeacherOf(n.ID())
		}
		return describeInvite(i)
	}
}

// keyBytes returns the bytes of a swarm key's file, nil for none.
func keyBytes(file []byte) ([]byte, error) {
	if file == nil {
		return nil, nil
	}
	lines := strings.Fields(string(file))
	key, err := hex.DecodeString(lines[len(lines)-1])
	if err != nil {
		return nil, fmt.Errorf("swarm key: %w", err)
	}
	return key, nil
}

// dialable picks of a node's multiaddrs those for a code, as host:port: the one that this machine reaches others from if it is among them,
// else the first few that others can use, else one of loopback.
func dialable(addresses []string, routed netip.Addr) []string {
	var usable, loopback []string
	for _, a := range addresses {
		to := tcpOf(a)
		switch at, err := netip.ParseAddrPort(to); {
		case to == "":
		case err == nil && at.Addr() == routed:
			return []string{to}
		case err == nil && at.Addr().IsLoopback():
			if len(loopback) == 0 || at.Addr().Is4() { // ::1 beside 127.0.0.1 leads to the same node
				loopback = []string{to}
			}
		case err != nil || !at.Addr().IsLinkLocalUnicast():
			usable = append(usable, to)
		}
	}
	if len(usable) == 0 {
		usable = loopback
	}
	return usable[:min(len(usable), maxInviteAddresses)]
}

// tcpOf returns host:port of a multiaddr over TCP, "" of another one.
func tcpOf(address string) string {
	m, err := ma.NewMultiaddr(address)
	if err != nil {
		return ""
	}
	m, _ = ma.SplitFunc(m, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
	network, to, err := manet.DialArgs(m)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return ""
	}
	return to
}

// routedIP is the address from which this machine reaches others, invalid if it is in no network. Nothing is sent.
func routedIP() netip.Addr {
	for _, to := range []string{"192.0.2.1:9", "[2001:db8::1]:9"} { // documentation addresses, which nobody has
		conn, err := net.Dial("udp", to) //nolint:noctx // a datagram socket waits for nothing
		if err != nil {
			continue
		}
		at, err := netip.ParseAddrPort(conn.LocalAddr().String())
		conn.Close()
		if ip := at.Addr().WithZone("").Unmap(); err == nil && !ip.IsUnspecified() && !ip.IsLoopback() {
			return ip
		}
	}
	return netip.Addr{}
}

// ownIP is the address for others to reach this machine at: the one from which it reaches others or, without a way to anywhere, that of an
// interface of a local network. It is invalid if there is none.
func ownIP() netip.Addr {
	if ip := routedIP(); ip.IsValid() {
		return ip
	}
	all, err := net.Interfaces()
	if err != nil {
		return netip.Addr{}
	}
	var candidates []localIP
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				candidates = append(candidates, localIP{i.Name, prefix.Addr()})
			}
		}
	}
	return bestIP(candidates)
}

// localIP is an address of this machine.
type localIP struct {
	device string
	ip     netip.Addr
}

// bridges begin the names of interfaces that lead to containers and virtual machines of this machine only.
var bridges = []string{"docker", "br-", "virbr", "vmnet", "vboxnet", "vEthernet", "podman", "cni", "lxc"}

// bestIP picks an IPv4 address: a private one before others, one that others can reach before that of a bridge.
func bestIP(all []localIP) (best netip.Addr) {
	least := 0
	for _, a := range all {
		if !a.ip.Is4() || !a.ip.IsGlobalUnicast() {
			continue
		}
		cost := 1
		if !a.ip.IsPrivate() {
			cost++
		}
		if slices.ContainsFunc(bridges, func(name string) bool { return strings.HasPrefix(a.device, name) }) {
			cost += 2
		}
		if least == 0 || cost < least {
			best, least = a.ip, cost
		}
	}
	return best
}

// codePeers asks the addresses of a code who is there. A code has no room for peer ids: the network takes its addresses as URLs.
type codePeers struct {
	urls     []string
	swarmKey []byte
	next     func(ctx context.Context, url string) (p2p.Answer, error) // for other URLs
}

// codeURLs are the addresses of a code in the form that the network takes.
func codeURLs(i *invite.Invitation) (urls []string) {
	if i == nil {
		return nil
	}
	for _, a := range i.Addresses {
		urls = append(urls, "http://"+a)
	}
	return urls
}

// ask returns the multiaddr of the peer at a URL.
func (p codePeers) ask(ctx context.Context, rawURL string) (p2p.Answer, error) {
	if !slices.Contains(p.urls, rawURL) {
		return p.next(ctx, rawURL)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return p2p.Answer{}, err
	}
	address, err := p2p.Identify(ctx, u.Host, p.swarmKey)
	if err != nil {
		return p2p.Answer{}, err
	}
	return p2p.Answer{Addresses: []string{address}}, nil
}
