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
	under map[string]parameter        // by all but the parameter and what follows it, "/blocks/"
	below map[string]parameter        // by what follows the parameter, "/proof"; each has one prefix
}

// parameter is the last segment of a path, or the one before a fixed last segment.
type parameter struct {
	name   string
	prefix string
	handle http.HandlerFunc
}

// newRouter reads patterns: fixed paths, and paths that end in a {parameter}.
func newRouter(resources map[string]resource) router {
	rt := router{fixed: map[string]http.HandlerFunc{}, under: map[string]parameter{}, below: map[string]parameter{}}
	for pattern, res := range resources {
		prefix, rest, ok := strings.Cut(pattern, "{")
		name, suffix, _ := strings.Cut(rest, "}")
		switch {
		case !ok:
			rt.fixed[pattern] = res.handler()
		case suffix != "":
			rt.below[suffix] = parameter{name, prefix, res.handler()}
		default:
			rt.under[prefix] = parameter{name, prefix, res.handler()}
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
	p, value, ok := rt.find(path)
	if !ok {
		refuse(w, r, noSuchPath)
		return
	}
	r.SetPathValue(p.name, value)
	p.handle(w, r)
}

// find returns the handler of a path with a parameter, and the parameter's value.
func (rt router) find(path string) (p parameter, value string, ok bool) {
	last := strings.LastIndexByte(path, '/')
	if p, ok = rt.below[path[max(last, 0):]]; ok {
		if before, v, found := cutSegment(path[:last]); found && before == p.prefix {
			return p, v, true
		}
	}
	before, value, found := cutSegment(path)
	p, ok = rt.under[before]
	return p, value, ok && found
}

// cutSegment cuts off the last segment of an escaped path, and decodes both parts.
func cutSegment(path string) (before, value string, ok bool) {
	last := strings.LastIndexByte(path, '/') + 1
	before, beforeErr := url.PathUnescape(path[:last])
	value, valueErr := url.PathUnescape(path[last:])
	return mergeSlashes(before), value, value != "" && beforeErr == nil && valueErr == nil
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
