package e2e

import (
	"fmt"
	"strings"
	"testing"

	"kuai/rpc/api"
	"kuai/test/process"
)

// set changes the switches of a node's lab.
func (d *daemon) set(s api.NewSwitches) {
	d.t.Helper()
	var now api.Switches
	if err := d.ask("PUT", "/lab/switches", mustJSON(d.t, s), 200, &now); err != nil {
		d.t.Fatal(err)
	}
}

// lacks reports whether the node answers 404.
func (d *daemon) lacks(path string) bool {
	resp, err := client.Get(d.url() + path)
	if err != nil {
		d.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode == 404
}

// TestLab cuts one of two nodes off while both mine, heals it, and sets its clock wrong. A restart ends all of it.
func TestLab(t *testing.T) {
	a := startDaemon(t, "--lab")
	b := startDaemon(t, "--peer", a.url())
	peers := func(n int) {
		t.Helper()
		process.Eventually(t, fmt.Sprintf("%d peers", n), settle, func() error {
			if x, y := a.node().Peers, b.node().Peers; x != n || y != n {
				return fmt.Errorf("%d and %d", x, y)
			}
			return nil
		})
	}
	peers(1)
	if !b.lacks("/lab") {
		t.Error("a node has a lab without the flag")
	}
	if !strings.Contains(a.Out.String(), "this node has a lab") {
		t.Errorf("the log does not tell of the lab:\n%s", a.Out)
	}

	a.set(api.NewSwitches{Cut: []string{b.node().PeerID}})
	peers(0)
	a.mineMany(2)
	b.mineMany(3)
	if a.node().Height != 3 || b.node().Height != 4 {
		t.Errorf("heights apart: %d and %d", a.node().Height, b.node().Height)
	}
	a.set(api.NewSwitches{Loss: 100}) // statuses are enough
	peers(1)
	agreed(t, a, b)

	a.set(api.NewSwitches{ClockSkew: 3 * 60 * 60})
	a.mine()
	var ahead api.BlockInfo
	a.get("/blocks/latest", &ahead)
	b.mineMany(2)
	agreed(t, a, b) // no other node takes a block that is more than two hours ahead
	if !b.lacks("/blocks/" + ahead.Hash) {
		t.Error("a block of a wrong clock was taken")
	}

	a.set(api.NewSwitches{CutAll: true, Pause: true})
	a.Stop()
	a.Start("--lab")
	peers(1)
	var lab api.Lab
	a.get("/lab", &lab)
	if s := lab.Switches; s.CutAll || s.Pause || len(s.Cut) > 0 {
		t.Errorf("switches outlive the process: %+v", s)
	}
}
