package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kuai/chain/canonical"
	"kuai/rpc/api"
)

// maxAnswer bounds what a verb reads of an answer.
const maxAnswer = 64 << 20

// Client asks a node for the command line's verbs.
type Client struct {
	base  string
	token func() string // nil: none
	http  *http.Client
}

// NewClient makes a client of the node whose API is at a URL or host:port.
func NewClient(url string) *Client {
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	return &Client{base: strings.TrimRight(url, "/"), http: &http.Client{
		Transport: &http.Transport{DialContext: asking(&net.Dialer{}), DisableKeepAlives: true},
	}}
}

// WithToken returns a client that sends token with each request.
func (c *Client) WithToken(token string) *Client {
	return c.WithTokenFrom(func() string { return token })
}

// WithTokenFrom returns a client that asks token before each request: a node that starts meanwhile draws a new one.
func (c *Client) WithTokenFrom(token func() string) *Client {
	d := *c
	d.token = token
	return &d
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Status int
	Title  string
	Detail string
	Hint   string
	Body   []byte // as sent
}

func (e *StatusError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("the node answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return strings.TrimSpace(e.Detail + " " + e.Hint)
}

// firstThousand asks for the longest page of a list that there is.
const firstThousand = "?limit=1000"

// Node asks who the node is.
func (c *Client) Node(ctx context.Context) (api.Node, error) {
	var v api.Node
	return v, c.read(ctx, api.Path("getNode"), &v)
}

// Peers asks for the peers and registered nodes.
func (c *Client) Peers(ctx context.Context) (api.Peers, error) {
	var v api.Peers
	return v, c.read(ctx, api.Path("getPeers")+firstThousand, &v)
}

// Health returns nil if the node answers and, if ready is asked for, has caught up with its peers.
func (c *Client) Health(ctx context.Context, ready bool) error {
	if !ready {
		_, err := c.Do(ctx, http.MethodGet, api.Path("getHealth"), nil)
		return err
	}
	v, err := c.Ready(ctx)
	if err == nil && !v.Ready {
		err = whyNotReady(v)
	}
	return err
}

// whyNotReady says why a node is not ready.
func whyNotReady(r api.Readiness) error {
	if r.Error != "" {
		return fmt.Errorf("the node's disk failed: %s", r.Error)
	}
	if r.Target > r.Height {
		return fmt.Errorf("the node is syncing: at block %d of %d", r.Height, r.Target)
	}
	return fmt.Errorf("the node has %d connected peers, and none has told its height yet", r.Peers)
}

// Ready asks whether the node has caught up; not having caught up is not an error.
func (c *Client) Ready(ctx context.Context) (api.Readiness, error) {
	var v api.Readiness
	body, err := c.Do(ctx, http.MethodGet, api.Path("getReadiness"), nil)
	if refused := (*StatusError)(nil); errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable {
		body, err = refused.Body, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	return v, err
}

// LogLevel asks for the least level of what the node logs.
func (c *Client) LogLevel(ctx context.Context) (api.LogLevel, error) {
	var v api.LogLevel
	return v, c.read(ctx, api.Path("getLogLevel"), &v)
}

// SetLogLevel changes it, until the node stops.
func (c *Client) SetLogLevel(ctx context.Context, level string) (api.LogLevel, error) {
	var v api.LogLevel
	return v, c.send(ctx, http.MethodPut, api.Path("setLogLevel"), api.LogLevel{Level: level}, &v)
}

// Lab asks for the switches and lessons of a node that was started with --lab.
func (c *Client) Lab(ctx context.Context) (api.Lab, error) {
	var v api.Lab
	return v, c.read(ctx, api.Path("getLab"), &v)
}

// SetSwitches sets all switches of such a node, until it stops.
func (c *Client) SetSwitches(ctx context.Context, to api.NewSwitches) (api.Switches, error) {
	var v api.Switches
	return v, c.send(ctx, http.MethodPut, api.Path("setSwitches"), to, &v)
}

// Split puts lab nodes on two sides, and Heal ends that.
func (c *Client) Split(ctx context.Context, how api.NewSplit) (api.Split, error) {
	var v api.Split
	return v, c.send(ctx, http.MethodPut, api.Path("splitNetwork"), how, &v)
}

// Heal ends what Split did.
func (c *Client) Heal(ctx context.Context) (api.Split, error) {
	var v api.Split
	return v, c.send(ctx, http.MethodDelete, api.Path("healNetwork"), struct{}{}, &v)
}

func (c *Client) read(ctx context.Context, path string, v any) error {
	body, err := c.Do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s%s is not a kuai node: %w", c.base, path, err)
	}
	return nil
}

// Do sends a request and returns the body of its answer. A status of 400 or more is a *StatusError. ctx bounds it.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the API address %q is not a URL: %w", c.base, err)
	}
	req.Header.Set("Accept", "application/json")
	if c.token != nil {
		if token := c.token(); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		hint := "; is it running, and on this port?"
		if isNotHTTP(err) {
			hint = ""
		}
		return nil, fmt.Errorf("ask the node at %s: %w%s", c.base, plain(err), hint)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(canonical.NewTextReader(http.MaxBytesReader(nil, res.Body, maxAnswer)))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s%s: %w", c.base, path, tooLong(err))
	}
	if res.StatusCode >= http.StatusBadRequest {
		return nil, statusError(res.StatusCode, text)
	}
	return text, nil
}

// plain takes the method and URL off, which the caller says itself.
func plain(err error) error {
	if isNotHTTP(err) {
		return errNotHTTP
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func statusError(status int, body []byte) error {
	e := &StatusError{Status: status, Body: body}
	var p api.Problem
	if json.Unmarshal(body, &p) == nil {
		e.Title, e.Detail, e.Hint = p.Title, p.Detail, p.Hint
	}
	return e
}

// DefaultTimeout is how long a verb that is answered at once waits.
const DefaultTimeout = 10 * time.Second
