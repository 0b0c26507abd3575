package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/swaggest/jsonschema-go"
	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"

	"kuai/rpc/api"
)

const about = `The HTTP API of a kuai node. Lists are paged, a limit over the largest page is cut to it.
Errors are text for people; with Accept: application/json they are problem JSON (RFC 9457).
See docs/API.md for the form of answers, limits, and who may call.`

// statusTexts says what each status means.
var statusTexts = map[int]string{
	200: "OK.",
	201: "Done, and on disk.",
	204: "Done.",
	304: "The client has this chain already.",
	400: "A value is missing or was refused; the answer names it.",
	401: "The token is missing or wrong.",
	403: "The Host header isn't one of this node, or a page of another site asks for a change.",
	404: "There is nothing of that name.",
	409: "Something else came first: another payment has the id, or the parent is no longer the tip.",
	413: "The body has more than 64 KiB.",
	503: "Busy, full or interrupted: try again after Retry-After.",
	507: "The disk failed; the answer says what was changed.",
}

// openAPI describes the operations in OpenAPI 3.1.
func openAPI(ops []api.Operation) ([]byte, error) {
	r := newReflector()
	for _, op := range ops {
		if err := addOperation(r, op); err != nil {
			return nil, fmt.Errorf("%s: %w", op.ID, err)
		}
	}
	text, err := r.Spec.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	complete(doc, ops)
	return indent(doc)
}

// newReflector returns a reflector that reads the types as Append prints them: what isn't left out is required, there is nothing else,
// and a list is never null.
func newReflector() *openapi31.Reflector {
	r := openapi31.NewReflector()
	r.Spec.Info.Title, r.Spec.Info.Version = "kuai", "1"
	r.Spec.Info.WithDescription(about)
	r.AddTypeMapping(json.Number(""), float64(0))
	r.AddTypeMapping(api.Proof(""), jsonschema.OneOf(uint64(0), ""))
	r.DefaultOptions = append(r.DefaultOptions,
		jsonschema.StripDefinitionNamePrefix("Api"),
		jsonschema.InterceptProp(describeProperty),
		jsonschema.InterceptSchema(closeObject),
		jsonschema.InterceptNullability(func(p jsonschema.InterceptNullabilityParams) {
			if p.NullAdded && p.Type.Kind() == reflect.Slice {
				p.Schema.WithType(jsonschema.Array.Type())
			}
		}),
	)
	return r
}

// describeProperty requires what is never left out, and lets a pointer to an object be null.
func describeProperty(p jsonschema.InterceptPropParams) error {
	name, options, _ := strings.Cut(p.Field.Tag.Get("json"), ",")
	if !p.Processed || name == "" || options != "" {
		return nil
	}
	if !slices.Contains(p.ParentSchema.Required, name) {
		p.ParentSchema.Required = append(p.ParentSchema.Required, name)
	}
	if s := p.PropertySchema; p.Field.Type.Kind() == reflect.Pointer && s.Ref != nil {
		null := (&jsonschema.Schema{}).WithType(jsonschema.Null.Type())
		s.AnyOf = []jsonschema.SchemaOrBool{(&jsonschema.Schema{Ref: s.Ref}).ToSchemaOrBool(), null.ToSchemaOrBool()}
		s.Ref = nil
	}
	return nil
}

// isRequest reports whether a type is of bodies that clients send, which may have more keys than the node reads.
func isRequest(t reflect.Type) bool {
	return slices.ContainsFunc(api.Operations, func(op api.Operation) bool { return op.Request != nil && reflect.TypeOf(op.Request) == t })
}

func closeObject(p jsonschema.InterceptSchemaParams) (stop bool, err error) {
	t := p.Value.Type()
	if p.Processed && t.Kind() == reflect.Struct && p.Schema.HasType(jsonschema.Object) && !isRequest(t) {
		p.Schema.WithAdditionalProperties(jsonschema.SchemaOrBool{TypeBoolean: new(false)})
	}
	return false, nil
}

func addOperation(r *openapi31.Reflector, op api.Operation) error {
	oc, err := r.NewOperationContext(op.Method, op.Path)
	if err != nil {
		return err
	}
	oc.SetID(op.ID)
	oc.SetSummary(op.Summary)
	oc.SetTags(op.Group)
	for _, in := range []any{op.Params, op.Request} {
		if in != nil {
			oc.AddReqStructure(in)
		}
	}
	for _, a := range op.Answers {
		addAnswer(oc, a)
	}
	return r.AddOperation(oc)
}

func addAnswer(oc openapi.OperationContext, a api.Answer) {
	options := []openapi.ContentOption{openapi.WithHTTPStatus(a.Status), func(u *openapi.ContentUnit) { u.Description = statusTexts[a.Status] }}
	var body any
	switch {
	case len(a.Bodies) == 1:
		body = a.Bodies[0]
	case len(a.Bodies) > 1:
		body = jsonschema.OneOf(a.Bodies...)
	case a.Type == api.TypeJSON:
		body = map[string]any{}
	case a.Type != "":
		body = ""
	}
	if a.Type != "" {
		options = append(options, openapi.WithContentType(a.Type))
	}
	oc.AddRespStructure(body, options...)
}

// object is part of a document.
type object = map[string]any

// complete adds what the same rule gives to all operations: errors, the token, and whether they change the node.
func complete(doc object, ops []api.Operation) {
	components := doc["components"].(object)
	components["securitySchemes"] = object{"token": object{"type": "http", "scheme": "bearer", "description": "Only if the node was started with a token: for what changes its state, or with --api-auth local for everything."}}
	components["schemas"].(object)["Problem"] = problemSchema()
	responses := object{}
	for _, op := range ops {
		for _, status := range api.ErrorsOf(op) {
			responses[strconv.Itoa(status)] = problemResponse(statusTexts[status])
		}
	}
	components["responses"] = responses
	doc["servers"] = []any{
		object{"url": "/", "description": "The node that serves this document."},
		object{"url": "http://127.0.0.1:5000", "description": "This machine's node, unless it was started with another port."},
	}
	doc["info"].(object)["license"] = object{"name": "MIT", "identifier": "MIT"}
	var tags []any
	for _, g := range api.Groups {
		tags = append(tags, object{"name": g.Name, "description": g.Description})
	}
	doc["tags"] = tags
	for _, op := range ops {
		completeOperation(doc["paths"].(object)[op.Path].(object)[strings.ToLower(op.Method)].(object), op)
	}
}

func completeOperation(o object, op api.Operation) {
	responses := o["responses"].(object)
	for _, status := range api.ErrorsOf(op) {
		responses[strconv.Itoa(status)] = object{"$ref": "#/components/responses/" + strconv.Itoa(status)}
	}
	o["security"] = []any{object{"token": []any{}}, object{}}
	o["x-changes-state"], o["x-long"] = op.Guarded() && op.Effect != api.Reveals, op.Long
	if body, ok := o["requestBody"].(object); ok && op.Example.Body != "" {
		content := body["content"].(object)["application/json"].(object)
		content["example"] = json.RawMessage(op.Example.Body)
	}
}

func problemResponse(text string) object {
	plain := object{"schema": object{"type": "string"}}
	return object{"description": text, "content": object{
		"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}},
		"text/plain":               plain,
		"text/html":                plain,
	}}
}

// problemSchema is reflected apart, as no operation answers with it when all is well.
func problemSchema() any {
	s, err := newReflector().Reflect(api.Problem{})
	if err != nil {
		panic(err) // it is one of our own types
	}
	return s
}

// indent writes v for people who read it in a repository, and for comparing versions.
func indent(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
