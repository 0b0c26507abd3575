package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestAuthAndOriginsAreChecked(t *testing.T) {
	token := write(t, "token\n")
	for _, args := range [][]string{
		{"--api-auth", "local"}, {"--api-auth", "local", "--http-host", "0.0.0.0"}, {"--cors-origin", "http://localhost:3000"},
		{"--cors-origin", "http://localhost:3000,https://app.test", "--cors-origin", "http://[::1]:8080"},
	} {
		if code, _, errOut := kuai(nil, append([]string{"config"}, args...)...); code != exitOK {
			t.Errorf("%q: exit code %d: %s", args, code, errOut)
		}
	}
	for _, args := range [][]string{
		{"--api-auth", "all"}, {"--api-auth", "local", "--api-token-file", token}, {"--api-auth", "local", "--insecure-api"}, {"--api-auth", "local", "--ephemeral"},
		{"--cors-origin", "*"}, {"--cors-origin", "http://*.test"}, {"--cors-origin", "localhost:3000"}, {"--cors-origin", "null"}, {"--cors-origin", "http://a.test/path"},
	} {
		if code, _, errOut := kuai(nil, append([]string{"config"}, args...)...); code != exitUsage || !strings.Contains(errOut, args[0]) {
			t.Errorf("%q: exit code %d: %s", args, code, errOut)
		}
	}
}

// TestACookieIsForItsNodeAlone: a verb reads it if it asks one of the URLs in the node's own file, and for no other.
func TestACookieIsForItsNodeAlone(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	dir := filepath.Join(home, "kuai", "classic", "5000")
	keepNode(t, dir, "http://127.0.0.1:5000", "http://[::1]:5000")
	keepNode(t, filepath.Join(home, "kuai", "classic", "5001"), "http://127.0.0.1:5001")
	token, remove, err := writeCookie(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, cookieName)); err != nil || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) || len(token) < 26 {
		t.Errorf("token %q in %v, %v", token, info.Mode(), err)
	}
	for api, want := range map[string]string{
		"http://127.0.0.1:5000": token, "http://[::1]:5000": token, "http://localhost:5000": token, "http://127.0.0.1:5000/": token,
		"http://127.0.0.1:5001": "", "http://127.0.0.1:5002": "", "https://127.0.0.1:5000": "", "http://example.org:5000": "", "http://127.0.0.1.evil.example:5000": "", "http://10.0.0.1:5000": "", "http://127.0.0.2:5000": "",
	} {
		if got := (&asking{api: api}).cookie(); got != want {
			t.Errorf("%s: %q, want %q", api, got, want)
		}
		if got := (&asking{api: api, dataDir: t.TempDir()}).cookie(); got != "" {
			t.Errorf("%s with another directory: %q", api, got)
		}
	}
	if got := (&asking{api: "http://127.0.0.1:5000", dataDir: dir}).cookie(); got != token {
		t.Errorf("by its directory: %q", got)
	}
	other, _, err := writeCookie(dir)
	if err != nil || other == token {
		t.Errorf("the next token is the same: %q, %v", other, err)
	}
	remove()
	if got := (&asking{api: "http://127.0.0.1:5000"}).cookie(); got != "" {
		t.Errorf("after the end: %q", got)
	}
}

func TestBannerOfANodeThatAsks(t *testing.T) {
	n := nodeFile{API: []string{"http://127.0.0.1:5000"}, Addresses: []string{"/ip4/192.168.0.5/tcp/15000/p2p/id"}}
	cfg := Config{HTTPHost: "127.0.0.1", Port: 5000, Network: classic, DataDir: "/d", APIAuth: authLocal}
	if got := banner(cfg, n, 1); !strings.Contains(got, filepath.Join("/d", cookieName)) {
		t.Errorf("the banner does not say where the token is: %s", got)
	}
	if got := second(cfg, n, func(int) bool { return true }); !strings.Contains(got, "--peer "+n.Addresses[0]) {
		t.Errorf("a second node would be told %q", got)
	}
}
