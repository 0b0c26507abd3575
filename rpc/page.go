package rpc

import (
	"embed"
	"net/http"
	"path"
)

//go:embed web
var web embed.FS

// policyPage lets the page load what this node serves, and nothing from elsewhere or inline.
var policyPage = []string{"default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}

// pageTypes are the page's own: a system's table may say anything.
var pageTypes = map[string][]string{
	".html": typeHTML,
	".css":  {"text/css; charset=utf-8"},
	".js":   {"text/javascript; charset=utf-8"},
	".svg":  {"image/svg+xml"},
}

// page serves one file of the embedded page.
func page(name string) http.HandlerFunc {
	body, err := web.ReadFile("web/" + name)
	if err != nil {
		panic("rpc: the page is built into the program, but lacks " + name)
	}
	contentType := pageTypes[path.Ext(name)]
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Security-Policy"] = policyPage
		h["Referrer-Policy"] = sameOrigin
		h["Cache-Control"] = []string{"no-cache"}
		send(w, http.StatusOK, contentType, body)
	}
}
