package rpc

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kuai/rpc/api"
)

// handlers are what answers the operations of the API, by their ids. One that is nil isn't served by this node.
type handlers map[string]http.HandlerFunc

// handlers names the handler of each row of api.Operations.
func (s *Server) handlers() handlers {
	var metrics http.HandlerFunc
	if s.cfg.Metrics != nil {
		metrics = s.cfg.Metrics.ServeHTTP
	}
	var logLevel, setLogLevel http.HandlerFunc
	if s.cfg.LogLevel != nil {
		logLevel, setLogLevel = s.logLevel, s.setLogLevel
	}
	return handlers{
		"mineBlock":      s.mine,
		"mineBlocks":     s.mineMany,
		"newTransaction": s.newTransaction,
		"getChain":       s.fullChain,
		"registerNodes":  s.register,
		"resolveChain":   s.resolve,

		"getPending":     s.limitLarge(s.pending),
		"getBlocks":      s.blocks,
		"addBlocks":      s.addBlocks,
		"getBlock":       s.block,
		"getTransaction": s.transaction,
		"getAddress":     s.limitLarge(s.address),
		"getForks":       s.limitLarge(s.forks),

		"getNode":        s.node,
		"getInvite":      s.invite(),
		"getPeers":       s.peers,
		"disconnectPeer": s.disconnect,
		"getEvents":      s.events,

		"getMining":   s.mining,
		"setMining":   s.setMining,
		"getWork":     s.work,
		"submitProof": s.submit,

		"getHeaders":   s.secureOnly(s.limitLarge(s.headers)),
		"getProof":     s.secureOnly(s.transactionProof),
		"getWallets":   s.keysOnly(s.unlocked),
		"unlockWallet": s.keysOnly(s.unlock),
		"lockWallet":   s.keysOnly(s.lock),

		"getLab":       s.labOnly(s.lab),
		"setSwitches":  s.labOnly(s.setSwitches),
		"splitNetwork": s.labOnly(s.splitNetwork),
		"healNetwork":  s.labOnly(s.healNetwork),
		"playLesson":   s.labOnly(s.playLesson),

		"getHealth":    s.healthz,
		"getReadiness": s.readyz,
		"getMetrics":   metrics,
		"getLogLevel":  logLevel,
		"setLogLevel":  setLogLevel,
		"getOpenAPI":   file(typeJSON, api.OpenAPI),
		"getPostman":   file(typeJSON, api.Postman),

		"getPage":     s.page,
		"getPagePart": part,
		"getIcon":     icon,
	}
}

// resource is what one path answers, by method. HEAD and OPTIONS are answered by themselves.
type resource map[string]http.HandlerFunc

// resources binds operations to their handlers. What isn't known to read only gets the guard, whatever its handler does.
func (s *Server) resources(ops []api.Operation, bound handlers) map[string]resource {
	all := map[string]resource{}
	for _, op := range ops {
		handle, ok := bound[op.ID]
		if !ok {
			panic(fmt.Sprintf("rpc: operation %s has no handler", op.ID))
		}
		if handle == nil {
			continue
		}
		if op.Guarded() {
			handle = s.guardChange(!op.Signed || !s.chain.Rules().IsSecure(), handle)
		}
		handle = named(op, handle)
		if all[op.Path] == nil {
			all[op.Path] = resource{}
		}
		all[op.Path].add(op, handle)
	}
	return all
}

// add answers op's method with handle. HEAD is as GET, or does nothing if GET changes state.
func (res resource) add(op api.Operation, handle http.HandlerFunc) {
	res[op.Method] = handle
	switch {
	case op.Method != http.MethodGet:
	case op.Guarded():
		res[http.MethodHead] = named(op, headOnly)
	default:
		res[http.MethodHead] = handle
	}
}

// handler dispatches by method.
func (res resource) handler() http.HandlerFunc {
	allow := []string{http.MethodOptions}
	for name := range res {
		allow = append(allow, name)
	}
	slices.Sort(allow)
	res[http.MethodOptions] = options(allow)
	refused := &problem{status: http.StatusMethodNotAllowed, title: "method not allowed", detail: "This path does not answer that method.",
		hint: "It answers " + strings.Join(allow, ", ") + ".", page: pageMethod, allow: allow}
	return func(w http.ResponseWriter, r *http.Request) {
		if h, ok := res[r.Method]; ok {
			h(w, r)
			return
		}
		refuse(w, r, refused)
	}
}

func options(allow []string) http.HandlerFunc {
	line := []string{strings.Join(allow, ", ")}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Allow"] = line
		send(w, http.StatusOK, typeHTML, nil)
	}
}

// headOnly answers HEAD if GET changes state: what GET would answer with, and nothing done.
func headOnly(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = typeJSON
	w.WriteHeader(http.StatusOK)
}

// file answers with a document that is built into the program.
func file(contentType []string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusOK, contentType, body) }
}
