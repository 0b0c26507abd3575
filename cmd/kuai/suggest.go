package main

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// nextTries bounds the search for a port to suggest.
const nextTries = 100

// nextPort is the HTTP port to suggest for another node on this machine: the next one that is free, with a free one for its
// peers. 0 (any) stays.
func nextPort(cfg Config, free func(port int) bool) int {
	if cfg.Port == 0 {
		return 0
	}
	own := cfg.ownPorts()
	usable := func(port int) bool { return !slices.Contains(own, port) && free(port) }
	for i := range nextTries {
		port := (cfg.Port+i)%(maxPort-p2pOffset) + 1
		if usable(port) && usable(port+p2pOffset) {
			return port
		}
	}
	return 0
}

// ownPorts are the ports that this node listens on.
func (c *Config) ownPorts() []int {
	ports := []int{c.Port, c.P2PPort}
	for _, a := range c.Listen {
		for word := range strings.SplitSeq(a, "/") {
			if port, err := strconv.Atoi(word); err == nil {
				ports = append(ports, port)
			}
		}
	}
	return ports
}

// isFree reports whether nobody listens on a port of this machine.
func isFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(port))) //nolint:noctx // a bind does not wait
	if err != nil {
		return false
	}
	l.Close()
	return true
}
