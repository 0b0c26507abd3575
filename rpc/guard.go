package rpc

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// Headers that every answer has. The policies keep what a browser shows from loading or running anything else.
var (
	noSniff       = []string{"nosniff"}
	noStore       = []string{"no-store"}
	sameOrigin    = []string{"same-origin"}
	policyNothing = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// guard stands before every path: who is called (DNS rebinding), how long a body may be, and what browsers may do with the answer.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		h["Cross-Origin-Resource-Policy"] = sameOrigin
		h["Cache-Control"] = noStore
		if !s.servesHost(r.Host) {
			s.refuse(w, r, &problem{status: http.StatusForbidden, title: "host refused",
				detail: "This node does not answer to the host name of this request.",
				hint:   "Use its IP address or localhost, or start it with --allow-host NAME."})
			return
		}
		if r.ContentLength > MaxBodyBytes { // no row allows less
			if limit := s.bodyLimit(r); r.ContentLength > limit {
				s.fail(w, r, &http.MaxBytesError{Limit: limit})
				return
			}
		}
		watchBody(r)
		defer s.recoverPanic(r)
		next.ServeHTTP(w, r)
	})
}

// recoverPanic logs a handler's panic as ours and cuts the connection, so that no half answer looks whole.
func (s *Server) recoverPanic(r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler { //nolint:errorlint // the panic value itself
		s.log.Error("handler panicked", "method", r.Method, "path", r.URL.Path, "panic", v)
	}
	panic(http.ErrAbortHandler)
}

// guardChange stands before what changes state: no other site's page, no prefetch, and the token if one is set and needed.
func (s *Server) guardChange(needsToken bool, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.isForeign(r):
			s.refuse(w, r, &problem{status: http.StatusForbidden, title: "cross-site request refused",
				detail: "A page of another site asked for a change of this node.", hint: "Open the address yourself, or use curl."})
		case isPrefetch(r):
			s.refuse(w, r, &problem{status: http.StatusForbidden, title: "prefetch refused",
				detail: "A browser asked ahead of its user for a change of this node.", hint: "Open the address."})
		case needsToken && !s.holdsToken(r):
			s.askForToken(w, r)
		default:
			next(w, r)
		}
	}
}

// isForeign reports whether a browser sent r for a page of another origin, which isn't one of Config.Origins. curl, Postman and Python
// send none of the headers that tell. http.CrossOriginProtection lets every GET pass and doesn't know Referer, which some browsers
// send alone.
func (s *Server) isForeign(r *http.Request) bool {
	if len(r.Header["Sec-Fetch-Site"]) == 0 && len(r.Header["Origin"]) == 0 && len(r.Header["Referer"]) == 0 {
		return false
	}
	change := &http.Request{Method: http.MethodPost, URL: r.URL, Host: r.Host, Header: r.Header}
	if from := r.Header.Get("Referer"); from != "" && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		change.Header = http.Header{"Origin": {from}}
	}
	return s.crossOrigin.Check(change) != nil
}

func isPrefetch(r *http.Request) bool {
	for _, key := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		v := strings.ToLower(r.Header.Get(key))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// authenticate stands before every path if reading needs the token, too.
func (s *Server) authenticate(next http.Handler) http.Handler {
	if s.cfg.TokenFor != TokenForAll {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.holdsToken(r) {
			s.askForToken(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) askForToken(w http.ResponseWriter, r *http.Request) {
	p := &problem{status: http.StatusUnauthorized, title: "token missing or wrong",
		detail: "Changing this node needs its token.", hint: "Send the header Authorization: Bearer <token>."}
	w.Header().Set("WWW-Authenticate", "Bearer")
	if s.cfg.TokenFor == TokenForAll {
		p.detail = "This node answers its own user only."
		p.hint = "The verbs of kuai find its token by themselves; others send it as Authorization: Bearer <token>, a browser as the password of any user."
		w.Header().Add("WWW-Authenticate", `Basic realm="kuai", charset="UTF-8"`)
	}
	s.refuse(w, r, p)
}

func (s *Server) holdsToken(r *http.Request) bool {
	if s.cfg.Token == "" {
		return true
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ") // RFC 9110 §11: a scheme of any case, then spaces
	if _, password, ok := r.BasicAuth(); ok && s.cfg.TokenFor == TokenForAll {
		scheme, given = "Bearer", password
	}
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.Trim(given, " ")), []byte(s.cfg.Token)) == 1
}
