package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestForbiddenAddresses(t *testing.T) {
	for text, bad := range map[string]bool{
		"127.0.0.1": false, "10.1.2.3": false, "192.168.0.5": false, "::1": false, "8.8.8.8": false, "fd00::1": false, "0.0.0.0": false,
		"169.254.169.254": true, "169.254.0.1": true, "::ffff:169.254.169.254": true, "fe80::1": true, "fe80::1%eth0": true, "fd00:ec2::254": true,
		"100.100.100.200": true, "168.63.129.16": true, "224.0.0.1": true, "ff02::1": true,
	} {
		if got := forbidden(netip.MustParseAddr(text)); got != bad {
			t.Errorf("%s: forbidden is %v", text, got)
		}
	}
}

func TestOutboundJudgesAddressesAfterResolution(t *testing.T) {
	// A literal skips parseNode here, so that what refuses it is the dialer itself.
	_, err := newOutbound("").get(t.Context(), "http://169.254.169.254/chain", 100)
	if !errors.Is(err, errForbidden) {
		t.Errorf("%v", err)
	}
}

func TestOutboundFollowsNoRedirectAndNoProxy(t *testing.T) {
	hit := func(w http.ResponseWriter, _ *http.Request) { t.Error("somebody was asked who should not be") }
	t.Setenv("HTTP_PROXY", listen(t, http.HandlerFunc(hit)))
	target := listen(t, http.HandlerFunc(hit))
	_, err := newOutbound("").get(t.Context(), listen(t, http.RedirectHandler(target, http.StatusFound)), 100)
	if !errors.Is(err, errNoNode) {
		t.Errorf("%v", err)
	}
}

func TestOutboundIsBoundedInSize(t *testing.T) {
	url := listen(t, saying(strings.Repeat("x", 100)))
	for limit, whole := range map[int64]bool{99: false, 100: true, 101: true} {
		body, err := newOutbound("").get(t.Context(), url, limit)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if (err == nil) != whole || whole && len(text) != 100 {
			t.Errorf("limit %d: %d bytes, %v", limit, len(text), err)
		}
		body.Close()
	}
}

func TestOutboundUnpacksNothing(t *testing.T) {
	url := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("Accept-Encoding is %q", got)
		}
	}))
	body, err := newOutbound("").get(t.Context(), url, 10)
	if err != nil {
		t.Fatal(err)
	}
	body.Close()
}

func TestResolveNode(t *testing.T) {
	n := start(t, Config{})
	url := listen(t, n.Handler())
	for _, spelling := range []string{url, url + "/", strings.TrimPrefix(url, "http://")} {
		if addrs, err := ResolveNode(t.Context(), spelling); err != nil || len(addrs) != 1 || addrs[0] != n.net.Addresses()[0] {
			t.Errorf("%s: %q, %v", spelling, addrs, err)
		}
	}
	for _, bad := range []string{"", "ftp://x", otherPeer, "http://169.254.169.254", listen(t, http.NotFoundHandler()), listen(t, saying(`{"peer_id":5}`)), listen(t, saying(strings.Repeat(" ", maxNodeBody+1))), nobody(t)} {
		if addrs, err := ResolveNode(t.Context(), bad); err == nil {
			t.Errorf("%s: %q", bad, addrs)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ResolveNode(ended, url); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context: %v", err)
	}
}
