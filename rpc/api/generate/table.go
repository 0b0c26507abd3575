package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"kuai/rpc/api"
)

// The table in docs/API.md is between these lines.
const (
	tableBegin = "<!-- The table is generated from rpc/api/operations.go: go generate ./rpc/api -->\n"
	tableEnd   = "<!-- end of the generated table -->\n"
)

// insertTable replaces what is between the markers of a page.
func insertTable(page []byte, ops []api.Operation) ([]byte, error) {
	before, rest, begins := bytes.Cut(page, []byte(tableBegin))
	_, after, ends := bytes.Cut(rest, []byte(tableEnd))
	if !begins || !ends {
		return nil, errors.New("docs/API.md lacks the markers of the table of operations")
	}
	return bytes.Join([][]byte{before, []byte(tableBegin), table(ops), []byte(tableEnd), after}, nil), nil
}

// table lists the operations by group.
func table(ops []api.Operation) []byte {
	var b bytes.Buffer
	for _, g := range api.Groups {
		fmt.Fprintf(&b, "\n**%s**: %s\n\n| operation | what it does | answers | errors |\n|---|---|---|---|\n", g.Name, g.Description)
		for _, op := range ops {
			if op.Group == g.Name {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", operationText(op), op.Summary, answersText(op), statusesText(api.ErrorsOf(op)))
			}
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// operationText is the path with its parameters and body, and what kind of operation it is.
func operationText(op api.Operation) string {
	text := "`" + op.Method + " " + op.Path + queryText(op.Params) + "`"
	if op.Request != nil {
		text += " `" + keys(reflect.TypeOf(op.Request)) + "`"
	}
	switch {
	case op.Effect == api.Reveals:
		text += " *reveals*"
	case op.Guarded():
		text += " *changes*"
	}
	if op.Long {
		text += " *long*"
	}
	return text
}

func queryText(params any) string {
	if params == nil {
		return ""
	}
	var names []string
	for t, i := reflect.TypeOf(params), 0; i < t.NumField(); i++ {
		if name := t.Field(i).Tag.Get("query"); name != "" {
			names = append(names, name+"=")
		}
	}
	if names == nil {
		return ""
	}
	return "?" + strings.Join(names, "&")
}

func answersText(op api.Operation) string {
	var texts []string
	for _, a := range op.Answers {
		text := fmt.Sprint(a.Status)
		for i, body := range a.Bodies {
			if i > 0 {
				text += " or"
			}
			text += " `" + shape(reflect.TypeOf(body)) + "`"
		}
		if a.Type != "" {
			text += " " + a.Type
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func statusesText(all []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ", "), "[]")
}

// shape names the keys of an answer at all levels. That of a payment is left to the text above the table.
func shape(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[json.Number]():
		return ""
	case t.Kind() == reflect.Pointer:
		return shape(t.Elem())
	case t.Kind() == reflect.Slice:
		return "[" + shape(t.Elem()) + "…]"
	case t == reflect.TypeFor[api.Block]():
		return "{the five keys}"
	case t == reflect.TypeFor[api.Payment]() || t.Kind() != reflect.Struct:
		return ""
	}
	return keys(t)
}

// keys names those of a struct; a question mark follows one that may be left out.
func keys(t reflect.Type) string {
	var names []string
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if options != "" {
			name += "?"
		}
		if inner := shape(t.Field(i).Type); inner != "" {
			name += ":" + inner
		}
		names = append(names, name)
	}
	return "{" + strings.Join(names, ",") + "}"
}
