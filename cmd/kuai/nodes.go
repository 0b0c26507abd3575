package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// nodesInfo is what 'kuai nodes' prints.
type nodesInfo struct {
	Nodes []api.RegisteredNode `json:"nodes"`
}

func newNodes() *cobra.Command {
	c := verb("nodes", "List the registered nodes, and what each answers now", askNodes, printNodes)
	c.Example = "  kuai nodes\n  kuai nodes --json"
	return c
}

func askNodes(ctx context.Context, c *rpc.Client) (nodesInfo, error) {
	p, err := c.Peers(ctx)
	if p.Nodes == nil {
		p.Nodes = []api.RegisteredNode{}
	}
	return nodesInfo{p.Nodes}, err
}

// nodeName is how a registered node is called: by its URL if that is not what host:port stands for.
func nodeName(n api.RegisteredNode) string {
	if strings.HasPrefix(n.URL, "https://") {
		return n.URL
	}
	return n.Address
}

func printNodes(w io.Writer, l language, n nodesInfo) error {
	if len(n.Nodes) == 0 {
		_, err := fmt.Fprintln(w, l.text("no nodes are registered: 'kuai connect ADDRESS' registers one"))
		return err
	}
	t := newTable(w)
	for _, node := range n.Nodes {
		fmt.Fprintf(t, "%s\t%s\t%s\n", nodeName(node), l.text(node.Kind), l.text(node.State))
	}
	return t.Flush()
}
