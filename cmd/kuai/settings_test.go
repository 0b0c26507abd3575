package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// kuai runs one command line in an environment.
func kuai(env []string, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(context.Background(), terminal{args, env, &o, &e})
	return code, o.String(), e.String()
}

// effective returns what 'kuai config' prints.
func effective(t *testing.T, env []string, args ...string) Config {
	t.Helper()
	code, out, errOut := kuai(env, append([]string{"config"}, args...)...)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	var c Config
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPrecedence(t *testing.T) {
	file := write(t, `{"port": 5003, "mine": "continuous"}`)
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want int
	}{
		{"default", nil, nil, 5000},
		{"file", nil, []string{"--config", file}, 5003},
		{"file named by env", []string{"KUAI_CONFIG=" + file}, nil, 5003},
		{"env over file", []string{"KUAI_PORT=5002"}, []string{"--config", file}, 5002},
		{"flag over env", []string{"KUAI_PORT=5002"}, []string{"--config", file, "-p", "5001"}, 5001},
		{"flag that says the default", []string{"KUAI_PORT=5002"}, []string{"--port=5000"}, 5000},
		{"empty env", []string{"KUAI_PORT="}, nil, 5000},
		{"last env", []string{"KUAI_PORT=5002", "KUAI_PORT=5004"}, nil, 5004},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := effective(t, c.env, c.args...).Port; got != c.want {
				t.Errorf("port %d, want %d", got, c.want)
			}
		})
	}
	if got := effective(t, []string{"KUAI_PORT=1"}, "--config", file).Mine; got != "continuous" {
		t.Errorf("the file's other keys count, too: mine is %q", got)
	}
}

func TestDerived(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/home/me/data")
	for _, c := range []struct {
		name string
		args []string
		dir  string
		p2p  int
	}{
		{"second node", []string{"-p", "5001"}, "/home/me/data/kuai/classic/5001", 15001},
		{"said", []string{"-p", "5001", "--p2p-port", "7", "--data-dir", "d"}, "d", 7},
		{"any", []string{"-p", "0"}, "/home/me/data/kuai/classic/0", 0},
		{"in memory", []string{"--ephemeral", "--data-dir", "d"}, "", 15000},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := effective(t, nil, c.args...); got.DataDir != c.dir || got.P2PPort != c.p2p {
				t.Errorf("%q and port %d, want %q and %d", got.DataDir, got.P2PPort, c.dir, c.p2p)
			}
		})
	}
}

func TestLists(t *testing.T) {
	want := []string{"http://kuai1:5000", "/dns4/kuai2/tcp/15000/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"}
	joined := strings.Join(want, ",")
	for name, got := range map[string]Config{
		"flags": effective(t, nil, "--peer", want[0], "--peer", want[1]),
		"comma": effective(t, nil, "--peer", joined),
		"env":   effective(t, []string{"KUAI_PEER=" + joined}),
		"file":  effective(t, nil, "--config", write(t, `{"peer": ["`+strings.Join(want, `", "`)+`"]}`)),
	} {
		if !reflect.DeepEqual(got.Peers, want) {
			t.Errorf("%s: %q", name, got.Peers)
		}
	}
}

