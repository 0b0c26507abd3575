package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"kuai/chain/consensus"
	"kuai/rpc"
)

// chainFlags are those of the verbs that work on the chain of a node, whether it runs or not, beside the ones of stored.
type chainFlags struct {
	api  string
	json bool
}

func (f *chainFlags) bind(c *cobra.Command) {
	c.Flags().StringVar(&f.api, "api", "", "`URL` of a node that runs elsewhere")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().Lookup("api-token-file").Hidden = false
}

// running returns how to ask the node that the flags mean, nil if none runs: then the verb works on cfg's data directory, whose network has
// the rules r.
func (f *chainFlags) running(c *cobra.Command, cfg Config, r *consensus.Rules) (*asking, *rpc.Client, error) {
	a := &asking{port: cfg.Port, api: f.api, tokenFile: cfg.APITokenFile}
	given := c.Flags().Changed
	if given("data-dir") || given("network") && !given("port") {
		a.dataDir = cfg.DataDir
	}
	client, err := a.client(c)
	if err != nil || f.api != "" {
		return a, client, err
	}
	network, ok := nodeNetwork(c.Context(), a, client)
	switch {
	case !ok:
		return nil, nil, nil
	case given("network") && network != "" && network != r.Network():
		return nil, nil, usageError{fmt.Errorf("the node at %s is of network %s, not of that of --network: name another by -p or --data-dir", a.api, network)}
	}
	return a, client, nil
}

// nodeNetwork reports whether the node that is meant answers, and returns its network, "" if it does not tell. Another program may have the
// usual port, and another node may run there instead of that of a data directory.
func nodeNetwork(ctx context.Context, a *asking, client *rpc.Client) (network string, ok bool) {
	if !answers(ctx, a.api) {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, rpc.DefaultTimeout)
	defer cancel()
	n, err := client.Node(ctx)
	if refused := (*rpc.StatusError)(nil); errors.As(err, &refused) && refused.Title != "" {
		return "", a.dataDir == "" // it asks for a token
	}
	if err != nil || n.PeerID == "" {
		return "", false
	}
	if a.dataDir != "" {
		file, err := readNodeFile(filepath.Join(a.dataDir, nodeFileName))
		return n.Network, err == nil && file.PeerID == n.PeerID
	}
	return n.Network, true
}
