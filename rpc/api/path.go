package api

import (
	"net/url"
	"strings"
)

// Path returns the path of the operation with that ID, its {name}s replaced by values in their order. It panics if there is no such
// row, or where values are missing or left: callers name rows and values in their own source.
func Path(id string, values ...string) string {
	for _, o := range Operations {
		if o.ID == id {
			return o.path(values)
		}
	}
	panic("api: no operation is called " + id)
}

func (o Operation) path(values []string) string {
	segments := strings.Split(o.Path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i], values = segment(values[0]), values[1:]
		}
	}
	if len(values) > 0 {
		panic("api: " + o.ID + " has no place for " + values[0])
	}
	return strings.Join(segments, "/")
}

// segment writes text as one segment of a path: with no slashes, and never . or .., which proxies take for a way up.
func segment(text string) string { return strings.ReplaceAll(url.PathEscape(text), ".", "%2E") }
