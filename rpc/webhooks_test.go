package rpc

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/p2p/addrpolicy"
)

// sent is what a receiver got.
type sent struct {
	header http.Header
	body   []byte
}

func (s sent) name(t *testing.T) string {
	t.Helper()
	var v struct {
		Type, Node, Network string
		Timestamp           time.Time
	}
	if err := json.Unmarshal(s.body, &v); err != nil || v.Node != testPeer || v.Network == "" || v.Timestamp.IsZero() {
		t.Errorf("%s: %v", s.body, err)
	}
	return v.Type
}

// receiver answers webhooks with the statuses, then with 204, and hands on what it gets.
func receiver(t *testing.T, statuses ...int) (url string, got <-chan sent) {
	t.Helper()
	all := make(chan sent, 100)
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		status := http.StatusNoContent
		if len(statuses) > 0 {
			status, statuses = statuses[0], statuses[1:] // one request at a time
		}
		w.WriteHeader(status)
		all <- sent{r.Header, body}
	})), all
}

const hookSecret = "a secret of enough bytes"

// hooked makes a node with a webhook that has not begun.
func hooked(t *testing.T, url string) (*node, *webhook) {
	t.Helper()
	n := start(t, Config{Webhooks: []string{url}, WebhookSecret: []byte(hookSecret), Agent: "kuai/1"})
	h := n.newWebhook(url)
	h.first = time.Millisecond
	return n, h
}

// runs has the webhook send until the test ends.
func runs(t *testing.T, h *webhook) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
}

func TestWebhooksAreSigned(t *testing.T) {
	url, got := receiver(t)
	n, h := hooked(t, url)
	runs(t, h)
	if _, err := n.chain.Submit(chaintest.Payment(), "peer"); err != nil {
		t.Fatal(err)
	}
	s := <-got
	id, now := s.header.Get("Webhook-Id"), s.header.Get("Webhook-Timestamp")
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(id + "." + now + "." + string(s.body)))
	if s.header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signature: %v", s.header)
	}
	if s.header.Get("Content-Type") != "application/json" || s.header.Get("User-Agent") != "kuai/1" || id != n.eventID(n.chain.LastEvent()) {
		t.Errorf("header: %v", s.header)
	}
	if s.name(t) != "transaction" || !strings.Contains(string(s.body), `{"data":{"from":"peer","transaction":{"amount":`) {
		t.Errorf("%s", s.body)
	}
}

// TestSignatureIsThatOfStandardWebhooks: the example of the specification's libraries.
func TestSignatureIsThatOfStandardWebhooks(t *testing.T) {
	secret, err := ParseWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	if err != nil {
		t.Fatal(err)
	}
	got := sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s", got)
	}
}

// TestAWebhookIsSentUntilItIsTaken: the same event with the same id, in order, also past answers that report a failure.
func TestAWebhookIsSentUntilItIsTaken(t *testing.T) {
	url, got := receiver(t, 500, 404, 302, 429)
	n, h := hooked(t, url)
	var out bytes.Buffer
	n.log = slog.New(slog.NewTextHandler(&out, nil))
	runs(t, h)
	chaintest.MineOn(t, n.chain, 1)
	first := <-got
	for range 4 {
		again := <-got
		if again.header.Get("Webhook-Id") != first.header.Get("Webhook-Id") || !bytes.Equal(again.body, first.body) {
			t.Errorf("another event came before %s was taken: %s", first.body, again.body)
		}
	}
	chaintest.MineOn(t, n.chain, 1)
	next := <-got
	if next.name(t) != "block" || next.header.Get("Webhook-Id") == first.header.Get("Webhook-Id") || !strings.Contains(string(next.body), `"index":3`) {
		t.Errorf("then: %s", next.body)
	}
	if text := out.String(); strings.Count(text, "webhook not taken") != 1 || !strings.Contains(text, "status 500") || !strings.Contains(text, "webhook taken again") || !strings.Contains(text, "failures=4") {
		t.Errorf("log: %s", text)
	}
}

// TestASlowWebhookIsToldWhatItMissed: it holds no events of its own, and the chain's are bounded.
func TestASlowWebhookIsToldWhatItMissed(t *testing.T) {
	url, got := receiver(t)
	n, h := hooked(t, url)
	for range chain.MaxEvents + 10 {
		if _, err := n.chain.Submit(chaintest.Payment(), "peer"); err != nil {
			t.Fatal(err)
		}
	}
	h.pull(t.Context())
	if s := <-got; s.name(t) != "reset" || !strings.HasSuffix(s.header.Get("Webhook-Id"), "-10-reset") || h.seq != 10 {
		t.Errorf("%s %s, position %d", s.header.Get("Webhook-Id"), s.body, h.seq)
	}
	h.pull(t.Context())
	if s := <-got; s.name(t) != "transaction" || s.header.Get("Webhook-Id") != n.eventID(11) {
		t.Errorf("%s %s", s.header.Get("Webhook-Id"), s.body)
	}
}

// TestWebhooksGoWhereOtherRequestsMay: no link-local or metadata address, no redirect, no proxy.
func TestWebhooksGoWhereOtherRequestsMay(t *testing.T) {
	hit := func(http.ResponseWriter, *http.Request) { t.Error("somebody was asked who should not be") }
	t.Setenv("HTTP_PROXY", listen(t, http.HandlerFunc(hit)))
	for _, host := range []string{"169.254.169.254", "[fe80::1%25lo]", "100.100.100.200"} {
		_, h := hooked(t, "http://"+host+"/")
		if err := h.post(t.Context(), "id", nil); !errors.Is(err, addrpolicy.ErrRefused) {
			t.Errorf("%s: %v", host, err)
		}
	}
	_, h := hooked(t, listen(t, http.RedirectHandler(listen(t, http.HandlerFunc(hit)), http.StatusTemporaryRedirect)))
	if err := h.post(t.Context(), "id", nil); err == nil {
		t.Error("a redirect was taken as success")
	}
}

// TestServeRunsWebhooks until the server stops, although nobody takes them.
func TestServeRunsWebhooks(t *testing.T) {
	url, got := receiver(t)
	refusing, refused := receiver(t, 500, 500, 500, 500, 500)
	n := start(t, Config{Webhooks: []string{url, refusing}, WebhookSecret: []byte(hookSecret)})
	addr, stop := serve(t, n)
	res, err := http.Get("http://" + addr + "/healthz") // the positions are taken before the first answer
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	chaintest.MineOn(t, n.chain, 1)
	if s := <-got; s.name(t) != "block" {
		t.Errorf("%s", s.body)
	}
	<-refused
	stop()
}

func TestCheckWebhook(t *testing.T) {
	for url, ok := range map[string]bool{
		"http://127.0.0.1:8000/hook": true, "https://example.com": true, "https://[2001:db8::1]:8000/a?b=c": true,
		"": false, "example.com": false, "ftp://example.com": false, "http://": false, "https://u:p@example.com": false, "https://u@example.com": false,
		"http://example.com/\x00": false, "https://example.com/" + strings.Repeat("x", maxWebhookURL): false,
	} {
		if err := CheckWebhook(url); (err == nil) != ok {
			t.Errorf("%.60q: %v", url, err)
		} else if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Errorf("the password is shown: %v", err)
		}
	}
	for text, ok := range map[string]bool{"0123456789abcdef": true, " 0123456789abcdef \n": true, "short": false, "": false, "whsec_!": false, "whsec_MDEyMw==": false} {
		if _, err := ParseWebhookSecret(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
