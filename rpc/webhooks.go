package rpc

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kuai/chain/canonical"
	"kuai/rpc/api"
)

// Bounds of webhooks.
const (
	MaxWebhooks      = 8 // URLs; each has events sent one at a time
	maxWebhookURL    = 1024
	leastSecret      = 16      // bytes
	webhookBatch     = 64      // events held at once for a URL, beside those that the chain keeps for all
	maxWebhookAnswer = 4 << 10 // bytes read of an answer, so that its connection can be used again

	firstWebhookWait   = time.Second // after a failure, until the same event is sent again; it doubles
	longestWebhookWait = time.Minute
)

// CheckWebhook says what is wrong with a URL of Config.Webhooks.
func CheckWebhook(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Errorf("%s is not a URL to send to: want one as https://example.com/kuai", canonical.Quote(text))
	case len(text) > maxWebhookURL:
		return fmt.Errorf("%s… has more than %d bytes", canonical.Quote(text[:64]), maxWebhookURL)
	case u.User != nil:
		return fmt.Errorf("%s has a user or password: leave it out, the signature tells who sends", canonical.Quote(u.Redacted()))
	}
	return nil
}

// ParseWebhookSecret reads a secret for signatures: as Standard Webhooks writes it, whsec_ and base64, or any other text.
func ParseWebhookSecret(text string) ([]byte, error) {
	secret := []byte(strings.TrimSpace(text))
	if encoded, ok := strings.CutPrefix(string(secret), "whsec_"); ok {
		var err error
		if secret, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, errors.New("want base64 behind whsec_")
		}
	}
	if len(secret) < leastSecret {
		return nil, fmt.Errorf("want at least %d bytes that nobody can guess", leastSecret)
	}
	return secret, nil
}

// webhook sends the chain's events to one URL, each until it is taken. It pulls from a position of its own: if the URL is too slow, it
// loses events and is told so, and nobody else waits.
type webhook struct {
	s      *Server
	url    string
	client *http.Client
	first  time.Duration // wait after the first failure
	seq    uint64        // the last event taken or lost
	failed int           // attempts since the last success
}

// newWebhook makes a webhook for the events from now on.
func (s *Server) newWebhook(url string) *webhook {
	return &webhook{s: s, url: url, client: newWebhookClient(), first: firstWebhookWait, seq: s.chain.LastEvent()}
}

// newWebhookClient returns a client with the rules of outgoing requests, which keeps its connection.
func newWebhookClient() *http.Client {
	c := newOutbound("").client
	t := c.Transport.(*http.Transport)
	t.DisableKeepAlives, t.MaxConnsPerHost, t.IdleConnTimeout = false, 1, idleTimeout
	return c
}

// run sends events until ctx ends.
func (h *webhook) run(ctx context.Context) {
	defer h.client.CloseIdleConnections()
	wake, stop := h.s.chain.Watch()
	defer stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			more = h.pull(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
	}
}

// pull sends some of the events after the position, and reports whether there may be more.
func (h *webhook) pull(ctx context.Context) (more bool) {
	events, lost := h.s.chain.Events(h.seq)
	if len(events) == 0 {
		return false
	}
	if lost {
		seq := events[0].Seq - 1
		if !h.deliver(ctx, h.s.eventID(seq)+"-reset", "reset", api.ResetEvent{}) {
			return false
		}
		h.seq = seq
		return true // what the chain keeps may be other events by now
	}
	events = slices.Clone(events[:min(len(events), webhookBatch)]) // without the others' blocks
	names := peerNames(h.s.network.Peers())
	for _, e := range events {
		if name, data := eventOf(e, names); name != "" && !h.deliver(ctx, h.s.eventID(e.Seq), name, data) {
			return false
		}
		h.seq = e.Seq
	}
	return true
}

// deliver sends one event until the URL takes it, and reports false if ctx ends first.
func (h *webhook) deliver(ctx context.Context, id, name string, data any) bool {
	body := h.body(name, data)
	for wait := h.first; ; wait = min(2*wait, longestWebhookWait) {
		err := h.post(ctx, id, body)
		h.report(ctx, err)
		if err == nil {
			return true
		}
		select {
		case <-time.After(wait + rand.N(wait/4+1)): // not all nodes of a network at the same time
		case <-ctx.Done():
			return false
		}
	}
}

// body is an event as it is sent: that of GET /events, and where it is from.
func (h *webhook) body(name string, data any) []byte {
	b := api.Append([]byte(`{"data":`), data)
	for _, field := range [][2]string{
		{"network", h.s.networkID}, {"node", h.s.network.ID()}, {"timestamp", time.Now().UTC().Format(time.RFC3339)}, {"type", name},
	} {
		b = canonical.AppendString(append(b, `,"`+field[0]+`":`...), field[1])
	}
	return append(b, '}')
}

// post sends a signed body, once.
func (h *webhook) post(ctx context.Context, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	for key, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": h.s.cfg.Agent,
		"Webhook-Id": id, "Webhook-Timestamp": now, "Webhook-Signature": "v1," + sign(h.s.cfg.WebhookSecret, id, now, body),
	} {
		req.Header.Set(key, value)
	}
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxWebhookAnswer)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}

// sign is the signature of Standard Webhooks: HMAC-SHA256 over id, time and body, in base64.
func sign(secret []byte, id, now string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	for _, part := range [][]byte{[]byte(id), []byte("."), []byte(now), []byte("."), body} {
		mac.Write(part)
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// report logs the first failure of several, and their end.
func (h *webhook) report(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() != nil: // the node stops
	case err != nil:
		if h.failed++; h.failed == 1 {
			h.s.log.Warn("webhook not taken, it is sent again until it is", "url", h.host(), "err", reason(err))
		}
	case h.failed > 0:
		h.s.log.Info("webhook taken again", "url", h.host(), "failures", h.failed)
		h.failed = 0
	}
}

// host is where a webhook goes, without its path, which may be a secret.
func (h *webhook) host() string {
	u, err := url.Parse(h.url)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// eventID names an event of the chain in this process.
func (s *Server) eventID(seq uint64) string { return s.boot + "-" + strconv.FormatUint(seq, 10) }
