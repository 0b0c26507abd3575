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

// The tables in docs/API.md are between these lines.
const (
	tableBegin = "<!-- The tables are generated from rpc/api/operations.go: go generate ./rpc/api -->\n"
	tableEnd   = "<!-- end of the generated tables -->\n"
)

// columns is where lines of an entry break.
const columns = 110

// insertTable replaces what is between the markers of a page.
func insertTable(page []byte, ops []api.Operation) ([]byte, error) {
	before, rest, begins := bytes.Cut(page, []byte(tableBegin))
	_, after, ends := bytes.Cut(rest, []byte(tableEnd))
	if !begins || !ends {
		return nil, errors.New("docs/API.md lacks the markers of the tables of operations")
	}
	return bytes.Join([][]byte{before, []byte(tableBegin), table(ops), []byte(tableEnd), after}, nil), nil
}

// table lists the operations by group: what each does in a table, then an entry for each in a block.
func table(ops []api.Operation) []byte {
	var rows, entries bytes.Buffer
	var b bytes.Buffer
	for _, g := range api.Groups {
		rows.Reset()
		entries.Reset()
		for _, op := range ops {
			if op.Group == g.Name {
				fmt.Fprintf(&rows, "| `%s %s` | %s | %s |\n", op.Method, op.Path, op.Summary, marks(op))
				entries.WriteString(entry(op))
			}
		}
		fmt.Fprintf(&b, "\n### Group %s\n\n%s\n\n| operation | what it does | |\n|---|---|---|\n%s\n```text%s```\n", g.Name, g.Description, rows.String(), entries.String())
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// marks says what kind of operation it is.
func marks(op api.Operation) string {
	var all []string
	switch {
	case op.Effect == api.Reveals:
		all = append(all, "*reveals*")
	case op.Guarded():
		all = append(all, "*changes*")
	}
	if op.Long {
		all = append(all, "*long*")
	}
	return strings.Join(all, " ")
}

// entry is an operation's request, an example that tests send to a node, its answers and the statuses of its errors.
func entry(op api.Operation) string {
	first := op.Method + " " + op.Path + queryText(op.Params)
	if op.Request != nil {
		first += " " + keys(reflect.TypeOf(op.Request))
	}
	text := "\n" + wrap(first, 2) + "  " + exampleText(op) + "\n"
	for _, a := range op.Answers {
		status := fmt.Sprint(a.Status)
		if a.Type != "" {
			text += "  " + status + " " + a.Type + "\n"
		}
		for i, body := range a.Bodies {
			lead := "  " + status
			if i > 0 {
				lead = "   or"
			} else if a.Type != "" {
				lead = "     "
			}
			text += wrap(lead+" "+shape(reflect.TypeOf(body)), 7)
		}
		if a.Type == "" && len(a.Bodies) == 0 {
			text += "  " + status + "\n"
		}
	}
	return text + wrap("  errors "+strings.Trim(fmt.Sprint(api.ErrorsOf(op)), "[]"), 9)
}

// exampleText is the row's example as a curl command.
func exampleText(op api.Operation) string {
	text := "curl -s "
	if op.Method != "GET" && (op.Method != "POST" || op.Example.Body == "") {
		text += "-X " + op.Method + " "
	}
	at := "127.0.0.1:5000" + op.Target()
	if strings.ContainsAny(at, "?&") {
		at = "'" + at + "'"
	}
	text += at
	if op.Example.Body != "" {
		text += " -d '" + op.Example.Body + "'"
	}
	return text
}

// wrap breaks a line behind commas and spaces. Further lines are indented.
func wrap(line string, indent int) string {
	var b strings.Builder
	for len([]rune(line)) > columns {
		head := string([]rune(line)[:columns])
		cut := strings.LastIndexAny(head, ", ") + 1
		if strings.TrimSpace(head[:cut]) == "" {
			break
		}
		b.WriteString(strings.TrimRight(line[:cut], " ") + "\n")
		line = strings.Repeat(" ", indent) + line[cut:]
	}
	return b.String() + line + "\n"
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

// shape names the keys of an answer at all levels. That of a payment is left to the text above the tables.
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
