package rpc

import (
	"errors"
	"slices"
	"strings"

	"kuai/chain"
)

// forget removes the registrations that name refers to, then disconnects the peers that it refers to, and those that only
// these registrations led to. It reports whether there was any.
func (s *Server) forget(name string) (found bool, err error) {
	at, err := parseNode(name)
	if err != nil {
		at = neighbour{Address: name} // a peer id
	}
	gone, err := s.nodes.remove(s.named(name, at.Address))
	if err != nil {
		return false, err
	}
	found, left := len(gone) > 0, s.nodes.all()
	var names []string
	for _, n := range gone {
		if n.URL != "" {
			names = append(names, n.URL) // the network may try it, also if it has not said who it is
			s.prober.forget(n.URL)
		} else if !leadsTo(left, n.peer()) {
			names = append(names, n.peer())
		}
	}
	for _, p := range s.network.Peers() {
		if p.ID == "" && (p.Address == name || p.Address == at.URL) { // a URL of --peer that has not said who it is
			found = true
			names = append(names, p.Address)
		}
		if p.ID != "" && (p.ID == name || leadsTo(gone, p.ID) && !leadsTo(left, p.ID)) {
			found = true
			names = append(names, p.ID)
		}
	}
	for _, name := range names {
		if err := s.network.Disconnect(name); err != nil && !errors.Is(err, chain.ErrNotFound) { // it may have left by itself
			return true, err
		}
	}
	return found, nil
}

// named returns a function that reports whether name refers to a registration: by its address or URL, by its peer's id, by
// by the id that its URL answered last, or, if it is none of those, by one that its URL had before.
func (s *Server) named(name, address string) func(neighbour) bool {
	now := func(n neighbour) bool {
		f, _, _ := s.prober.look(n.URL)
		return strings.EqualFold(n.Address, address) || name != "" && (n.peer() == name || f.node.PeerID == name)
	}
	if slices.ContainsFunc(s.nodes.all(), now) {
		return now
	}
	return func(n neighbour) bool { return slices.Contains(n.Former, name) }
}

func leadsTo(nodes []neighbour, id string) bool {
	return slices.ContainsFunc(nodes, func(n neighbour) bool { return n.peer() == id })
}
