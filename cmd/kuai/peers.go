package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

func newPeers() *cobra.Command {
	return verb("peers", "List connected, registered and remembered peers",
		func(ctx context.Context, c *rpc.Client) (api.Peers, error) { return c.Peers(ctx) }, printPeers)
}

func printPeers(w io.Writer, l language, p api.Peers) error {
	if len(p.Peers) == 0 {
		_, err := fmt.Fprintln(w, l.text("no peers: 'kuai connect ADDRESS' introduces this node to one"))
		return err
	}
	t := newTable(w)
	for _, peer := range p.Peers {
		state, why := "away", "\t"+l.text(peer.State)
		if peer.Connected {
			state = peer.Direction
		}
		if peer.State == "connected" {
			why = ""
		}
		if peer.Score < 0 {
			why += "\t" + l.format("score %s", strconv.FormatFloat(peer.Score, 'f', 1, 64))
		}
		if i := slices.IndexFunc(p.Nodes, func(n api.RegisteredNode) bool { return leadsTo(&n, peer) }); i >= 0 {
			why += "\t" + l.format("registered, %s", l.text(p.Nodes[i].Kind))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s%s\n", cmp.Or(peerText(peer.ID, peer.Name), "-"), l.text(state), l.format("block %d", peer.Height), peer.Address, why)
	}
	return t.Flush()
}