// TestConfigRoundTrip feeds what 'kuai config' prints to --config.
func TestConfigRoundTrip(t *testing.T) {
	args := []string{"config", "-p", "5009", "--peer", "http://a:1", "--mdns=false", "--mine", "interval=5s", "--quic", "--log-format", "json"}
	_, first, _ := kuai(nil, args...)
	code, second, errOut := kuai(nil, "config", "--config", write(t, first))
	if code != exitOK || first != second {
		t.Errorf("exit code %d, %s\n%s\nthen\n%s", code, errOut, first, second)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		env  []string
		args []string
		says string
	}{
		{"flag", nil, []string{"--prot", "1"}, "--prot"},
		{"argument", nil, []string{"now"}, `"now"`},
		{"flag's value", nil, []string{"-p", "x"}, `"x"`},
		{"env's value", []string{"KUAI_PORT=x"}, nil, "KUAI_PORT"},
		{"env's name", []string{"KUAI_PROT=1"}, nil, "KUAI_PROT"},
		{"file", nil, []string{"--config", "/nowhere"}, "/nowhere"},
		{"file's text", nil, []string{"--config", write(t, "port: 1")}, "JSON"},
		{"text behind the file's object", nil, []string{"--config", write(t, `{"port": 1} x`)}, "nothing behind"},
		{"two objects in the file", nil, []string{"--config", write(t, `{"port": 1}{}`)}, "nothing behind"},
		{"file's key", nil, []string{"--config", write(t, `{"prot": 1}`)}, `"prot"`},
		{"file in file", nil, []string{"--config", write(t, `{"config": "x"}`)}, `"config"`},
		{"file's value", nil, []string{"--config", write(t, `{"peer": [1]}`)}, `"peer"`},
		{"port", nil, []string{"-p", "65536"}, "65536"},
		{"port without room", nil, []string{"-p", "60000"}, "--p2p-port"},
		{"ports equal", nil, []string{"--p2p-port", "5000"}, "5000"},
		{"open to others", nil, []string{"--http-host", "192.0.2.1"}, "--insecure-api"},
		{"open by name", nil, []string{"--http-host", "example.org"}, "--insecure-api"},
		{"mode", nil, []string{"--mine", "always"}, "always"},
		{"cores", nil, []string{"--mine-cores", "-1"}, "--mine-cores"},
		{"cores that no machine has", nil, []string{"--mine-cores", "1025"}, "0..1024"},
		{"share", nil, []string{"--mine-share", "0"}, "--mine-share"},
		{"share above all", nil, []string{"--mine-share", "101"}, "--mine-share"},
		{"level", nil, []string{"--log-level", "loud"}, "loud"},
		{"format", nil, []string{"--log-format", "xml"}, "xml"},
		{"QUIC in private", nil, []string{"--quic", "--swarm-key", "k"}, "--swarm-key"},
		{"peer", nil, []string{"--peer", "/ip4/192.0.2.1/tcp/15000"}, "/p2p/"},
		{"peer's URL", nil, []string{"--peer", "http://"}, "http"},
		{"listen", nil, []string{"--listen", "x"}, "--listen"},
		{"listen without a port", nil, []string{"--listen", "/ip4/127.0.0.1"}, "/tcp/15000"},
		{"listen on nothing", nil, []string{"--listen", "/p2p-circuit"}, "/tcp/15000"},
		{"listen for TLS", nil, []string{"--listen", "/ip4/127.0.0.1/tcp/1/wss"}, "/tcp/15000"},
		{"listen with QUIC unasked", nil, []string{"--listen", "/ip4/127.0.0.1/udp/1/quic-v1"}, "--quic"},
		{"announce", nil, []string{"--announce", "/ip4/192.0.2.1/tcp/1,x"}, "--announce"},
		{"network", nil, []string{"--network", "/nowhere"}, "/nowhere"},
		{"network's text", nil, []string{"--network", write(t, "{}")}, "--network"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, errOut := kuai(c.env, append([]string{"config"}, c.args...)...)
			if code != exitUsage || !strings.Contains(errOut, c.says) {
				t.Errorf("exit code %d, want %d; says %q, want something about %q", code, exitUsage, errOut, c.says)
			}
		})
	}
}

func TestTaken(t *testing.T) {
	for _, args := range [][]string{
		{"--http-host", "::1"},
		{"--http-host", "localhost"},
		{"--http-host", "0.0.0.0", "--insecure-api"},
		{"--http-host", "0.0.0.0", "--api-token-file", "token"},
		{"-p", "60000", "--p2p-port", "0"},
		{"--listen", "/ip4/127.0.0.1/udp/1/quic-v1,/ip6/::/tcp/0", "--quic"},
		{"--listen", "/dns4/localhost/tcp/0,/ip6zone/eth0/ip6/fe80::1/tcp/1"},
		{"--mine-cores", "1024"},
		{"--announce", "/dns4/example.org/tcp/15000"},
	} {
		if code, _, errOut := kuai(nil, append([]string{"config"}, args...)...); code != exitOK {
			t.Errorf("%q: exit code %d, %s", args, code, errOut)
		}
	}
}

// TestEveryFlagHasKey holds flags, keys and the struct together.
func TestEveryFlagHasKey(t *testing.T) {
	_, out, _ := kuai(nil, "config")
	var keys map[string]any
	if err := json.Unmarshal([]byte(out), &keys); err != nil {
		t.Fatal(err)
	}
	for _, c := range newRoot(terminal{}).Commands() {
		if c.Name() != "config" {
			continue
		}
		for key := range keys {
			if c.Flags().Lookup(key) == nil && key != derivedKey {
				t.Errorf("key %q has no flag", key)
			}
			delete(keys, key)
		}
		fields := slices.DeleteFunc(reflect.VisibleFields(reflect.TypeFor[Config]()), func(f reflect.StructField) bool { return !f.IsExported() })
		if n := len(fields); n != strings.Count(out, "\": ") {
			t.Errorf("%d fields, %d keys", n, strings.Count(out, "\": "))
		}
	}
}

