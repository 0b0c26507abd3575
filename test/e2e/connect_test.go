package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"kuai/test/process"
)

// TestConnectSaysWhatBecameOfIt: 'kuai connect' ends with 0 if the nodes are connected, and says why they are not.
func TestConnectSaysWhatBecameOfIt(t *testing.T) {
	a, b := startDaemon(t), startDaemon(t)
	flask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/chain" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, `{"chain": [], "length": 0}`)
	}))
	defer flask.Close()
	dead := newDaemon(t)
	deadPeer := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo", dead.p2p)
	for _, c := range []struct {
		name, address string
		code          int
		says          string
	}{
		{"host:port", fmt.Sprintf("127.0.0.1:%d", b.port), 0, "connected to " + b.node().PeerID},
		{"URL, again", b.url() + "/", 0, "connected to " + b.node().PeerID},
		{"multiaddr", b.multiaddr(), 0, "connected to " + b.node().PeerID},
		{"itself", a.url(), 1, "this node itself"},
		{"itself by multiaddr", a.multiaddr(), 1, "this node itself"},
		{"nobody", dead.url(), 1, "goes on trying"},
		{"nobody by multiaddr", deadPeer, 1, "goes on trying"},
		{"Flask", flask.URL, 0, "a Flask node"},
		{"no address", "127.0.0.1", 2, "needs a port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := ends(t, exec.Command(process.Kuai, "connect", c.address, "--api", a.url()))
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, c.code, c.says, out)
			}
		})
	}
	for _, address := range []string{b.url(), deadPeer, dead.url(), flask.URL} {
		if code, out := ends(t, exec.Command(process.Kuai, "disconnect", address, "--api", a.url())); code != 0 {
			t.Errorf("disconnect %s: exit code %d: %s", address, code, out)
		}
	}
	if code, out := ends(t, exec.Command(process.Kuai, "disconnect", "127.0.0.1:1", "--api", a.url())); code != 1 || !strings.Contains(out, "kuai peers") {
		t.Errorf("disconnect a stranger: exit code %d: %s", code, out)
	}
}

// TestPeerByHostAndPort gives --peer what a registration takes.
func TestPeerByHostAndPort(t *testing.T) {
	a := startDaemon(t)
	b := startDaemon(t, "--peer", fmt.Sprintf("127.0.0.1:%d", a.port))
	a.mine()
	agreed(t, a, b)
}

// TestVerbsFindTheBoundHost: with the data directory alone, as in the image, whatever port and host the node is bound to.
func TestVerbsFindTheBoundHost(t *testing.T) {
	for _, host := range []string{"127.0.0.2", "::1", "0.0.0.0", "::"} {
		d := newDaemon(t)
		d.Launch("--http-host", host, "--insecure-api")
		process.Eventually(t, "health on "+host, process.StartTime, func() error {
			cmd := exec.Command(process.Kuai, "health")
			cmd.Env = append(process.Environment(), "KUAI_DATA_DIR="+d.dir, "XDG_DATA_HOME="+t.TempDir())
			if code, out := ends(t, cmd); code != 0 {
				return fmt.Errorf("exit code %d: %s", code, out)
			}
			return nil
		})
		d.Stop()
	}
}
