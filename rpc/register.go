package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"kuai/chain/canonical"
	"kuai/rpc/api"
)

// register is POST /nodes/register: all of the list, or nothing.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	nodes, err := s.readNodes(w, r)
	if err == nil {
		nodes, err = s.ask(r.Context(), nodes)
	}
	if err == nil {
		err = s.join(nodes)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusCreated, api.Registered{Message: "New nodes have been added", Nodes: s.nodes.addresses()})
}

// readNodes reads {"nodes": […]}, leaving out this node's own multiaddrs and what is named twice.
func (s *Server) readNodes(w http.ResponseWriter, r *http.Request) ([]neighbour, error) {
	o, err := readObject(w, r, `{"nodes": ["http://127.0.0.1:5001"]}`)
	if err != nil {
		return nil, err
	}
	member, _ := o.Get("nodes")
	list, ok := member.([]canonical.Value)
	if !ok {
		return nil, noNodes
	}
	if len(list) > maxRegister {
		return nil, badRequest("too many nodes", fmt.Sprintf("One request registers at most %d nodes.", maxRegister), "Send the rest in another one.")
	}
	return s.parseNodes(list)
}

func (s *Server) parseNodes(list []canonical.Value) ([]neighbour, error) {
	var nodes []neighbour
	seen := map[string]bool{}
	for i, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, badRequest("no node", fmt.Sprintf("Entry %d of \"nodes\" is not a string.", i+1), "No node of the list was registered.")
		}
		n, err := parseNode(text)
		if err != nil {
			return nil, badRequest("no node", fmt.Sprintf("Entry %d of \"nodes\" was refused: %v.", i+1, err), "No node of the list was registered.")
		}
		if key := strings.ToLower(n.Address); !seen[key] && (n.URL != "" || peerOf(n.Address) != s.network.ID()) {
			seen[key] = true
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

// ask finds out what the URLs are, all at once. This node's own are left out; one that does not answer in time is kept.
func (s *Server) ask(ctx context.Context, nodes []neighbour) ([]neighbour, error) {
	own, errs := make([]bool, len(nodes)), make([]error, len(nodes))
	var wg sync.WaitGroup
	for i := range nodes {
		if nodes[i].URL != "" {
			wg.Go(func() { nodes[i], own[i], errs[i] = s.introduce(ctx, nodes[i]) })
		}
	}
	wg.Wait()
	var others []neighbour
	for i, n := range nodes {
		if !own[i] {
			others = append(others, n)
		}
	}
	return others, errors.Join(errs...)
}

// introduce asks the node at a URL that a client names. Its error refuses the registration; silence does not.
func (s *Server) introduce(ctx context.Context, n neighbour) (said neighbour, own bool, err error) {
	if held, found := s.nodes.get(n.Address); found {
		n.Kind, n.Peer, n.Former = held.Kind, held.Peer, held.Former
	}
	s.prober.renew(n.URL)
	f := s.prober.ask(ctx, n.URL)
	if ctx.Err() != nil {
		return n, false, ctx.Err()
	}
	said, own, err = s.judge(n, f)
	if err != nil {
		return n, false, badRequest("no node", fmt.Sprintf("%s was refused: %v.", n.URL, err), "No node of the list was registered.")
	}
	if own {
		s.connect(n) // another node may have a copy of this one's identity: the network tells them apart
	}
	return said, own, nil
}

// join connects kuai nodes and remembers all. If one is refused, those before it are released.
func (s *Server) join(nodes []neighbour) error {
	known := s.knownPeers()
	var fresh []string
	leave := func() {
		for _, name := range fresh {
			_ = s.network.Disconnect(name) // it was never promised
		}
	}
	var moved []neighbour
	for _, n := range nodes {
		held, found := s.nodes.get(n.Address)
		if found && held.URL != n.URL {
			moved = append(moved, held)
		}
		if n.Kind != kindKuai {
			continue
		}
		if err := s.network.Connect(n.target()); err != nil {
			leave()
			return badRequest("no node", fmt.Sprintf("%s was refused: %v.", n.Address, err), "No node of the list was registered.")
		}
		if isNew := n.URL != "" && (held.URL != n.URL || held.Kind != kindKuai); isNew || n.URL == "" && !known[n.peer()] {
			fresh = append(fresh, n.name())
		}
	}
	if err := s.nodes.add(nodes); err != nil {
		leave()
		return err
	}
	for _, n := range moved {
		s.release(n)
	}
	for _, n := range nodes {
		if n.URL != "" {
			f, _, _ := s.prober.look(n.URL)
			s.tell(n, f)
		}
	}
	return nil
}

// knownPeers are the ids of connected and remembered peers.
func (s *Server) knownPeers() map[string]bool {
	ids := map[string]bool{}
	for _, p := range s.network.Peers() {
		ids[p.ID] = true
	}
	return ids
}