// TestConfigFreezesNothingDerived: what 'kuai config' worked out from a port or a network follows another one later.
func TestConfigFreezesNothingDerived(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/home/me/data")
	_, text, _ := kuai(nil, "config", "--mine", "instant")
	file := write(t, text)
	for name, got := range map[string]Config{
		"flag": effective(t, nil, "--config", file, "-p", "5001"),
		"env":  effective(t, []string{"KUAI_PORT=5001", "KUAI_CONFIG=" + file}),
	} {
		if got.P2PPort != 15001 || got.Listen[0] != "/ip4/0.0.0.0/tcp/15001" || got.DataDir != "/home/me/data/kuai/classic/5001" || got.Mine != "instant" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	network := write(t, `{"name": "n", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 5, "transactions": []}}`)
	if got := effective(t, nil, "--config", file, "--network", network).DataDir; strings.Contains(got, "classic") {
		t.Errorf("another network in %s", got)
	}
	_, text, _ = kuai(nil, "config", "--p2p-port", "7", "--data-dir", "d")
	if got := effective(t, nil, "--config", write(t, text), "-p", "5001"); got.P2PPort != 7 || got.DataDir != "d" {
		t.Errorf("what was said is lost: %+v", got)
	}
	for _, bad := range []string{`{"derived": "listen"}`, `{"derived": ["port"]}`, `{"derived": [1]}`} {
		if code, _, errOut := kuai(nil, "config", "--config", write(t, bad)); code != exitUsage || !strings.Contains(errOut, `"derived"`) {
			t.Errorf("%s: exit code %d: %s", bad, code, errOut)
		}
	}
}

func TestNamesOfThisNode(t *testing.T) {
	for _, args := range [][]string{
		{"--allow-host", "node.test:7600"}, {"--allow-host", "http://node.test"}, {"--allow-host", "Node.Test."}, {"--public-url", "http://localhost:5000"},
		{"--public-url", "https://example.org/kuai/"},
	} {
		if code, _, errOut := kuai(nil, append([]string{"config"}, args...)...); code != exitOK {
			t.Errorf("%q: exit code %d: %s", args, code, errOut)
		}
	}
	for _, args := range [][]string{
		{"--allow-host", "*.test"}, {"--allow-host", "a b"}, {"--allow-host", "ftp://node.test"}, {"--public-url", "localhost:5000"}, {"--public-url", "http://"},
	} {
		if code, _, errOut := kuai(nil, append([]string{"config"}, args...)...); code != exitUsage || !strings.Contains(errOut, args[0]) {
			t.Errorf("%q: exit code %d: %s", args, code, errOut)
		}
	}
	c := Config{PublicURL: "https://Example.org:8443/kuai", AllowHosts: []string{"node.test"}}
	if got := strings.Join(c.hosts(), " "); got != "example.org node.test" {
		t.Errorf("hosts: %s", got)
	}
}

// TestPeersLikeARegistration: --peer takes what a registration takes.
func TestPeersLikeARegistration(t *testing.T) {
	said := []string{"127.0.0.1:5001", "localhost:5001", "[::1]:5001", "http://a:1", "/ip4/192.0.2.1/tcp/1/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"}
	if got := effective(t, nil, "--peer", strings.Join(said, ",")).Peers; !slices.Equal(got, said) {
		t.Errorf("%q, want %q", got, said)
	}
	if code, _, errOut := kuai(nil, "config", "--peer", "localhost"); code != exitUsage || !strings.Contains(errOut, `--peer "localhost": an address without http:// needs a port`) {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}

// Data that an earlier kuai keeps where another system's programs keep it is found again.
func TestDataHome(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows itself says where, whatever the environment")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	former := filepath.Join(home, ".local", "share")
	usual := former
	if runtime.GOOS == "darwin" {
		usual = filepath.Join(home, "Library", "Application Support")
	}
	for _, step := range []struct{ name, set, make, want string }{
		{"nothing is there", "", "", usual},
		{"an earlier kuai's data", "", filepath.Join(former, "kuai"), former},
		{"both", "", filepath.Join(usual, "kuai"), usual},
		{"named", filepath.Join(home, "named"), "", filepath.Join(home, "named")},
		{"named badly", "not/absolute", "", usual},
	} {
		t.Setenv("XDG_DATA_HOME", step.set)
		if step.make != "" {
			if err := os.MkdirAll(step.make, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := dataHome(); err != nil || got != step.want {
			t.Errorf("%s: got %s, %v, want %s", step.name, got, err, step.want)
		}
	}
}
