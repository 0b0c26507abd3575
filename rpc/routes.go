package rpc

import (
	"net/http"
	"slices"
	"strings"
)

// resource is what one path answers, by method. OPTIONS is answered by itself; HEAD by get, or by head where GET changes state.
type resource struct {
	get, head, post, delete http.HandlerFunc
}

// resources names every path once.
func (s *Server) resources() map[string]resource {
	all := map[string]resource{
		"/mine":             {get: s.guardChange(s.mine), head: headOnly, post: s.guardChange(s.mineMany)},
		"/transactions/new": {post: s.guardChange(s.newTransaction)},
		"/chain":            {get: s.fullChain},
		"/nodes/register":   {post: s.guardChange(s.register)},
		"/nodes/resolve":    {get: s.guardChange(s.resolve), head: headOnly},

		"/mining":        {get: s.mining, post: s.guardChange(s.setMining)},
		"/mining/work":   {get: s.work},
		"/mining/submit": {post: s.guardChange(s.submit)},

		"/node":                 {get: s.node},
		"/peers":                {get: s.peers},
		"/peers/{id}":           {delete: s.guardChange(s.disconnect)},
		"/blocks":               {get: s.blocks},
		"/blocks/{ref}":         {get: s.block},
		"/transactions/pending": {get: s.limitLarge(s.pending)},
		"/transactions/{id}":    {get: s.transaction},
		"/addresses/{address}":  {get: s.limitLarge(s.address)},
		"/forks":                {get: s.forks},
		"/events":               {get: s.events},
		"/healthz":              {get: s.healthz},
		"/readyz":               {get: s.readyz},

		"/":             {get: page("index.html")},
		"/web/page.js":  {get: page("page.js")},
		"/web/live.js":  {get: page("live.js")},
		"/web/page.css": {get: page("page.css")},
		"/web/mark.svg": {get: page("mark.svg")},
		"/favicon.ico":  {get: page("mark.svg")},
	}
	if s.cfg.Metrics != nil {
		all["/metrics"] = resource{get: s.cfg.Metrics.ServeHTTP}
	}
	return all
}

// handler dispatches by method.
func (res resource) handler() http.HandlerFunc {
	if res.head == nil {
		res.head = res.get
	}
	methods := map[string]http.HandlerFunc{}
	for name, h := range map[string]http.HandlerFunc{
		http.MethodGet: res.get, http.MethodHead: res.head, http.MethodPost: res.post, http.MethodDelete: res.delete,
	} {
		if h != nil {
			methods[name] = h
		}
	}
	allow := []string{http.MethodOptions}
	for name := range methods {
		allow = append(allow, name)
	}
	slices.Sort(allow)
	methods[http.MethodOptions] = options(allow)
	refused := &problem{status: http.StatusMethodNotAllowed, title: "method not allowed", detail: "this path does not answer that method",
		hint: "it answers " + strings.Join(allow, ", "), page: pageMethod, allow: allow}
	return func(w http.ResponseWriter, r *http.Request) {
		if h, ok := methods[r.Method]; ok {
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

// headOnly answers HEAD where GET changes state: what GET would answer with, and nothing done.
func headOnly(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = typeJSON
	w.WriteHeader(http.StatusOK)
}
