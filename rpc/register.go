package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"kuai/chain"
	"kuai/p2p/addrpolicy"
)

// Times of registration.
const (
	askTimeout  = 3 * time.Second // for a node to say what it is, within POST /nodes/register
	remindFirst = 5 * time.Second // at most, until a silent node is asked again; doubled each time until another one is registered
	remindLast  = 5 * time.Minute // and at most this
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
	answer(w, http.StatusCreated, object{"message": "New nodes have been added", "total_nodes": s.nodes.addresses()})
}

// readNodes reads {"nodes": […]}, leaving out this node's own multiaddrs and what is named twice.
func (s *Server) readNodes(w http.ResponseWriter, r *http.Request) ([]neighbour, error) {
	o, err := readObject(w, r, `{"nodes": ["http://127.0.0.1:5001"]}`)
	if err != nil {
		return nil, err
	}
	member, _ := o.Get("nodes")
	list, ok := member.([]chain.Value)
	if !ok {
		return nil, noNodes
	}
	if len(list) > maxRegister {
		return nil, badRequest("too many nodes", fmt.Sprintf("One request registers at most %d nodes.", maxRegister), "Send the rest in another one.")
	}
	return s.parseNodes(list)
}

func (s *Server) parseNodes(list []chain.Value) ([]neighbour, error) {
	var nodes []neighbour
	seen := map[string]bool{}
	for i, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, badRequest("no node", fmt.Sprintf("Entry %d of \"nodes\" is no string.", i+1), "No node of the list was registered.")
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

// ask finds out what the URLs are, all at once. This node's own are left out; one that does not answer in time stays unknown.
func (s *Server) ask(ctx context.Context, nodes []neighbour) ([]neighbour, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	own, errs := make([]bool, len(nodes)), make([]error, len(nodes))
	var wg sync.WaitGroup
	for i := range nodes {
		if nodes[i].URL != "" {
			wg.Go(func() { nodes[i], own[i], errs[i] = s.identify(ctx, nodes[i]) })
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

// identify asks a node at a URL what it is, and who. Its error is one that refuses the registration; silence is none.
func (s *Server) identify(ctx context.Context, n neighbour) (said neighbour, own bool, err error) {
	n.Kind = kindUnknown
	info, err := s.out.node(ctx, n.URL)
	switch {
	case errors.Is(err, addrpolicy.ErrRefused):
		return n, false, badRequest("no node", fmt.Sprintf("%s was refused: %v.", n.URL, addrpolicy.ErrRefused), "No node of the list was registered.")
	case err == nil && info.PeerID == s.network.ID():
		return n, true, nil
	case err == nil && info.Network != s.chain.Rules().Network():
		return n, false, badRequest("other network", fmt.Sprintf("%s is of the network %s, this node of %s.", n.URL, printable(info.Network), s.chain.Rules().Network()),
			"No node of the list was registered. Start both with the same --network.")
	case err == nil:
		n.Kind, n.Peer = kindKuai, info.PeerID
	case errors.Is(err, errNoNode) && s.out.isFlask(ctx, n.URL) == nil:
		n.Kind, n.Peer = kindFlask, ""
	}
	return n, false, nil
}

// printable shortens what another node says of itself to something that can be shown.
func printable(text string) string {
	if len(text) > 64 {
		text = text[:64]
	}
	return fmt.Sprintf("%q", text)
}

// join connects kuai nodes and remembers all. Where one is refused, those before it are let go.
func (s *Server) join(nodes []neighbour) error {
	known := map[string]bool{}
	for _, p := range s.network.Peers() {
		known[p.ID] = true
	}
	var fresh []string
	leave := func() {
		for _, name := range fresh {
			_ = s.network.Disconnect(name) // it was never promised
		}
	}
	for _, n := range nodes {
		if n.Kind != kindKuai {
			continue
		}
		if err := s.network.Connect(n.target()); err != nil {
			leave()
			return badRequest("no node", fmt.Sprintf("%s was refused: %v.", n.Address, err), "No node of the list was registered.")
		}
		if id := n.peer(); id != "" && !known[id] {
			fresh = append(fresh, n.name())
		}
	}
	if err := s.nodes.add(nodes); err != nil {
		leave()
		return err
	}
	if slices.ContainsFunc(nodes, isSilent) {
		select {
		case s.silent <- struct{}{}:
		default:
		}
	}
	return nil
}

// isSilent says whether a node did not say yet what it is, or who.
func isSilent(n neighbour) bool { return n.Kind == kindUnknown || n.Kind == kindKuai && n.peer() == "" }

// remind connects the remembered kuai nodes again, and asks those that never answered what they are, for ever.
func (s *Server) remind(ctx context.Context) {
	for _, n := range s.nodes.all() {
		if n.Kind == kindKuai {
			s.connect(n)
		}
	}
	wait := remindFirst
	for soon := time.After(wait); ; {
		select {
		case <-ctx.Done():
			return
		case <-s.silent:
			if wait == remindFirst {
				continue // a question that is so near is not put off
			}
			wait = remindFirst
		case <-soon:
			s.askSilent(ctx)
			wait = min(2*wait, remindLast)
		}
		soon = time.After(wait)
	}
}

func (s *Server) connect(n neighbour) {
	if err := s.network.Connect(n.target()); err != nil {
		s.log.Warn("registered node not connected", "node", n.Address, "err", err)
	}
}

// askSilent asks every node that has not answered yet.
func (s *Server) askSilent(ctx context.Context) {
	var wg sync.WaitGroup
	for _, n := range s.nodes.all() {
		if isSilent(n) {
			wg.Go(func() { s.askOne(ctx, n) })
		}
	}
	wg.Wait()
}

// askOne asks a silent node what it is and remembers what it says.
func (s *Server) askOne(ctx context.Context, n neighbour) kind {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	n, own, err := s.identify(ctx, n)
	switch {
	case err != nil:
		s.log.Debug("registered node refused", "node", n.Address, "err", err)
	case own:
		s.settled(n, "own address", func() error {
			_, err := s.nodes.remove(func(o neighbour) bool { return o.Address == n.Address })
			return err
		})
		return kindUnknown
	case n.Kind != kindUnknown:
		s.settled(n, string(n.Kind), func() error { return s.nodes.settle(n) })
	}
	if n.Kind == kindKuai {
		s.connect(n)
	}
	return n.Kind
}

func (s *Server) settled(n neighbour, what string, save func() error) {
	if err := save(); err != nil {
		s.log.Error("registered nodes not saved", "node", n.Address, "err", err)
		return
	}
	s.log.Info("registered node answers", "node", n.Address, "kind", what)
}
