package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
)

// identityInfo is what 'kuai id' prints.
type identityInfo struct {
	PeerID    string   `json:"peer_id"`
	Addresses []string `json:"addresses"`
}

func newID() *cobra.Command {
	return verb("id", "Show the node's address and its multiaddrs", askID, printID)
}

func askID(ctx context.Context, c *rpc.Client) (identityInfo, error) {
	n, err := c.Node(ctx)
	return identityInfo{n.PeerID, n.Addresses}, err
}

func printID(w io.Writer, _ language, id identityInfo) error {
	_, err := fmt.Fprintln(w, id.PeerID)
	for _, a := range id.Addresses {
		if err == nil {
			_, err = fmt.Fprintln(w, a)
		}
	}
	return err
}
