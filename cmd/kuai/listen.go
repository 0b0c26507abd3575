package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// anyPortTries bounds the search for a port that is free on both loopback addresses.
const anyPortTries = 20

// openListeners opens what the API and the profiles are served on, and looks whether the addresses for peers are free. The caller
// closes what it gets.
func openListeners(ctx context.Context, cfg Config) (api, profiles []net.Listener, err error) {
	api, err = listenHTTP(ctx, cfg.HTTPHost, cfg.Port)
	if err == nil {
		profiles, err = listenPprof(ctx, cfg.Pprof)
	}
	if err == nil {
		err = probe(ctx, cfg)
	}
	if err != nil {
		closeAll(append(api, profiles...))
		return nil, nil, err
	}
	return api, profiles, nil
}

// listenHTTP opens the listeners of host and port. The default host takes ::1 as well, if there is one: browsers and curl
// ask for localhost there first, and must not meet another program.
func listenHTTP(ctx context.Context, host string, port int) ([]net.Listener, error) {
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if host != "127.0.0.1" {
		l, err := listenTCP(ctx, host, port)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	lns, err := listenLoopback(ctx, port)
	for try := 1; port == 0 && isInUse(err) && try < anyPortTries; try++ {
		lns, err = listenLoopback(ctx, port)
	}
	return lns, err
}

// listenLoopback listens on 127.0.0.1 and, unless the machine has no IPv6, on the same port of ::1.
func listenLoopback(ctx context.Context, port int) ([]net.Listener, error) {
	first, err := listenTCP(ctx, "127.0.0.1", port)
	if err != nil {
		return nil, err
	}
	second, err := listenTCP(ctx, "::1", first.Addr().(*net.TCPAddr).Port)
	switch {
	case err == nil:
		return []net.Listener{first, second}, nil
	case isInUse(err):
		first.Close()
		return nil, err
	}
	return []net.Listener{first}, nil // no IPv6 here
}

func listenTCP(ctx context.Context, host string, port int) (net.Listener, error) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if isInUse(err) {
		return nil, &inUseError{address, port, "choose another --port, 0 for any"}
	}
	if err != nil {
		return nil, fmt.Errorf("HTTP: %w", err)
	}
	return l, nil
}

// checkListen reports whether one of our transports listens on addresses of this form.
func checkListen(address string, quic bool) error {
	m, err := ma.NewMultiaddr(address)
	if err != nil {
		return fmt.Errorf("want a multiaddr, as /ip4/0.0.0.0/tcp/15000: %w", err)
	}
	network, _, _ := manet.DialArgs(m) // "" for what has no host
	last := m[len(m)-1].Code()
	switch {
	case (last == ma.P_TCP || last == ma.P_WS) && strings.HasPrefix(network, "tcp"):
		return nil
	case last != ma.P_QUIC_V1 || !strings.HasPrefix(network, "udp"):
		return errors.New("want a host and a port, as /ip4/0.0.0.0/tcp/15000, for browsers /ip4/0.0.0.0/tcp/15000/ws, or with --quic /ip4/0.0.0.0/udp/15000/quic-v1")
	case !quic:
		return errors.New("add --quic, or listen on TCP, as /ip4/0.0.0.0/tcp/15000")
	}
	return nil
}

// probe reports whether the peers' addresses can be listened on. The network library takes one of several as enough and puts its
// reasons into text; here each one counts and the code survives. A family that the machine lacks is not a fault.
func probe(ctx context.Context, cfg Config) error {
	advice := "choose another --listen, port 0 for any"
	if slices.Contains(cfg.Derived, "listen") {
		advice = "choose another --p2p-port, 0 for any"
	}
	for _, a := range cfg.Listen {
		m, err := ma.NewMultiaddr(a)
		if err != nil {
			return usageError{fmt.Errorf("--listen %s: %w", a, err)}
		}
		if err := probeOne(ctx, m, advice); err != nil {
			return err
		}
	}
	return nil
}

func probeOne(ctx context.Context, m ma.Multiaddr, advice string) error {
	network, address, err := manet.DialArgs(m)
	if err != nil {
		return usageError{fmt.Errorf("--listen %s: %w", m, err)}
	}
	var c net.ListenConfig
	switch network {
	case "tcp4", "tcp6":
		var l net.Listener
		if l, err = c.Listen(ctx, network, address); err == nil {
			return l.Close()
		}
	case "udp4", "udp6":
		var p net.PacketConn
		if p, err = c.ListenPacket(ctx, network, address); err == nil {
			return p.Close()
		}
	}
	if isInUse(err) {
		return &inUseError{address: m.String(), advice: advice}
	}
	return nil // the network library says the rest better
}
