// Package portmap maps ports of a router to this node, by UPnP or NAT-PMP, so that others can dial it at the
// router's address.
//
// UPnP is libp2p's. Its NAT-PMP finds no router on Linux: it looks up the route to 0.0.0.0, which go-netroute
// v0.4.0 refuses. So NAT-PMP is implemented here. If the node ends without removing a mapping, the mapping
// expires within ten minutes.
package portmap

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-netroute"
	ma "github.com/multiformats/go-multiaddr"
)

// How a router is asked.
const (
	lifetime   = 10 * time.Minute // of a mapping
	renewEvery = 4 * time.Minute  // twice within it
	firstRetry = 5 * time.Second  // after a request without an answer; doubled up to renewEvery
	askWithin  = 2 * time.Second  // for one request
	maxPorts   = 16               // mapped, of the listen ports
)

// port is a listen port.
type port struct {
	protocol string // "tcp" or "udp"
	number   int
}

// Manager maps the listen ports of a host at the router. It is a libp2p NATManager.
type Manager struct {
	net    network.Network
	upnp   basichost.NATManager
	router func() (net.IP, error) // the default gateway; an error if there is none
	log    *slog.Logger
	stop   context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	open  map[port]netip.AddrPort // mapped by NAT-PMP, with the address at the router
	found bool                    // a router answers NAT-PMP
}

// New starts to map ports. Close ends it.
func New(n network.Network, log *slog.Logger) *Manager {
	return start(n, basichost.NewNATManager(n), gateway, log)
}

func start(n network.Network, upnp basichost.NATManager, router func() (net.IP, error), log *slog.Logger) *Manager {
	ctx, stop := context.WithCancel(context.Background())
	m := &Manager{net: n, upnp: upnp, router: router, log: log, stop: stop, done: make(chan struct{}), open: make(map[port]netip.AddrPort)}
	go m.run(ctx)
	return m
}

// gateway returns the router to other networks, from the routing table.
func gateway() (net.IP, error) {
	r, err := netroute.New()
	if err != nil {
		return nil, err
	}
	_, ip, _, err := r.Route(net.IPv4(192, 0, 2, 1)) // TEST-NET-1: any address outside
	if err == nil && ip == nil {
		err = fmt.Errorf("no router leads to other networks")
	}
	return ip, err
}

// Close removes the mappings, if the router answers in time.
func (m *Manager) Close() error {
	m.stop()
	<-m.done
	return m.upnp.Close()
}

// HasDiscoveredNAT reports whether a router answers.
func (m *Manager) HasDiscoveredNAT() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.found || m.upnp.HasDiscoveredNAT()
}

// GetMapping returns the address at the router that is mapped to a listen address, nil if there is none.
func (m *Manager) GetMapping(listen ma.Multiaddr) ma.Multiaddr {
	if a := m.upnp.GetMapping(listen); a != nil {
		return a
	}
	p, rest, ok := portOf(listen)
	if !ok {
		return nil
	}
	outside, ok := m.granted()[p]
	if !ok {
		return nil
	}
	a, err := ma.NewMultiaddr(fmt.Sprintf("/ip4/%s/%s/%d", outside.Addr(), p.protocol, outside.Port()))
	if err != nil {
		return nil // addresses and ports are well formed
	}
	return append(a, rest...)
}

// portOf returns the port of a listen address, and the components after it. ok is false if a router cannot map it.
func portOf(listen ma.Multiaddr) (p port, rest ma.Multiaddr, ok bool) {
	if len(listen) < 2 || listen[0].Code() != ma.P_IP4 {
		return port{}, nil, false
	}
	if ip := net.IP(listen[0].RawValue()); !ip.IsUnspecified() && !ip.IsGlobalUnicast() {
		return port{}, nil, false
	}
	number, err := strconv.Atoi(listen[1].Value())
	protocol := listen[1].Protocol().Name
	return port{protocol, number}, listen[2:], err == nil && (protocol == "tcp" || protocol == "udp")
}

// run maps ports and renews the mappings until ctx ends, and then removes them.
func (m *Manager) run(ctx context.Context) {
	defer close(m.done)
	changed := make(chan struct{}, 1)
	note := func(network.Network, ma.Multiaddr) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	listens := &network.NotifyBundle{ListenF: note, ListenCloseF: note}
	m.net.Notify(listens)
	defer m.net.StopNotify(listens)
	for wait := firstRetry / 2; ; {
		if m.ask() {
			wait = renewEvery
		} else {
			wait = min(2*wait, renewEvery)
		}
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-changed:
			again.Stop()
		case <-ctx.Done():
			again.Stop()
			m.giveBack()
			return
		}
	}
}

// ask maps all ports once more, and forgets mappings that the router no longer grants. It reports whether the
// router answers.
func (m *Manager) ask() bool {
	open := make(map[port]netip.AddrPort)
	err := m.askFor(open)
	if err != nil {
		m.log.Debug("no port by NAT-PMP", "error", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, at := range open {
		if m.open[p] != at {
			m.log.Info("the router has opened a port", "protocol", p.protocol, "port", p.number, "outside", at)
		}
	}
	m.open, m.found = open, err == nil
	return m.found
}

func (m *Manager) askFor(open map[port]netip.AddrPort) error {
	client, outside, err := m.client()
	if err != nil {
		return err
	}
	ports := m.ports()
	for p := range m.granted() {
		if !ports[p] {
			_, _ = client.AddPortMapping(p.protocol, p.number, 0, 0) // no longer listened on
		}
	}
	for p := range ports {
		want := p.number // the same port outside; the router may choose another one
		if before, ok := m.granted()[p]; ok {
			want = int(before.Port())
		}
		got, err := client.AddPortMapping(p.protocol, p.number, want, int(lifetime/time.Second))
		if err != nil {
			return fmt.Errorf("port %d: %w", p.number, err)
		}
		open[p] = netip.AddrPortFrom(outside, got.MappedExternalPort)
	}
	return nil
}

// client returns a NAT-PMP client and the router's external address.
func (m *Manager) client() (*natpmp.Client, netip.Addr, error) {
	router, err := m.router()
	if err != nil {
		return nil, netip.Addr{}, err
	}
	client := natpmp.NewClientWithTimeout(router, askWithin)
	answer, err := client.GetExternalAddress()
	if err != nil {
		return nil, netip.Addr{}, fmt.Errorf("router %s: %w", router, err)
	}
	return client, netip.AddrFrom4(answer.ExternalIPAddress), nil
}

// ports returns the listen ports of the host.
func (m *Manager) ports() map[port]bool {
	all := make(map[port]bool)
	for _, a := range m.net.ListenAddresses() {
		if p, _, ok := portOf(a); ok && len(all) < maxPorts {
			all[p] = true
		}
	}
	return all
}

// granted returns the current mappings.
func (m *Manager) granted() map[port]netip.AddrPort {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open // replaced as a whole, never changed
}

// giveBack removes the mappings.
func (m *Manager) giveBack() {
	open := m.granted()
	router, err := m.router()
	if err != nil {
		return
	}
	client := natpmp.NewClientWithTimeout(router, askWithin)
	for p := range open {
		if _, err := client.AddPortMapping(p.protocol, p.number, 0, 0); err != nil {
			return // the mappings expire
		}
	}
}
