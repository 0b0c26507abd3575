package main

import (
	"slices"

	"github.com/spf13/cobra"
)

// A verbGroup is a part of the help.
type verbGroup struct {
	id, title string
	verbs     []string
}

// verbGroups are all verbs in the order in which the help has the groups.
var verbGroups = []verbGroup{
	{"node", "Node:", []string{"daemon", "status", "id", "health", "watch", "wait", "logs", "config"}},
	{"chain", "Chain:", []string{"send", "tx", "pending", "balance", "block", "forks", "export", "import", "verify", "wallet"}},
	{"network", "Network:", []string{"peers", "nodes", "connect", "disconnect", "resolve", "invite", "join", "network"}},
	{"mining", "Mining:", []string{"mine"}},
	{"tools", "Tools:", []string{"doctor", "grade", "lab", "bench", "completion", "help", "version"}},
}

// examples are those of verbs that take one line.
var examples = map[string]string{
	"daemon":     "  kuai daemon\n  kuai daemon -p 5001 --peer http://192.0.2.10:5000\n  kuai daemon --ephemeral --mine instant\n  kuai daemon --network dev --ephemeral",
	"status":     "  kuai status\n  kuai status -p 5001 --json",
	"id":         "  kuai id",
	"health":     "  kuai health --ready && echo level with the peers",
	"config":     "  kuai config -p 5001 > settings.json && kuai daemon --config settings.json",
	"send":       "  kuai send alice bob 5\n  kuai send alice bob 0.25 --json",
	"tx":         "  kuai tx 00112233445566778899aabbccddeeff",
	"pending":    "  kuai pending",
	"balance":    "  kuai balance alice",
	"block":      "  kuai block latest\n  kuai block 7",
	"export":     "  kuai export chain.json -p 5001",
	"import":     "  kuai import chain.json\n  kuai import http://127.0.0.1:5000 --adopt-genesis -p 5001",
	"verify":     "  kuai verify -p 5001",
	"peers":      "  kuai peers",
	"connect":    "  kuai connect 192.0.2.10:5000",
	"disconnect": "  kuai disconnect 192.0.2.10:5000",
	"mine":       "  kuai mine 3\n  kuai mine --wait\n  kuai mine --mode interval=5s --share 25",
	"version":    "  kuai version",
}

// groupVerbs puts the verbs of root into their groups, and gives them their examples.
func groupVerbs(root *cobra.Command) {
	for _, g := range verbGroups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range root.Commands() {
			if slices.Contains(g.verbs, c.Name()) {
				c.GroupID = g.id
			}
		}
	}
	root.SetHelpCommandGroupID("tools")
	root.SetCompletionCommandGroupID("tools")
	for _, c := range root.Commands() {
		if c.Example == "" {
			c.Example = examples[c.Name()]
		}
	}
}
