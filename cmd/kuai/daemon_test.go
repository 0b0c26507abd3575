package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"kuai/chain"
)

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	release, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockDir(dir)
	var locked *lockedError
	if !errors.As(err, &locked) {
		t.Fatalf("second lock: %v", err)
	}
	if text := err.Error(); !strings.Contains(text, fmt.Sprintf("process %d, started at 20", os.Getpid())) || !strings.Contains(text, dir) {
		t.Errorf("it does not say who: %s", text)
	}
	release()
	release, err = lockDir(dir)
	if err != nil {
		t.Fatalf("lock after release: %v", err)
	}
	release()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory's mode: %v, %v", info, err)
	}
}

func TestExitCode(t *testing.T) {
	for want, err := range map[int]error{
		exitOK:      nil,
		exitFailure: errors.New("any"),
		exitUsage:   fmt.Errorf("at: %w", usageError{errors.New("any")}),
		exitLocked:  fmt.Errorf("at: %w", &lockedError{}),
		exitDamaged: errors.Join(fmt.Errorf("at: %w", chain.ErrDamaged), errors.New("any")),
		exitInUse:   fmt.Errorf("at: %w", &inUseError{}),
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}

func TestStopped(t *testing.T) {
	live := context.Background()
	ended, cancel := context.WithCancel(live)
	cancel()
	failure := errors.New("any")
	for _, c := range []struct {
		name      string
		ctx       context.Context
		err, want error
	}{
		{"signal", ended, context.Canceled, nil},
		{"signal, nothing said", ended, nil, nil},
		{"failure while stopping", ended, failure, failure},
		{"failure", live, failure, failure},
		{"cancelled by nobody", live, context.Canceled, context.Canceled},
	} {
		if got := stopped(c.ctx, c.err); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestListenHTTP(t *testing.T) {
	lns, err := listenHTTP(t.Context(), "127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(lns)
	port := lns[0].Addr().(*net.TCPAddr).Port
	for _, l := range lns {
		if a := l.Addr().(*net.TCPAddr); a.Port != port || !a.IP.IsLoopback() {
			t.Errorf("listens on %v", a)
		}
	}
	_, err = listenHTTP(t.Context(), "localhost", port)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), fmt.Sprintf("127.0.0.1:%d", port)) {
		t.Errorf("same port again: %v", err)
	}
	if first := urls(lns)[0]; first != fmt.Sprintf("http://127.0.0.1:%d", port) {
		t.Errorf("URL %s", first)
	}
}

func TestProbe(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	taken := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port)
	takenUDP := fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", p.LocalAddr().(*net.UDPAddr).Port)
	free := []string{"/ip4/127.0.0.1/tcp/0", "/ip6/::/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}
	if err := probe(t.Context(), Config{Listen: free}); err != nil {
		t.Errorf("free: %v", err)
	}
	for _, a := range []string{taken, takenUDP} {
		if err := probe(t.Context(), Config{Listen: append(free, a)}); exitCode(err) != exitInUse {
			t.Errorf("%s in use: %v", a, err)
		}
	}
	for _, a := range []string{"127.0.0.1:5", "/p2p-circuit"} {
		if err := probe(t.Context(), Config{Listen: []string{a}}); exitCode(err) != exitUsage {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestDaemonRefusesBeforeItBegins: what makes no sense leaves no data directory behind.
func TestDaemonRefusesBeforeItBegins(t *testing.T) {
	bad := write(t, "/key/swarm/psk/1.0.0/\n/base16/\nno hex\n")
	short := write(t, "/key/swarm/psk/1.0.0/\n/base16/\n00\n")
	empty := write(t, " \n")
	for _, c := range []struct{ args, says []string }{
		{[]string{"--announce", "x"}, []string{"--announce", `"x"`}},
		{[]string{"--listen", "/ip4/127.0.0.1"}, []string{"--listen", "/ip4/127.0.0.1"}},
		{[]string{"--swarm-key", bad}, []string{"--swarm-key", bad, "/key/swarm/psk/1.0.0/", "64 hex digits"}},
		{[]string{"--swarm-key", short}, []string{short, "64 hex digits"}},
		{[]string{"--swarm-key", "/nowhere"}, []string{"--swarm-key", "/nowhere"}},
		{[]string{"--api-token-file", empty}, []string{"--api-token-file", empty}},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		code, _, errOut := kuai(nil, append([]string{"daemon", "-p", "0", "--mdns=false", "--data-dir", dir}, c.args...)...)
		if code != exitUsage {
			t.Errorf("%q: exit code %d, want %d: %s", c.args, code, exitUsage, errOut)
		}
		for _, word := range c.says {
			if !strings.Contains(errOut, word) {
				t.Errorf("%q: nothing about %q in %s", c.args, word, errOut)
			}
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: there is a data directory: %v", c.args, err)
		}
	}
}

func TestVersion(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, c := range []struct {
		stamp, module string
		settings      []debug.BuildSetting
		want          string
	}{
		{"v9", "v1.2.3", nil, "v9"},
		{"", "v1.2.3", []debug.BuildSetting{revision}, "v1.2.3"},
		{"", "(devel)", []debug.BuildSetting{revision, modified}, "devel-0123456789ab+dirty"},
		{"", "", nil, "devel"},
	} {
		if got := describe(c.stamp, c.module, c.settings); got != c.want {
			t.Errorf("%q %q: %s, want %s", c.stamp, c.module, got, c.want)
		}
	}
}

// TestBanner is the first screen as a user sees it.
func TestBanner(t *testing.T) {
	cfg := Config{Port: 5000, HTTPHost: "127.0.0.1", Network: classic, MDNS: true, DataDir: "/home/me/.local/share/kuai/classic/5000"}
	n := nodeFile{
		Version: "v1", Network: "classic", NetworkID: "0123456789abcdef-1", PeerID: "12D3Koo",
		Addresses: []string{"/ip4/192.0.2.7/tcp/15000/p2p/12D3Koo", "/ip4/127.0.0.1/tcp/15000/p2p/12D3Koo"},
		API:       []string{"http://127.0.0.1:5000", "http://[::1]:5000"},
	}
	want := `kuai 块 v1

  network  classic (0123456789abcdef-1), at block 7
  address  12D3Koo
  peers    /ip4/192.0.2.7/tcp/15000/p2p/12D3Koo
           /ip4/127.0.0.1/tcp/15000/p2p/12D3Koo
  page     http://127.0.0.1:5000/
  data     /home/me/.local/share/kuai/classic/5000

A second node, in another terminal:

  ` + os.Args[0] + ` daemon -p 5001

`
	if os.Args[0] != program(os.Executable()) {
		want = strings.Replace(want, os.Args[0], "go run ./cmd/kuai", 1)
	}
	got := banner(cfg, n, 7) + where(cfg) + ":\n\n  " + second(cfg, n, anyFree) + "\n\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func anyFree(int) bool { return true }

func TestSecond(t *testing.T) {
	n := nodeFile{API: []string{"http://127.0.0.1:5000"}, Addresses: []string{"/ip4/127.0.0.1/tcp/15000/p2p/x", "/ip4/172.18.0.2/tcp/15000/p2p/x"}}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{HTTPHost: "127.0.0.1", Port: 5000, Network: classic, MDNS: true}, "daemon -p 5001"},
		{Config{HTTPHost: "127.0.0.1", Port: 0, Network: classic, MDNS: true, Ephemeral: true}, "daemon -p 0 --ephemeral"},
		{Config{HTTPHost: "127.0.0.1", Port: 0, Network: classic, MDNS: true, DataDir: "/d/classic/0"}, "daemon -p 0 --data-dir /d/classic/0-2"},
		{Config{HTTPHost: "0.0.0.0", Port: 0, Network: classic, DataDir: "/d/0"}, "daemon --peer /ip4/172.18.0.2/tcp/15000/p2p/x"},
		{
			Config{HTTPHost: "127.0.0.1", Port: 0, Network: "my class.json", SwarmKeyFile: "a'b", MDNS: true, DataDir: "/my data"},
			`daemon -p 0 --data-dir '/my data-2' --network 'my class.json' --swarm-key 'a'\''b'`,
		},
		{Config{HTTPHost: "::1", Port: 5000, Network: classic}, "daemon -p 5001 --peer http://127.0.0.1:5000"},
		{Config{HTTPHost: "127.0.0.1", Port: 5000, Network: "class.json", SwarmKeyFile: "key", MDNS: true}, "daemon -p 5001 --network class.json --swarm-key key"},
		{Config{HTTPHost: "0.0.0.0", Port: 5000, Network: classic, MDNS: true}, "daemon --peer /ip4/172.18.0.2/tcp/15000/p2p/x"},
	} {
		if got := second(c.cfg, n, anyFree); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s, want …%s", got, c.want)
		}
	}
}

// TestQuote gives each word to a shell and takes it back.
func TestQuote(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no sh to ask")
	}
	for _, word := range []string{"", "plain", "two words", "it's", `a"b`, "$HOME", "`x`", `back\slash`, "~", "*", "a;b", "块/c.json", "http://[::1]:5000", "#", "-x"} {
		if out, err := exec.Command("sh", "-c", "printf %s "+quote(word)).Output(); err != nil || string(out) != word {
			t.Errorf("%q: as %s it is %q, %v", word, quote(word), out, err)
		}
	}
	for _, word := range []string{"daemon", "-p", "--data-dir", "/home/me/.local/share/kuai/classic/0-2", "/ip4/192.0.2.1/tcp/15000/p2p/12D3Koo", "http://127.0.0.1:5000"} {
		if got := quote(word); got != word {
			t.Errorf("%s is quoted without need: %s", word, got)
		}
	}
}
