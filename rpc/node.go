package rpc

import (
	"errors"
	"net/http"
	"time"

	"kuai/chain"
	"kuai/rpc/api"
)

// node is GET /node: who this is and how to reach it. Other nodes ask it to connect by URL.
func (s *Server) node(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.nodeInfo())
}

func (s *Server) nodeInfo() api.Node {
	now := s.chain.State()
	status, mining := s.network.SyncStatus(), s.miner.Status()
	peers, _ := s.heights()
	return api.Node{
		Addresses: s.network.Addresses(), Agent: s.cfg.Agent, Dialable: dialable(s.network.Reach()), Genesis: s.genesis, Height: now.Tip.Index,
		Mining: api.NodeMining{Mode: mining.Mode, Rate: mining.Rate, Searching: mining.Searching},
		Name:   s.cfg.Name, Network: s.networkID, NetworkName: s.chain.Rules().Name, Pace: s.pace(now.Tip), PeerID: s.network.ID(), Peers: peers,
		Pool: api.NodePool{Bytes: now.PendingBytes, Transactions: now.Pending}, Profile: string(s.chain.Rules().Profile),
		Rewards: s.cfg.Rewards,
		Target:  s.chain.Rules().TargetAfter(now.Tip).String(),
		Split:   s.split(),
		Sync:    api.NodeSync{Active: status.Active, Height: status.Height, Peer: status.Peer, Rate: status.Rate, Target: status.Target},
		Tip:     now.Tip.Hash.String(), Version: s.cfg.Version,
	}
}

// split tells on which side of a split network this node is, nil if on none.
func (s *Server) split() *api.NodeSplit {
	if s.cfg.Lab == nil {
		return nil
	}
	now := s.cfg.Lab.Sides()
	if now.Side == 0 {
		return nil
	}
	return &api.NodeSplit{Side: now.Side, Teacher: now.Teacher, Until: now.Until}
}

// dialable tells whether the node can be dialled from outside, nil if it does not find out.
func dialable(r Reach) *api.Dialable {
	d := &api.Dialable{State: "unknown"}
	switch {
	case !r.Asked:
		return nil
	case r.Known:
		*d = api.Dialable{Address: r.Address, At: r.At, By: r.Witness, ByName: r.Name, State: "no"}
		if r.Reached {
			d.State = "yes"
		}
	case !r.Public:
		d.State = "no"
	}
	return d
}

// peers is GET /peers: all peers, and the nodes that were registered among them.
func (s *Server) peers(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, 100, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.network.RefreshPeerLists()
	w.Header().Add("Vary", "Accept-Language")
	answer(w, http.StatusOK, s.peersInfo(from, limit, s.languageFor(r)))
}

// peersInfo lists peers, what is said of them put into a language by say, if that is not nil.
func (s *Server) peersInfo(from, limit int64, say func(string) string) api.Peers {
	if say == nil {
		say = func(text string) string { return text }
	}
	all := s.network.Peers()
	list := []api.Peer{}
	for _, p := range cut(all, from, limit) {
		p.State, p.Reason, p.LastError = say(p.State), say(p.Reason), say(p.LastError)
		list = append(list, peerInfo(p))
	}
	nodes := []api.RegisteredNode{}
	for _, n := range s.network.Registered() {
		nodes = append(nodes, api.RegisteredNode{
			Address: n.Address, Kind: n.Kind, NextAsk: n.Next, PeerID: n.PeerID, State: say(n.State), Reason: say(n.Reason), Status: n.Status, URL: n.URL,
		})
	}
	return api.Peers{Count: len(all), Nodes: nodes, Peers: list}
}

// peerNames is what the connected peers call themselves, by their ids. Those without a name are left out.
func peerNames(peers []Peer) map[string]string {
	names := map[string]string{}
	for _, p := range peers {
		if p.Connected && p.Name != "" {
			names[p.ID] = p.Name
		}
	}
	return names
}

func peerInfo(p Peer) api.Peer {
	info := api.Peer{
		Address: p.Address, Agent: p.Agent, Connected: p.Connected, Direction: p.Direction, Height: p.Height, ID: p.ID, Knows: p.Knows, Name: p.Name,
		ClockAhead: int64(p.ClockAhead / time.Second), LastError: p.LastError, NextDial: p.NextDial, Reason: p.Reason, Score: p.Score, State: p.State, Static: p.Static,
	}
	if p.Latency > 0 {
		info.LatencyMS = new(float64(p.Latency.Round(time.Microsecond)) / float64(time.Millisecond))
	}
	if p.Height > 0 {
		info.Tip = new(p.Tip.String())
	}
	return info
}

// disconnect is DELETE /peers/{id}: by peer id, or by the address or URL of a registered node.
func (s *Server) disconnect(w http.ResponseWriter, r *http.Request) {
	err := s.network.Disconnect(r.PathValue("id"))
	if errors.Is(err, chain.ErrNotFound) {
		err = notFound("There is no peer or registered node of that name.", "GET /peers lists them.")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// healthz is GET /healthz: the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, api.Health{Status: "ok"})
}

// readyz is GET /readyz: 200 if this node has the chain of its peers as far as it can know. It is 503 while a sync is catching up,
// while none of its connected peers has told its height, and once the disk has failed.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	status, height := s.network.SyncStatus(), s.chain.Tip().Index
	peers, told := s.heights()
	body := api.Readiness{Height: height, Peers: peers, Ready: true, Target: max(height, status.Target)}
	code := http.StatusOK
	if err := s.chain.Err(); err != nil {
		code, body.Ready, body.Error = http.StatusServiceUnavailable, false, err.Error()
	} else if status.Active && status.Target > height || peers > 0 && told == 0 {
		code, body.Ready = http.StatusServiceUnavailable, false
		w.Header()["Retry-After"] = []string{"1"}
	}
	answer(w, code, body)
}

// heights counts the connected peers, and those of them that have told their height.
func (s *Server) heights() (connected, told int) {
	for _, p := range s.network.Peers() {
		if p.Connected {
			connected++
			if p.Height > 0 {
				told++
			}
		}
	}
	return connected, told
}
