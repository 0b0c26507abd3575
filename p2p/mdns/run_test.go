package mdns

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// TestNoInterface: without an interface, or with one that fails, the log says so once each time, in virtual time.
func TestNoInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		var mu sync.Mutex
		var now []link
		f := &finder{
			Config:  Config{Log: slog.New(slog.NewTextHandler(&text, nil))},
			running: make(map[string]running), failed: make(map[string]bool),
			links: func() ([]link, error) {
				mu.Lock()
				defer mu.Unlock()
				return now, nil
			},
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); f.run(ctx) }()
		for _, l := range [][]link{nil, {{"no-such-interface", []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}}}, nil} {
			mu.Lock()
			now = l
			mu.Unlock()
			pass(10 * linksInterval)
		}
		stop()
		<-done
		got := text.String()
		if strings.Count(got, "no multicast interface") != 2 || strings.Count(got, "interface=no-such-interface") != 1 || strings.Count(got, "\n") != 3 {
			t.Errorf("three changes, logged as:\n%s", got)
		}
	})
}

func TestLinkOfAPacket(t *testing.T) {
	l := link{"eth0", []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("2001:db8::1/64")}}
	for from, want := range map[string]bool{
		"192.0.2.77": true, "192.0.3.1": false, "8.8.8.8": false, "2001:db8::77": true, "2001:db9::1": false,
		"fe80::1%eth0": true, "fe80::1%eth1": false, "127.0.0.1": false,
	} {
		if got := l.holds(netip.MustParseAddr(from)); got != want {
			t.Errorf("%s: %v", from, got)
		}
	}
	if l.only6() || len(l.hosts()) != 2 {
		t.Errorf("only IPv6: %v, hosts %v", l.only6(), l.hosts())
	}
}
