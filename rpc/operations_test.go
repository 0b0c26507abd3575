package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// document reads the OpenAPI description that a node serves.
func document(t *testing.T) (doc map[string]any, schemas *jsonschema.Compiler) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(api.OpenAPI))
	if err != nil {
		t.Fatal(err)
	}
	schemas = jsonschema.NewCompiler()
	schemas.AssertFormat()
	if err := schemas.AddResource("openapi.json", v); err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any), schemas
}

// contract checks answers against the description.
type contract struct {
	doc     map[string]any
	schemas *jsonschema.Compiler
}

func newContract(t *testing.T) contract {
	doc, schemas := document(t)
	return contract{doc, schemas}
}

// check returns what is wrong with an answer to op.
func (c contract) check(op api.Operation, status int, contentType string, body []byte) error {
	response, pointer, err := c.response(op, status)
	if err != nil {
		return err
	}
	content, _ := response["content"].(map[string]any)
	if len(content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("a body where none is described: %.80s", body)
		}
		return nil
	}
	kind := contentType
	if _, exact := content[kind]; !exact {
		kind, _, _ = mime.ParseMediaType(contentType)
	}
	if _, ok := content[kind]; !ok {
		return fmt.Errorf("content type %q is not described", contentType)
	}
	schema, err := c.schemas.Compile("openapi.json#" + pointer + "/content/" + escaped(kind) + "/schema")
	if err != nil {
		return err
	}
	if !strings.HasSuffix(kind, "json") {
		return schema.Validate(string(body))
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %.80s", err, body)
	}
	return schema.Validate(v)
}

// response finds the description of op's answer of a status, and where it is.
func (c contract) response(op api.Operation, status int) (response map[string]any, pointer string, err error) {
	at := []string{"paths", op.Path, strings.ToLower(op.Method), "responses", strconv.Itoa(status)}
	for {
		v := any(c.doc)
		pointer = ""
		for _, key := range at {
			object, _ := v.(map[string]any)
			v, pointer = object[key], pointer+"/"+escaped(key)
		}
		response, ok := v.(map[string]any)
		if !ok {
			return nil, "", fmt.Errorf("status %d is not described", status)
		}
		ref, ok := response["$ref"].(string)
		if !ok {
			return response, pointer, nil
		}
		at = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	}
}

// TestEventsAreAsDescribed has every kind of event happen. Only the miner's have one of two forms.
func TestEventsAreAsDescribed(t *testing.T) {
	described, op := newContract(t), operation(t, "getEvents")
	_, pointer, err := described.response(op, 200)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := described.schemas.Compile("openapi.json#" + pointer + "/content/" + escaped(api.TypeEvents) + "/schema")
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, Config{})
	n.net.set([]Peer{{ID: "a", Connected: true}})
	url := listen(t, n.Handler())
	check := func(s *sse, name string) {
		t.Helper()
		got := s.next(name)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(got.data))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Errorf("%s %s: %v", name, got.data, err)
		}
	}
	s := listenTo(t, url, "an id of another process")
	for _, name := range []string{"reset", "peer", "mining"} {
		check(s, name)
	}
	n.miner.set(func(m *MinerStatus) { m.Searching, m.Tries = true, 5 })
	s = listenTo(t, url, "")
	check(s, "mining")
	genesis := n.chain.Tip()
	if _, err := n.chain.Submit(chaintest.Payment(), "peer"); err != nil {
		t.Fatal(err)
	}
	check(s, "transaction")
	chaintest.MineOn(t, n.chain, 1)
	check(s, "block")
	b := chaintest.Block(t, n.chain.Rules(), genesis, "other")
	for _, block := range []*consensus.Block{b, chaintest.Block(t, n.chain.Rules(), b.Header(), "other")} {
		if _, err := n.chain.Add(block, "peer"); err != nil {
			t.Fatal(err)
		}
	}
	check(s, "reorg")
	if schema.Validate(map[string]any{"mode": "manual"}) == nil {
		t.Error("an event without a key that all of its kind have passed")
	}
}

