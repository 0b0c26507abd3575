package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kuai/chain/canonical"
)

// maxAnswer bounds what a verb reads of an answer.
const maxAnswer = 64 << 20

// Client asks a node for the command line's verbs.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// NewClient makes a client of the node whose API is at the URL or host:port api.
func NewClient(api string) *Client {
	if !strings.Contains(api, "://") {
		api = "http://" + api
	}
	return &Client{base: strings.TrimRight(api, "/"), http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// WithToken returns a client that sends token with each request.
func (c *Client) WithToken(token string) *Client {
	d := *c
	d.token = token
	return &d
}

// NodeInfo is GET /node.
type NodeInfo struct {
	Addresses []string    `json:"addresses"` // multiaddrs with /p2p/
	Agent     string      `json:"agent"`
	Genesis   string      `json:"genesis"`
	Height    int64       `json:"height"`
	Mining    MiningInfo  `json:"mining"`
	Network   string      `json:"network"`
	PeerID    string      `json:"peer_id"`
	Peers     int         `json:"peers"` // connected
	Pool      PoolInfo    `json:"pool"`
	Sync      SyncingInfo `json:"sync"`
	Tip       string      `json:"tip"`
	Version   string      `json:"version"`
}

// MiningInfo is what the node's miner is at; Rate is in tries per second.
type MiningInfo struct {
	Mode      string  `json:"mode"`
	Rate      float64 `json:"rate"`
	Searching bool    `json:"searching"`
}

// PoolInfo is the size of the pending payments.
type PoolInfo struct {
	Bytes        int `json:"bytes"`
	Transactions int `json:"transactions"`
}

// SyncingInfo is what the node's sync is at.
type SyncingInfo struct {
	Active bool   `json:"active"`
	Height int64  `json:"height"`
	Peer   string `json:"peer"`
	Target int64  `json:"target"`
}

// PeersInfo is GET /peers.
type PeersInfo struct {
	Count int              `json:"count"`
	Nodes []RegisteredNode `json:"nodes"`
	Peers []PeerInfo       `json:"peers"`
}

// RegisteredNode is one registered node of GET /peers.
type RegisteredNode struct {
	Address string `json:"address"`
	URL     string `json:"url"`     // "" if it was registered by multiaddr
	Kind    string `json:"kind"`    // when it answered last: "kuai", "flask" or "unknown"
	PeerID  string `json:"peer_id"` // "" if not known
	State   string `json:"state"`   // in words: what it answers now

	Status  int       `json:"status,omitempty"`  // of its answer to GET /node, 0 if there was none
	NextAsk time.Time `json:"next_ask,omitzero"` // zero while it is connected
}

// PeerInfo is one peer of GET /peers.
type PeerInfo struct {
	Address   string   `json:"address"`
	Agent     string   `json:"agent"`
	Connected bool     `json:"connected"`
	Direction string   `json:"direction"` // inbound, outbound, or empty
	Height    int64    `json:"height"`
	ID        string   `json:"id"`
	LatencyMS *float64 `json:"latency_ms"` // nil where not measured
	Score     float64  `json:"score"`
	Static    bool     `json:"static"`
	Tip       string   `json:"tip"` // empty where not known

	LastError string    `json:"last_error,omitempty"` // why the last dial failed
	NextDial  time.Time `json:"next_dial,omitzero"`   // zero if none is due
}

// Readiness is GET /readyz.
type Readiness struct {
	Error  string `json:"error"` // of a disk that failed
	Height int64  `json:"height"`
	Peers  int    `json:"peers"` // connected
	Ready  bool   `json:"ready"`
	Target int64  `json:"target"`
}

// StatusError is an answer that is no success.
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

// Node asks who the node is.
func (c *Client) Node(ctx context.Context) (NodeInfo, error) {
	var v NodeInfo
	return v, c.read(ctx, "/node", &v)
}

// Peers asks for the peers and registered nodes.
func (c *Client) Peers(ctx context.Context) (PeersInfo, error) {
	var v PeersInfo
	return v, c.read(ctx, "/peers?limit=1000", &v)
}

// Health returns nil where the node answers and, where ready is asked for, has caught up with its peers.
func (c *Client) Health(ctx context.Context, ready bool) error {
	if !ready {
		_, err := c.Do(ctx, http.MethodGet, "/healthz", nil)
		return err
	}
	v, err := c.Ready(ctx)
	if err == nil && !v.Ready {
		err = v.why()
	}
	return err
}

// why says why a node is not ready.
func (r Readiness) why() error {
	if r.Error != "" {
		return fmt.Errorf("the node's disk failed: %s", r.Error)
	}
	if r.Target > r.Height {
		return fmt.Errorf("the node is syncing: at block %d of %d", r.Height, r.Target)
	}
	return fmt.Errorf("the node has %d connected peers, and none has told its height yet", r.Peers)
}

// Ready asks whether the node has caught up; not having caught up is no error.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	var v Readiness
	body, err := c.Do(ctx, http.MethodGet, "/readyz", nil)
	if refused := (*StatusError)(nil); errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable {
		body, err = refused.Body, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	return v, err
}

func (c *Client) read(ctx context.Context, path string, v any) error {
	body, err := c.Do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s%s is no kuai node: %w", c.base, path, err)
	}
	return nil
}

// Do sends a request and returns the body of its answer. A status of 400 or more is a *StatusError. ctx bounds it.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the API address %q is no URL: %w", c.base, err)
	}
	req.Header.Set("Accept", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the node at %s: %w; is it running, and on this port?", c.base, plain(err))
	}
	defer res.Body.Close()
	text, err := io.ReadAll(canonical.NewTextReader(newBounded(res.Body, maxAnswer)))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s%s: %w", c.base, path, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return nil, statusError(res.StatusCode, text)
	}
	return text, nil
}

// plain takes the method and URL off, which the caller says itself.
func plain(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func statusError(status int, body []byte) error {
	e := &StatusError{Status: status, Body: body}
	var p struct{ Title, Detail, Hint string }
	if json.Unmarshal(body, &p) == nil {
		e.Title, e.Detail, e.Hint = p.Title, p.Detail, p.Hint
	}
	return e
}

// DefaultTimeout is how long a verb that is answered at once waits.
const DefaultTimeout = 10 * time.Second
