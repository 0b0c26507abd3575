package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"kuai/rpc/api"
)

const (
	maxClocks = 8               // nodes whose clocks are looked at
	clockSkew = 5 * time.Minute // that is worth a line; blocks more than two hours ahead are ignored
)

// clocks compares this machine's clock with those of the connected peers, by their statuses, and of the other registered nodes, by
// the Date of their answers. It names the one that differs most.
func (d *doctor) clocks(ctx context.Context, p api.Peers) {
	var most time.Duration // ahead of ours
	var whose string
	look := func(name string, ahead time.Duration) {
		if ahead.Abs() > most.Abs() {
			most, whose = ahead, name
		}
	}
	told := make(map[string]bool)
	for _, peer := range p.Peers {
		if peer.Connected && peer.Tip != nil { // its status came
			told[peer.ID] = true
			look(peerText(peer.Address, peer.Name), time.Duration(peer.ClockAhead)*time.Second)
		}
	}
	asked := 0
	for _, node := range p.Nodes {
		if node.URL == "" || told[node.PeerID] || asked == maxClocks {
			continue
		}
		if there, ok := clockOf(ctx, node.URL); ok {
			asked++
			look(node.Address, time.Until(there))
		}
	}
	if most.Abs() > clockSkew {
		order := "behind"
		if most < 0 {
			order = "ahead of"
		}
		d.say("clock", problem, fmt.Sprintf("this machine's clock is %v %s that of %s", most.Abs().Round(time.Minute), order, whose),
			"set the clock of this machine or of that one: a block whose time is more than two hours ahead is ignored")
		return
	}
	if n := len(told) + asked; n > 0 {
		d.say("clock", fine, "about that of "+count(n, "other node"), "")
	}
}

// clockOf returns what a node's clock says, to the second, and whether it said anything.
func clockOf(ctx context.Context, url string) (time.Time, bool) {
	ctx, cancel := context.WithTimeout(ctx, localDial)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+api.Path("getHealth"), nil)
	if err != nil {
		return time.Time{}, false
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return time.Time{}, false
	}
	res.Body.Close()
	at, err := http.ParseTime(res.Header.Get("Date"))
	return at, err == nil
}
