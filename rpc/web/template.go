package web

import (
	"html"
	"strings"
)

// part is a part of a page: text, or a mark. {{name}} is a value, {{if name}}…{{else}}…{{end}} one of two texts, and
// {{each name}}…{{else}}…{{end}} a text for each item, or another if there are none.
//
// The packages text/template and html/template call methods by their names. A program that has them keeps every exported method of
// every type, as any could be meant: 8 MB of 56 on disk, and 5 MB of a node's resident memory.
type part struct {
	text  string
	name  string
	parts []part // of a condition that holds, or of an item
	other []part // after {{else}}
}

// values are what the marks of a page stand for, by name: strings, which are escaped, script, conditions and lists of items.
type values map[string]any

// script is JSON in which nothing ends an element.
type script string

// parse reads parts up to {{else}} or {{end}}, or all; rest is what follows that mark.
func parse(source string) (parts []part, mark, rest string) {
	for {
		text, after, found := strings.Cut(source, "{{")
		parts = append(parts, part{text: text})
		if !found {
			return parts, "", ""
		}
		mark, source, _ = strings.Cut(after, "}}")
		if mark == "else" || mark == "end" {
			return parts, mark, source
		}
		_, name, more := strings.Cut(mark, " ")
		if !more {
			parts = append(parts, part{name: mark})
			continue
		}
		p := part{name: name}
		if p.parts, mark, source = parse(source); mark == "else" {
			p.other, _, source = parse(source)
		}
		parts = append(parts, p)
	}
}

// fill appends the parts, with the values in them.
func fill(b *strings.Builder, parts []part, v values) {
	for _, p := range parts {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		switch value := v[p.name].(type) {
		case string:
			b.WriteString(html.EscapeString(value))
		case script:
			b.WriteString(string(value))
		case bool:
			if value {
				fill(b, p.parts, v)
			} else {
				fill(b, p.other, v)
			}
		case []values:
			for _, item := range value {
				fill(b, p.parts, item)
			}
			if len(value) == 0 {
				fill(b, p.other, v)
			}
		default:
			panic("web: the page has no value " + p.name)
		}
	}
}
