package main

import (
	"fmt"
	"strings"

	"kuai/rpc/api"
)

// skipStream ends an item before its request, as a stream never ends by itself. A run sets the variable.
const skipStream = `if (pm.variables.get("skip_streams")) { pm.execution.skipRequest(); }`

// postman describes the operations as a Postman collection v2.1: a folder for each group, in it one item for each example, in the order of
// the table, with a test of its status and content type.
func postman(ops []api.Operation) ([]byte, error) {
	var folders []any
	for _, g := range api.Groups {
		var items []any
		for _, op := range ops {
			if op.Group == g.Name {
				items = append(items, postmanItem(op))
			}
		}
		folders = append(folders, object{"name": g.Name, "description": g.Description, "item": items})
	}
	return indent(object{
		"info": object{
			"name":        "kuai",
			"description": about,
			"schema":      "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
		},
		"auth": object{"type": "bearer", "bearer": []any{object{"key": "token", "value": "{{token}}", "type": "string"}}},
		"variable": []any{
			object{"key": "base", "value": "http://127.0.0.1:5000", "type": "string", "description": "Where the node is."},
			object{"key": "token", "value": "none", "type": "string", "description": "The node's token, if it asks for one."},
		},
		"item": folders,
	})
}

func postmanItem(op api.Operation) object {
	request := object{
		"method":      op.Method,
		"description": op.Summary,
		"header":      []any{},
		"url":         postmanURL(op.Target()),
	}
	if op.Example.Body != "" {
		request["header"] = []any{object{"key": "Content-Type", "value": "application/json"}}
		request["body"] = object{"mode": "raw", "raw": op.Example.Body, "options": object{"raw": object{"language": "json"}}}
	}
	events := []any{script("test", statusTest(op))}
	if op.Streams() {
		events = append(events, script("prerequest", skipStream))
	}
	return object{"name": op.Method + " " + op.Path, "request": request, "event": events}
}

func postmanURL(target string) object {
	path, query, _ := strings.Cut(target, "?")
	u := object{"raw": "{{base}}" + target, "host": []any{"{{base}}"}, "path": strings.Split(strings.TrimPrefix(path, "/"), "/")}
	if query == "" {
		return u
	}
	var pairs []any
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, object{"key": key, "value": value})
	}
	u["query"] = pairs
	return u
}

func script(when, line string) object {
	return object{"listen": when, "script": object{"type": "text/javascript", "exec": strings.Split(line, "\n")}}
}

// statusTest is JavaScript that checks an answer.
func statusTest(op api.Operation) string {
	var statuses []string
	for _, a := range op.Answers {
		statuses = append(statuses, fmt.Sprint(a.Status))
	}
	if op.Example.Else != 0 {
		statuses = append(statuses, fmt.Sprint(op.Example.Else))
	}
	return fmt.Sprintf("pm.test(%q, () => pm.expect(pm.response.code).to.be.oneOf([%s]));", op.ID+" answers as described", strings.Join(statuses, ", "))
}
