package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"kuai/p2p/addrpolicy"
)

// TestOutboundJudgesAddressesAfterResolution asks in the forms that a URL's host has. The dialer itself refuses
// them.
func TestOutboundJudgesAddressesAfterResolution(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "[fe80::1%25lo]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "100.100.100.200"} {
		if _, err := newOutbound("").get(t.Context(), "http://"+host+"/chain", 100); !errors.Is(err, addrpolicy.ErrRefused) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestOutboundFollowsNoRedirectAndNoProxy(t *testing.T) {
	hit := func(w http.ResponseWriter, _ *http.Request) { t.Error("somebody was asked who should not be") }
	t.Setenv("HTTP_PROXY", listen(t, http.HandlerFunc(hit)))
	target := listen(t, http.HandlerFunc(hit))
	_, err := newOutbound("").get(t.Context(), listen(t, http.RedirectHandler(target, http.StatusFound)), 100)
	if !errors.Is(err, ErrNoNode) {
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

// TestOutboundJudgesWhatANameMeans resolves names by a server of its own, which answers every question with a metadata service.
func TestOutboundJudgesWhatANameMeans(t *testing.T) {
	through := net.DefaultResolver
	defer func() { net.DefaultResolver = through }()
	server := metadataDNS(t)
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}}
	if _, err := NewAsker("").Ask(t.Context(), "http://node.example:80"); !errors.Is(err, addrpolicy.ErrRefused) {
		t.Errorf("%v", err)
	}
}

// metadataDNS answers questions for IPv4 addresses with 169.254.169.254, others with nothing, and returns its address.
func metadataDNS(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for buf := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			end := 12 + bytes.IndexByte(buf[12:n], 0) + 5 // of the question: name, type, class
			reply := append([]byte{buf[0], buf[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, buf[12:end]...)
			if buf[end-3] == 1 { // type A
				reply[7] = 1
				reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 169, 254, 169, 254)
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	return conn.LocalAddr().String()
}
