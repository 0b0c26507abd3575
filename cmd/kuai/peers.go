package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

func newPeers() *cobra.Command {
	return verb("peers", "List connected and remembered peers, and registered nodes",
		func(ctx context.Context, c *rpc.Client) (api.Peers, error) { return c.Peers(ctx) }, printPeers)
}

func printPeers(w io.Writer, p api.Peers) error {
	if len(p.Peers) == 0 && len(p.Nodes) == 0 {
		_, err := fmt.Fprintln(w, "no peers: 'kuai connect ADDRESS' introduces this node to one")
		return err
	}
	t := newTable(w)
	for _, peer := range p.Peers {
		state, why := "away", "\t"+peer.State
		if peer.Connected {
			state = peer.Direction
		}
		if peer.State == "connected" {
			why = ""
		}
		fmt.Fprintf(t, "%s\t%s\tblock %d\t%s%s\n", peerText(peer.ID, peer.Name), state, peer.Height, peer.Address, why)
	}
	for _, node := range p.Nodes {
		fmt.Fprintf(t, "%s\tregistered, %s\t%s\n", node.Address, node.Kind, node.State)
	}
	return t.Flush()
}
