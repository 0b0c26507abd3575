package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"context"
)

func TestPprofIsForThisMachine(t *testing.T) {
	for address, ok := range map[string]bool{
		"": true, "127.0.0.1:0": true, "[::1]:6060": true, "localhost:6060": true,
		"0.0.0.0:6060": false, ":6060": false, "[::]:6060": false, "192.0.2.1:6060": false, "example.com:6060": false, "6060": false, "127.0.0.1": false, "127.0.0.1:http": false, "127.0.0.1:70000": false,
	} {
		if err := (&Config{Pprof: address}).checkPprof(); (err == nil) != ok {
			t.Errorf("--pprof %q: %v", address, err)
		}
	}
	for host, status := range map[string]int{"127.0.0.1:6060": 200, "localhost:6060": 200, "[::1]:6060": 200, "evil.example:6060": 403, "evil.example": 403, "": 403} {
		r := httptest.NewRequest("GET", "/debug/pprof/cmdline", nil)
		r.Host = host
		w := httptest.NewRecorder()
		pprofHandler().ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("Host %q: %d, not %d", host, w.Code, status)
		}
	}
}

// TestPprofServesUntilTheStop serves a profile on a port of the system's choice, and none after the end of its context.
func TestPprofServesUntilTheStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	lns, err := listenPprof(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- servePprof(ctx, lns, slog.New(slog.DiscardHandler)) }()
	url := "http://" + lns[0].Addr().String() + "/debug/pprof/goroutine?debug=1"
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(text), "TestPprofServesUntilTheStop") {
		t.Errorf("%d, %v: %.200s", res.StatusCode, err, text)
	}
	if _, err := listenPprof(ctx, lns[0].Addr().String()); exitCode(err) != exitInUse {
		t.Errorf("the same port again: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if res, err := http.Get(url); err == nil {
		res.Body.Close()
		t.Error("profiles are served after the stop")
	}
	if lns, err := listenPprof(t.Context(), ""); lns != nil || err != nil || servePprof(t.Context(), lns, nil) != nil {
		t.Errorf("without an address: %v, %v", lns, err)
	}
}
