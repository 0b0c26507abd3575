package grade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Limits of what is asked of a node, and read from it.
const (
	maxRequests = 300      // of one grading; a healthy node gets about 90
	maxAnswer   = 16 << 20 // bytes of one answer
	maxBlocks   = 1000     // of the chain that a node has when the grading starts
)

// node is the graded node.
type node struct {
	base     string
	http     *http.Client
	token    string        // sent with each request; "": none
	limit    time.Duration // of one request
	requests atomic.Int64
}

func newNode(base string, limit time.Duration) *node {
	return &node{base: strings.TrimRight(base, "/"), limit: limit, http: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what a node answered, read whole.
type answer struct {
	asked  string // "GET /chain"
	status int
	isJSON bool // by its Content-Type
	body   []byte
}

var errRequests = fmt.Errorf("the limit of %d requests is reached", maxRequests)

// dialEvery is how often a node that does not listen yet is tried.
const dialEvery = 100 * time.Millisecond

// firstAnswer asks for the chain. A node that does not listen yet is tried again for that long.
func (n *node) firstAnswer(ctx context.Context, patience time.Duration) (answer, error) {
	late := time.After(patience)
	for {
		a, err := n.ask(ctx, "GET", "/chain", "")
		n.requests.Store(1)
		if err == nil || !isDial(err) {
			return a, err
		}
		select {
		case <-time.After(dialEvery):
		case <-late:
			return a, err
		case <-ctx.Done():
			return a, err
		}
	}
}

// ask sends a request, with a body if it is not "".
func (n *node) ask(ctx context.Context, method, path, body string) (answer, error) {
	a := answer{asked: method + " " + path}
	if n.requests.Add(1) > maxRequests {
		return a, errRequests
	}
	ctx, cancel := context.WithTimeoutCause(ctx, n.limit, errSlow)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, n.base+path, strings.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("%s: %w", a.asked, err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if n.token != "" {
		req.Header.Set("Authorization", "Bearer "+n.token)
	}
	res, err := n.http.Do(req)
	if err != nil {
		return a, a.failed(ctx, n.limit, err)
	}
	defer res.Body.Close()
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1)); err != nil {
		return a, a.failed(ctx, n.limit, err)
	}
	if len(a.body) > maxAnswer {
		return a, fmt.Errorf("%s answered more than %d MiB", a.asked, maxAnswer>>20)
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // none is none
	a.status, a.isJSON = res.StatusCode, kind == "application/json"
	return a, nil
}

// statusText is the status of an answer in a sentence, err why there was none.
func (a answer) statusText(err error) string {
	if err != nil {
		return "nothing"
	}
	return strconv.Itoa(a.status)
}

var errSlow = errors.New("no answer in time")

// failed says why there was no answer.
func (a answer) failed(ctx context.Context, limit time.Duration, err error) error {
	if errors.Is(context.Cause(ctx), errSlow) {
		return fmt.Errorf("%s did not answer within %v", a.asked, limit)
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%s failed: %w", a.asked, err)
}

// want returns an error unless the answer has the status.
func (a answer) want(status int) error {
	if a.status != status {
		return fmt.Errorf("%s answered %d instead of %d", a.asked, a.status, status)
	}
	return nil
}

// object decodes the answer's JSON.
func (a answer) object() (map[string]any, error) {
	var v map[string]any
	if err := decode(a.body, &v); err != nil {
		return nil, fmt.Errorf("%s did not answer with a JSON object", a.asked)
	}
	return v, nil
}

// message returns an error unless the answer is an object with the message.
func (a answer) message(want string) (map[string]any, error) {
	v, err := a.object()
	if err == nil && v["message"] != want {
		err = fmt.Errorf("the message of %s is %q instead of %q", a.asked, text(v["message"]), want)
	}
	return v, err
}

// text is a JSON value in a sentence, shortened.
func text(v any) string {
	const most = 80
	s := fmt.Sprint(v)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// blocksOf returns a value that is a list of blocks.
func blocksOf(v any) ([]block, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	all := make([]block, len(list))
	for i, e := range list {
		b, ok := e.(map[string]any)
		if !ok {
			return nil, false
		}
		all[i] = b
	}
	return all, true
}

// chain asks for the node's chain.
func (n *node) chain(ctx context.Context) ([]block, error) {
	a, err := n.ask(ctx, http.MethodGet, "/chain", "")
	if err == nil {
		err = a.want(http.StatusOK)
	}
	if err != nil {
		return nil, err
	}
	v, err := a.object()
	if err != nil {
		return nil, err
	}
	chain, ok := blocksOf(v["chain"])
	if !ok || len(chain) == 0 {
		return nil, errors.New(`GET /chain answered without a list of blocks under "chain"`)
	}
	return chain, nil
}

// mine asks for a block.
func (n *node) mine(ctx context.Context) error {
	a, err := n.ask(ctx, http.MethodGet, "/mine", "")
	if err == nil {
		err = a.want(http.StatusOK)
	}
	return err
}

// pay posts a payment.
func (n *node) pay(ctx context.Context, p map[string]any) (answer, error) {
	return n.ask(ctx, http.MethodPost, "/transactions/new", string(appendPython(nil, p)))
}

// register posts addresses.
func (n *node) register(ctx context.Context, urls ...any) (answer, error) {
	return n.ask(ctx, http.MethodPost, "/nodes/register", string(appendPython(nil, map[string]any{"nodes": urls})))
}
