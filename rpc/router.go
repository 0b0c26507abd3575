package rpc

import (
	"net/http"
	"net/url"
	"strings"
)

// router finds the handler of a path. Doubled slashes count as one, as a client's base URL may end in one, and
// nothing is ever redirected: a redirect loses a POST's body. As in Flask, /mine/ is not /mine, and %-escapes of a
// fixed path are decoded first. The last segment of a path with a parameter is decoded after it was cut off, so
// that a name may have slashes, as %2F.
type router struct {
	fixed map[string]http.HandlerFunc // by the decoded path
	under map[string]parameter        // by all but the last segment, "/blocks/"
}

// parameter is the last segment of a path.
type parameter struct {
	name   string
	handle http.HandlerFunc
}

// newRouter reads patterns: fixed paths, and paths that end in a {parameter}.
func newRouter(resources map[string]resource) router {
	rt := router{fixed: map[string]http.HandlerFunc{}, under: map[string]parameter{}}
	for pattern, res := range resources {
		if prefix, name, ok := strings.Cut(pattern, "{"); ok {
			rt.under[prefix] = parameter{strings.TrimSuffix(name, "}"), res.handler()}
		} else {
			rt.fixed[pattern] = res.handler()
		}
	}
	return rt
}

// ServeHTTP answers with the path's handler, or as Flask does if there is none.
func (rt router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handle, ok := rt.fixed[mergeSlashes(r.URL.Path)]; ok {
		handle(w, r)
		return
	}
	path := mergeSlashes(r.URL.EscapedPath())
	last := strings.LastIndexByte(path, '/') + 1
	prefix, prefixErr := url.PathUnescape(path[:last])
	value, valueErr := url.PathUnescape(path[last:])
	p, ok := rt.under[mergeSlashes(prefix)]
	if !ok || value == "" || prefixErr != nil || valueErr != nil {
		refuse(w, r, noSuchPath)
		return
	}
	r.SetPathValue(p.name, value)
	p.handle(w, r)
}

// mergeSlashes writes each run of slashes as one.
func mergeSlashes(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	merged := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			merged = append(merged, path[i])
		}
	}
	return string(merged)
}
