package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// foreignEnv is what Kubernetes sets for the services kuai and kuai-p2p, and Docker for the linked containers kuai and kuai_1.
var foreignEnv = []string{
	"KUAI_SERVICE_HOST=10.96.3.4", "KUAI_SERVICE_PORT=5000", "KUAI_SERVICE_PORT_HTTP=5000", "KUAI_PORT=tcp://10.96.3.4:5000",
	"KUAI_PORT_5000_TCP=tcp://10.96.3.4:5000", "KUAI_PORT_5000_TCP_PROTO=tcp", "KUAI_PORT_5000_TCP_PORT=5000", "KUAI_PORT_5000_TCP_ADDR=10.96.3.4",
	"KUAI_PORT_15000_UDP=udp://10.96.3.4:15000", "KUAI_PORT_15000_UDP_ADDR=10.96.3.4",
	"KUAI_P2P_SERVICE_HOST=fd00::1", "KUAI_P2P_PORT=tcp://[fd00::1]:15000", "KUAI_P2P_PORT_15000_TCP_ADDR=fd00::1",
	"KUAI_NAME=/web/kuai", "KUAI_ENV_PATH=/bin:/usr/bin", "KUAI_ENV_GREETING=two\nlines", "KUAI_1_PORT=tcp://172.17.0.2:5000", "KUAI_1_NAME=/web/kuai_1",
	"KUAI_PORT_5000_TCP_PORT_START=5000", "KUAI_PORT_5000_TCP_PROTO_END=tcp",
}

func TestVariablesOfOthersAreIgnored(t *testing.T) {
	for _, v := range foreignEnv {
		if code, _, errOut := kuai([]string{v}, "version"); code != exitOK {
			t.Errorf("%s: exit code %d: %s", v, code, errOut)
		}
	}
	if got := effective(t, foreignEnv); got.Port != 5000 || got.P2PPort != 15000 {
		t.Errorf("ports %d and %d", got.Port, got.P2PPort)
	}
	if got := effective(t, append([]string{"KUAI_PORT=5001", "KUAI_P2P_PORT=7"}, foreignEnv...)); got.Port != 5001 || got.P2PPort != 7 {
		t.Errorf("ports %d and %d, want those that were set as well", got.Port, got.P2PPort)
	}
	code, _, errOut := kuai(foreignEnv, "daemon", "-p", "0", "--data-dir", "/dev/null/none")
	if code != exitFailure || strings.Count(errOut, "level=WARN") != 1 || !strings.Contains(errOut, "KUAI_SERVICE_HOST") {
		t.Errorf("exit code %d, want one warning with the names:\n%s", code, errOut)
	}
}

func TestUnknownNamesGetTheNearest(t *testing.T) {
	for _, c := range []struct {
		env  string
		args []string
		says string
	}{
		{"KUAI_PROT=1", []string{"version"}, "(did you mean KUAI_PORT?)"},
		{"KUAI_DATADIR=x", []string{"status"}, "(did you mean KUAI_DATA_DIR?)"},
		{"KUAI_HOST=x", []string{"config"}, "(did you mean KUAI_HTTP_HOST?)"},
		{"KUAI_SERVICE=web", []string{"config"}, "unknown environment variable KUAI_SERVICE"},
		{"KUAI_PORTS=tcp://10.0.0.1:5000", []string{"config"}, "(did you mean KUAI_PORT?)"},
		{"KUAI_HELP=true", []string{"config"}, "unknown environment variable KUAI_HELP"},
		{"KUAI_VERSION=true", []string{"config"}, "unknown environment variable KUAI_VERSION"},
		{"", []string{"daemn"}, `unknown command "daemn" (did you mean daemon?)`},
		{"", []string{"help", "daemn"}, `unknown command "daemn" (did you mean daemon?)`},
		{"", []string{"stat"}, "(did you mean status?)"},
		{"", []string{"Status"}, "(did you mean status?)"},
		{"", []string{"network", "show", "Secure"}, "(did you mean secure?)"},
		{"", []string{"xyzzy"}, "unknown command \"xyzzy\"\n"},
		{"", []string{"config", "--prot", "1"}, "unknown flag: --prot (did you mean --port?)"},
		{"", []string{"status", "--token", "x"}, "unknown flag: --token (did you mean --api-token-file?)"},
		{"", []string{"config", "-json"}, "unknown flag -json (did you mean --json?)"},
		{"", []string{"config", "--config", write(t, `{"prt": 1}`)}, `unknown key "prt" (did you mean port?)`},
		{"", []string{"config", "--config", write(t, `{"help": true}`)}, `unknown key "help"`},
	} {
		env := []string{c.env}
		if code, _, errOut := kuai(env, c.args...); code != exitUsage || !strings.Contains(errOut, c.says) {
			t.Errorf("%s kuai %q: exit code %d, says %q, want %q", c.env, c.args, code, errOut, c.says)
		}
	}
}

func TestTildeIsHome(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	want := filepath.Join(home, "chain")
	for name, got := range map[string]Config{
		"env":  effective(t, []string{"KUAI_DATA_DIR=~/chain"}),
		"file": effective(t, nil, "--config", write(t, `{"data-dir": "~/chain"}`)),
		"flag": effective(t, nil, "--data-dir=~/chain"),
	} {
		if got.DataDir != want {
			t.Errorf("%s: %s, want %s", name, got.DataDir, want)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "c.json"), []byte(`{"port": 7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := effective(t, []string{"KUAI_CONFIG=~/c.json", "KUAI_API_TOKEN_FILE=~/token", "KUAI_SWARM_KEY=~"}); got.Port != 7 ||
		got.APITokenFile != filepath.Join(home, "token") || got.SwarmKeyFile != home {
		t.Errorf("%+v", got)
	}
	for _, literal := range []string{"./~", "~file", "a/~"} {
		if got := effective(t, []string{"KUAI_DATA_DIR=" + literal}); got.DataDir != literal {
			t.Errorf("%s became %s", literal, got.DataDir)
		}
	}
	t.Setenv("HOME", "")
	if code, _, errOut := kuai([]string{"KUAI_DATA_DIR=~/chain"}, "config"); code != exitUsage || !strings.Contains(errOut, "home directory") {
		t.Errorf("without a home: exit code %d: %s", code, errOut)
	}
}
