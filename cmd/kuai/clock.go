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

// clocks compares this machine's clock with those of the registered nodes, by the Date of their answers.
func (d *doctor) clocks(ctx context.Context, nodes []api.RegisteredNode) {
	compared := 0
	for _, node := range nodes {
		if node.URL == "" || compared == maxClocks {
			continue
		}
		there, ok := clockOf(ctx, node.URL)
		if !ok {
			continue
		}
		compared++
		if skew := time.Since(there); skew.Abs() > clockSkew {
			order := "behind"
			if skew > 0 {
				order = "ahead of"
			}
			d.say("clock", problem, fmt.Sprintf("this machine's clock is %v %s that of %s", skew.Abs().Round(time.Minute), order, node.Address),
				"set the one that is wrong: a block whose time is more than two hours ahead is ignored")
			return
		}
	}
	if compared > 0 {
		d.say("clock", fine, "about that of "+count(compared, "registered node"), "")
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