// operation finds a row.
func operation(t *testing.T, id string) api.Operation {
	t.Helper()
	i := slices.IndexFunc(api.Operations, func(op api.Operation) bool { return op.ID == id })
	if i < 0 {
		t.Fatalf("no operation %s", id)
	}
	return api.Operations[i]
}

// escaped writes a key as a part of a JSON pointer in a URL.
func escaped(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D", " ", "%20", ";", "%3B").Replace(key)
}

// TestEveryExampleIsAnsweredAsDescribed sends the examples of all rows to a new node, one after the other, and then again.
func TestEveryExampleIsAnsweredAsDescribed(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		send(w, 200, []string{"text/plain; version=0.0.4"}, []byte("figures"))
	})
	invite := func() (api.Invite, error) { return api.Invite{Code: "0000"}, nil }
	n := startOn(t, Config{Lab: shownLab{newFakeLab()}, Invite: invite, Version: "1", Agent: "kuai/1", Metrics: metrics, LogLevel: new(slog.LevelVar)}, consensus.Classic())
	n.net.peers = []Peer{{ID: "a", Connected: true, Direction: "inbound", Latency: 1, Height: 3, Tip: consensus.Hash{1}}, {ID: "b", LastError: "refused"}}
	described := newContract(t)
	for turn := range 2 {
		for _, op := range api.Operations {
			if op.Streams() || op.Group == "secure" {
				continue // it does not end: TestEventsAreAsDescribed; or TestSecureExamplesAreAnsweredAsDescribed
			}
			w := n.do(op.Method, op.Target(), op.Example.Body)
			if err := described.check(op, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != nil {
				t.Errorf("%s %s: %d: %v", op.Method, op.Target(), w.Code, err)
			}
			if expected := op.Answers[0].Status; w.Code != expected && (turn == 0 || w.Code != op.Example.Else) {
				t.Errorf("%s %s answers %d, not %d: %s", op.Method, op.Target(), w.Code, expected, w.Body)
			}
		}
	}
}

// wrong is a request that is refused with a status.
type wrong struct {
	status               int
	target, body, header string
}

// wrongs lists how op refuses requests, if the node's token is "secret".
func wrongs(op api.Operation) []wrong {
	const token = "Authorization: Bearer secret"
	all := []wrong{{403, op.Target(), op.Example.Body, "Host: evil.example"}, {401, op.Target(), op.Example.Body, ""}}
	if op.Request != nil {
		all = append(all, wrong{400, op.Target(), "{", token}, wrong{413, op.Target(), strings.Repeat(" ", int(max(op.Body, MaxBodyBytes))+1), token})
	}
	if strings.Contains(op.Example.Target, "?") {
		all = append(all, wrong{400, op.Example.Target + "&limit=%zz", "", token}) // which queryOf refuses
	}
	if strings.Contains(op.Example.Target, "limit=") {
		all = append(all, wrong{400, strings.Split(op.Example.Target, "?")[0] + "?limit=0", "", token})
	}
	return all
}

