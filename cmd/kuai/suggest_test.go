package main

import (
	"slices"
	"strings"
	"testing"
)

// TestNextPortIsFree: a suggested port is neither this node's nor anybody's.
func TestNextPortIsFree(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   Config
		taken []int
		want  int
	}{
		{"next", Config{Port: 5000, P2PPort: 15000}, nil, 5001},
		{"own port for peers", Config{Port: 8000, P2PPort: 8001}, nil, 8002},
		{"own port in --listen", Config{Port: 8000, P2PPort: 18000, Listen: []string{"/ip4/0.0.0.0/tcp/8001", "/ip6/::/udp/8002/quic-v1"}}, nil, 8003},
		{"its port for peers would be ours", Config{Port: 8000, P2PPort: 18001}, nil, 8002},
		{"taken", Config{Port: 5000, P2PPort: 15000}, []int{5001, 5002}, 5003},
		{"taken for peers", Config{Port: 5000, P2PPort: 15000}, []int{15001}, 5002},
		{"last", Config{Port: 55535, P2PPort: 65535}, nil, 1},
		{"any", Config{Port: 0}, nil, 0},
	} {
		if got := nextPort(c.cfg, func(port int) bool { return !slices.Contains(c.taken, port) }); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := nextPort(Config{Port: 5000}, func(int) bool { return false }); got != 0 {
		t.Errorf("nothing is free: %d", got)
	}
}

func TestIsFree(t *testing.T) {
	_, port := standIn(t, "127.0.0.1:0")
	if isFree(port) {
		t.Errorf("port %d is taken", port)
	}
}

func TestPublicURLInTheBanner(t *testing.T) {
	n := nodeFile{API: []string{"http://localhost:5000"}}
	for url, want := range map[string]string{"": "http://localhost:5000/", "http://localhost:5001": "http://localhost:5001/", "https://a.example/kuai/": "https://a.example/kuai/"} {
		if got := banner(Config{PublicURL: url}, n, 1); !strings.Contains(got, "page     "+want+"\n") {
			t.Errorf("%s: no page %s in\n%s", url, want, got)
		}
	}
}
