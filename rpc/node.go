package rpc

import (
	"net/http"
	"time"
)

// node is GET /node: who this is and how to reach it. Other nodes ask it to connect by URL.
func (s *Server) node(w http.ResponseWriter, _ *http.Request) {
	tip, rules := s.chain.Tip(), s.chain.Rules()
	status, mining := s.network.SyncStatus(), s.miner.Status()
	count, size := s.chain.PoolSize()
	peers, _ := s.heights()
	answer(w, http.StatusOK, object{
		"addresses": append([]string{}, s.network.Addresses()...), "agent": s.cfg.Agent, "genesis": rules.Genesis.Hash(), "height": tip.Index,
		"mining":  object{"mode": mining.Mode, "rate": mining.Rate, "searching": mining.Searching},
		"network": rules.Network(), "peer_id": s.network.ID(), "peers": peers,
		"pool": object{"bytes": size, "transactions": count},
		"sync": object{"active": status.Active, "height": status.Height, "peer": status.Peer, "target": status.Target},
		"tip":  tip.Hash, "version": s.cfg.Version,
	})
}

// peers is GET /peers: connected and remembered peers, and the nodes that were registered.
func (s *Server) peers(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, 100, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all := s.network.Peers()
	list := []object{}
	for _, p := range cut(all, from, limit) {
		list = append(list, peerJSON(p))
	}
	nodes, connected := []object{}, s.connectedPeers()
	for _, n := range s.nodes.all() {
		nodes = append(nodes, s.nodeJSON(n, connected[n.peer()]))
	}
	answer(w, http.StatusOK, object{"count": len(all), "nodes": nodes, "peers": list})
}

func peerJSON(p Peer) object {
	o := object{
		"address": p.Address, "agent": p.Agent, "connected": p.Connected, "direction": p.Direction, "height": p.Height, "id": p.ID,
		"latency_ms": nil, "score": p.Score, "static": p.Static, "tip": nil,
	}
	if p.Latency > 0 {
		o["latency_ms"] = float64(p.Latency.Round(time.Microsecond)) / float64(time.Millisecond)
	}
	if p.Height > 0 {
		o["tip"] = p.Tip
	}
	if p.LastError != "" {
		o["last_error"] = p.LastError
	}
	if !p.NextDial.IsZero() {
		o["next_dial"] = p.NextDial.UTC().Format(time.RFC3339)
	}
	return o
}

// nodeJSON is a registered node: what it was when it answered last, and what it answers now.
func (s *Server) nodeJSON(n neighbour, connected bool) object {
	o := object{"address": n.Address, "kind": string(n.Kind), "peer_id": n.peer(), "state": "not connected", "url": n.URL}
	connected = connected && n.Kind == kindKuai
	f, next, asked := s.prober.look(n.URL)
	switch {
	case connected:
		o["state"] = "connected"
	case n.URL != "" && !asked:
		o["state"] = "not asked yet"
	case n.URL != "":
		o["state"], o["next_ask"] = s.describe(f), next.UTC().Format(time.RFC3339)
	}
	if f.kind == kindKuai && n.Kind == kindKuai && !connected {
		o["state"] = "a kuai node answers, but is not connected: its chain is read on resolve"
	}
	if f.status > 0 {
		o["status"] = f.status
	}
	return o
}

// disconnect is DELETE /peers/{id}: by peer id, or by the address or URL of a registered node.
func (s *Server) disconnect(w http.ResponseWriter, r *http.Request) {
	found, err := s.forget(r.PathValue("id"))
	if err == nil && !found {
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
	answer(w, http.StatusOK, object{"status": "ok"})
}

// readyz is GET /readyz: 200 if this node has the chain of its peers as far as it can know. It is 503 while a sync is catching up,
// while none of its connected peers has told its height, and once the disk has failed.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	status, height := s.network.SyncStatus(), s.chain.Tip().Index
	peers, told := s.heights()
	body := object{"height": height, "peers": peers, "ready": true, "target": max(height, status.Target)}
	code := http.StatusOK
	if err := s.chain.Err(); err != nil {
		code, body["ready"], body["error"] = http.StatusServiceUnavailable, false, err.Error()
	} else if status.Active && status.Target > height || peers > 0 && told == 0 {
		code, body["ready"] = http.StatusServiceUnavailable, false
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
