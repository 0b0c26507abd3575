package rpc

import (
	"net"
	"net/http"

	"kuai/rpc/api"
)

// invite is GET /invite, nil if the node has no invitation. The code lets everybody who has it into the network: without a token it is given to
// this machine only.
func (s *Server) invite() http.HandlerFunc {
	if s.cfg.Invite == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.Token == "" && !isLocal(r) {
			s.refuse(w, r, &problem{status: http.StatusForbidden, title: "invitation refused",
				detail: "Without a token this node gives its invitation to its own machine only.",
				hint:   "Ask on that machine, or start the node with --api-token-file."})
			return
		}
		i, err := s.cfg.Invite()
		if err != nil {
			s.fail(w, r, err)
			return
		}
		answer(w, http.StatusOK, i)
	}
}

// isLocal reports whether a request comes from this machine.
func isLocal(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && net.ParseIP(host).IsLoopback()
}

// Invitation makes the invitation of a node, as it is now.
type Invitation func() (api.Invite, error)