// TestEveryErrorIsAsDescribed provokes errors at every row, in each form that an error can have.
func TestEveryErrorIsAsDescribed(t *testing.T) {
	described := newContract(t)
	cfg := Config{Token: "secret", TokenFor: TokenForAll, Lab: shownLab{newFakeLab()}, Metrics: http.NotFoundHandler(), LogLevel: new(slog.LevelVar), Keys: newFakeKeys()}
	classic, secure := start(t, cfg), startSecure(t, cfg)
	for _, op := range api.Operations {
		n := classic
		if op.Group == "secure" {
			n = secure
		}
		for _, try := range wrongs(op) {
			for _, accept := range []string{"*/*", "application/json"} {
				w := n.do(op.Method, try.target, try.body, try.header, "Accept: "+accept)
				if w.Code != try.status {
					t.Errorf("%s %s: %d, not %d: %s", op.Method, try.target, w.Code, try.status, w.Body)
				}
				if err := described.check(op, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != nil {
					t.Errorf("%s %s: %d: %v", op.Method, try.target, w.Code, err)
				}
				if problem := (api.Problem{}); accept == "application/json" && (json.Unmarshal(w.Body.Bytes(), &problem) != nil || !isSentence(problem.Detail) || !isSentence(problem.Hint)) {
					t.Errorf("%s %s: %d: these are not sentences: %s", op.Method, try.target, w.Code, w.Body)
				}
			}
		}
	}
}

// isSentence reports whether text begins with a capital and ends with a full stop, or with a URL, which is there to be pasted.
func isSentence(text string) bool {
	last := text[strings.LastIndexByte(text, ' ')+1:]
	return text != "" && !unicode.IsLower(rune(text[0])) && (strings.HasSuffix(text, ".") || strings.Contains(last, "://"))
}

// TestTheDescriptionIsStrict: an answer with another type, a key too few or too many, or another status breaks it.
func TestTheDescriptionIsStrict(t *testing.T) {
	described, health := newContract(t), operation(t, "getHealth")
	for body, status := range map[string]int{`{"status":"ok","more":1}`: 200, `{}`: 200, `{"status":1}`: 200, `{"status":"ill"}`: 200, `[]`: 200, `{"status":"ok"`: 200, `{"status":"ok"}`: 201} {
		if described.check(health, status, "application/json", []byte(body)) == nil {
			t.Errorf("%d %s passed", status, body)
		}
	}
	if described.check(health, 200, "text/plain", []byte(`{"status":"ok"}`)) == nil {
		t.Error("another content type passed")
	}
	if err := described.check(health, 200, "application/json", []byte(`{"status":"ok"}`)); err != nil {
		t.Error(err)
	}
}

// TestAChangeHasItsGuard: a row that says nothing of its effect is guarded, and no row but a GET can say that it reads only.
func TestAChangeHasItsGuard(t *testing.T) {
	n := start(t, Config{})
	open := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	for _, op := range []api.Operation{
		{ID: "x", Method: "GET", Path: "/x"}, {ID: "x", Method: "POST", Path: "/x"}, {ID: "x", Method: "POST", Path: "/x", Effect: api.Reads},
		{ID: "x", Method: "DELETE", Path: "/x", Effect: api.Reads}, {ID: "x", Method: "PUT", Path: "/x", Effect: api.Reads}, {ID: "x", Method: "HEAD", Path: "/x", Effect: api.Reads},
	} {
		n.handler = n.guard(newRouter(n.resources([]api.Operation{op}, handlers{"x": open})))
		if w := n.do(op.Method, "/x", "", "Sec-Fetch-Site: cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("%s with effect %d: %d", op.Method, op.Effect, w.Code)
		}
		if w := n.do(op.Method, "/x", ""); w.Code != http.StatusNoContent {
			t.Errorf("%s: %d", op.Method, w.Code)
		}
	}
}

// TestAnEndpointIsARowAndAHandler counts the places that know an operation: its row and the line that names its handler, and nothing
// else of the server or its description. A new endpoint touches no other. The client, like any caller, names the operations that it asks for.
func TestAnEndpointIsARowAndAHandler(t *testing.T) {
	places := map[string][]string{} // by the text of a string in the source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "client") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					places[text] = append(places[text], path)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, Config{})
	bound := n.handlers()
	row := filepath.Join("api", "operations.go")
	for _, op := range api.Operations {
		if got := places[op.ID]; !slices.Equal(got, []string{row, "routes.go"}) {
			t.Errorf("%s is known in %q, not only in its row and beside its handler", op.ID, got)
		}
		delete(bound, op.ID)
	}
	for id := range bound {
		t.Errorf("the handler of %s has no row", id)
	}
}
