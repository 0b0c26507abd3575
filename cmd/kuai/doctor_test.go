package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kuai/rpc/api"
)

// examined runs the doctor and returns the finding of a check.
func examined(t *testing.T, check string, args ...string) finding {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	code, out, errOut := kuai(nil, append([]string{"doctor", "--json", "--p2p-port", "0"}, args...)...)
	var d diagnosis
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("%v: %s%s", err, out, errOut)
	}
	if (code == exitOK) != d.OK || code > exitFailure {
		t.Errorf("exit code %d, ok %v: %s", code, d.OK, errOut)
	}
	for _, f := range d.Findings {
		if f.Check == check {
			return f
		}
	}
	return finding{}
}

func portOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func TestDoctorNamesWhoHasThePort(t *testing.T) {
	airPlay := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if airPlay {
			w.Header().Set("Server", "AirTunes/775.3.1")
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer srv.Close()
	port := portOf(t, srv.URL)
	f := examined(t, "port", "-p", port)
	if f.State != problem || !strings.Contains(f.Text, "has port "+port) || !strings.Contains(f.Remedy, "start with -p") {
		t.Errorf("%+v", f)
	}
	if runtime.GOOS == "linux" && !strings.Contains(f.Text, fmt.Sprintf("process %d,", os.Getpid())) {
		t.Errorf("it does not name this process: %s", f.Text)
	}
	airPlay = true
	if f := examined(t, "port", "-p", port); f.State != problem || !strings.Contains(f.Text, "AirPlay Receiver") || !strings.Contains(f.Remedy, "AirDrop & Handoff") {
		t.Errorf("%+v", f)
	}
	srv.Close()
	if f := examined(t, "port", "-p", port); f.State != fine {
		t.Errorf("%+v", f)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if f := examined(t, "p2p-port", "-p", port, "--p2p-port", taken); f.State != problem || !strings.Contains(f.Text, "has port "+taken) {
		t.Errorf("%+v", f)
	}
}

func TestListenerIn(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1389 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 100 0 0 10 0
`
	if inode, user, ok := listenerIn(table, 5000); !ok || inode != "4711" || user != "1000" {
		t.Errorf("%s %s %v", inode, user, ok)
	}
	if _, _, ok := listenerIn(table, 5001); ok {
		t.Error("a connection is not a listener")
	}
}

func TestDoctorLooksIntoTheDataDirectory(t *testing.T) {
	if f := examined(t, "data", "-p", "1", "--data-dir", filepath.Join(t.TempDir(), "none")); f.State != fine || !strings.Contains(f.Text, "does not exist yet") {
		t.Errorf("%+v", f)
	}
	dir, _ := keptChain(t, 1)
	if f := examined(t, "data", "-p", "1", "--data-dir", dir); f.State != fine || !strings.Contains(f.Text, "can be opened") {
		t.Errorf("%+v", f)
	}
	if f := examined(t, "disk", "-p", "1", "--data-dir", dir); runtime.GOOS == "linux" && !strings.Contains(f.Text, "are free in "+dir) {
		t.Errorf("%+v", f)
	}
	release, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f := examined(t, "data", "-p", "1", "--data-dir", dir); f.State != problem || !strings.Contains(f.Text, fmt.Sprintf("process %d, which does not answer at http://127.0.0.1:1", os.Getpid())) {
		t.Errorf("%+v", f)
	}
	release()
	other := write(t, `{"name": "other", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 5, "transactions": []}}`)
	if f := examined(t, "data", "-p", "1", "--data-dir", dir, "--network", other); f.State != problem || !strings.Contains(f.Remedy, "--network") {
		t.Errorf("%+v", f)
	}
	if err := os.WriteFile(filepath.Join(dir, "identity.key"), []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := examined(t, "data", "-p", "1", "--data-dir", dir); f.State != problem || !strings.Contains(f.Remedy, "delete it") {
		t.Errorf("%+v", f)
	}
}

// TestDoctorSaysWhoCannotBeReached asks a stand-in for a node of another network whose disk has failed.
func TestDoctorSaysWhoCannotBeReached(t *testing.T) {
	answers := map[string]any{
		"/node":   api.Node{PeerID: "me", Agent: "kuai/test", Network: "other-1", Height: 7, Dialable: &api.Dialable{State: "yes", Address: "/ip4/192.0.2.1/tcp/1", By: "a"}},
		"/readyz": api.Readiness{Error: "no space left on device"},
		"/peers": api.Peers{Peers: []api.Peer{
			{ID: "a", Address: "/ip4/192.0.2.1/tcp/15000/p2p/a", Static: true, Reason: "unreachable: connection refused", LastError: "dial tcp: connection refused"},
			{ID: "b", Address: "/ip4/192.0.2.2/tcp/15000/p2p/b", LastError: "timed out"},
			{ID: "c", Connected: true},
			{Address: "http://192.0.2.3:5000", Static: true, State: "same identity as this node, next try in 10 min", LastError: "another node has this node's identity"},
		}, Nodes: []api.RegisteredNode{{Address: "192.0.2.1:5000", PeerID: "c", Kind: "kuai", State: "connected"}}},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(answers[r.URL.Path])
	}))
	defer srv.Close()
	port := portOf(t, srv.URL)
	for check, want := range map[string]finding{
		"node":    {"node", fine, "kuai/test runs at " + srv.URL + ", at block 7", ""},
		"network": {"network", fine, "other-1, not the classic one", ""},
		"ready":   {"ready", problem, "the node's disk failed: no space left on device", "make room or mend the disk, then restart the node"},
		"outside": {"outside", fine, "can be dialled at /ip4/192.0.2.1/tcp/1, as a found", ""},
		"identity": {"identity", problem, "another node, at http://192.0.2.3:5000, has the same identity as this one: one data directory is a copy of the other",
			"stop one of the two nodes, delete its identity.key and start it again"},
		"peer": {"peer", problem, "/ip4/192.0.2.1/tcp/15000/p2p/a cannot be reached: connection refused",
			"see that it runs, its port is open and the address is right; 'kuai disconnect' forgets it"},
	} {
		if got := examined(t, check, "-p", port); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if f := examined(t, "network", "-p", port, "--network", "classic"); f.State != problem || !strings.Contains(f.Text, "of network other-1") {
		t.Errorf("%+v", f)
	}
}

// TestRemedyForARefusal: a peer that answers, and has no place for this node, has no fault of its port.
func TestRemedyForARefusal(t *testing.T) {
	for why, want := range map[string]string{
		"it refuses this node for a while":      "let this node in",
		"it has as many connections as it may":  "let this node in",
		"connection refused":                    "its port is open",
		"this node has as many connections now": "its port is open",
	} {
		if got := remedyFor(why); !strings.Contains(got, want) {
			t.Errorf("%s: %s", why, got)
		}
	}
}

// TestDoctorSaysWhetherOthersCanDial, if the node finds out.
func TestDoctorSaysWhetherOthersCanDial(t *testing.T) {
	for _, c := range []struct {
		said  *api.Dialable
		state string // "": nothing is said
	}{{nil, ""}, {&api.Dialable{State: "yes"}, fine}, {&api.Dialable{State: "no"}, note}, {&api.Dialable{State: "unknown"}, note}} {
		d := &doctor{node: &api.Node{Dialable: c.said}}
		d.outside()
		if (len(d.found) == 0) != (c.state == "") || c.state != "" && (d.found[0].State != c.state || d.found[0].Text != dialableText(c.said)) {
			t.Errorf("%+v: %+v", c.said, d.found)
		}
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	now := time.Now()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	}))
	defer srv.Close()
	nodes := []api.RegisteredNode{{Address: "gone", URL: "http://127.0.0.1:1"}, {Address: "multiaddr"}, {Address: "other", URL: srv.URL}}
	for skew, want := range map[time.Duration]finding{
		0:                 {State: fine, Text: "about that of 1 other node"},
		3 * time.Hour:     {State: problem, Text: "this machine's clock is 3h0m0s behind that of other"},
		-20 * time.Minute: {State: problem, Text: "this machine's clock is 20m0s ahead of that of other"},
	} {
		now = time.Now().Add(skew)
		d := &doctor{}
		d.clocks(t.Context(), api.Peers{Nodes: nodes})
		if len(d.found) != 1 || d.found[0].State != want.State || d.found[0].Text != want.Text {
			t.Errorf("%v: %+v, want %+v", skew, d.found, want)
		}
	}
	d := &doctor{}
	if d.clocks(t.Context(), api.Peers{Nodes: nodes[:2]}); d.found != nil {
		t.Errorf("nobody was asked: %+v", d.found)
	}
}

// TestDoctorComparesClocksOfPeers names the one that differs most, and does not ask a peer that told its time already.
func TestDoctorComparesClocksOfPeers(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a connected peer was asked") }))
	defer srv.Close()
	tip := "0"
	level := api.Peer{ID: "a", Address: "/a", Connected: true, Tip: &tip, ClockAhead: 299}
	silent := api.Peer{ID: "b", Address: "/b", Connected: true}
	gone := api.Peer{ID: "c", Address: "/c", Tip: &tip, ClockAhead: 9e4}
	behind := api.Peer{ID: "d", Address: "/d", Connected: true, Tip: &tip, ClockAhead: -3600}
	ahead := api.Peer{ID: "e", Address: "/e", Name: "lab-pc-7", Connected: true, Tip: &tip, ClockAhead: 3 * 3600}
	const remedy = "set the clock of this machine or of that one: a block whose time is more than two hours ahead is ignored"
	for _, c := range []struct {
		peers []api.Peer
		want  []finding
	}{
		{[]api.Peer{silent, gone}, nil},
		{[]api.Peer{level, silent, gone}, []finding{{"clock", fine, "about that of 1 other node", ""}}},
		{[]api.Peer{level, behind}, []finding{{"clock", problem, "this machine's clock is 1h0m0s ahead of that of /d", remedy}}},
		{[]api.Peer{level, behind, ahead, silent}, []finding{{"clock", problem, `this machine's clock is 3h0m0s behind that of /e "lab-pc-7"`, remedy}}},
	} {
		d := &doctor{}
		p := api.Peers{Peers: c.peers}
		for _, peer := range c.peers {
			if peer.Connected && peer.Tip != nil {
				p.Nodes = append(p.Nodes, api.RegisteredNode{PeerID: peer.ID, URL: srv.URL})
			}
		}
		if d.clocks(t.Context(), p); !slices.Equal(d.found, c.want) {
			t.Errorf("%+v, want %+v", d.found, c.want)
		}
	}
}
