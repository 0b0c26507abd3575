package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// connectWait is the time from the registration until 'kuai connect' gives up on the connection for now.
const connectWait = 6 * time.Second

// joinedInfo is what 'kuai connect' prints. That there is no connection is an error.
type joinedInfo struct {
	Node    string   `json:"node"`
	Kind    string   `json:"kind"`
	PeerID  string   `json:"peer_id"`     // "" for a Flask node
	Address string   `json:"address"`     // of the connection, "" for a Flask node
	Nodes   []string `json:"total_nodes"` // all that are registered
}

func newConnect() *cobra.Command {
	return wordVerb("connect ADDRESS", "Register a node, and stay connected to it: host:port, URL or multiaddr", 1, askConnect, printJoined)
}

func printJoined(w io.Writer, l language, j joinedInfo) error {
	if j.Kind == "flask" {
		_, err := fmt.Fprintln(w, l.format("registered %s, a Flask node: its chain is read when this node resolves", j.Node))
		return err
	}
	if strings.HasPrefix(j.Node, "/") && !sameAddress(j.Node, j.Address) {
		_, err := fmt.Fprintln(w, l.format("connected to %s at %s: %s was not needed, and may not work", j.PeerID, j.Address, j.Node))
		return err
	}
	_, err := fmt.Fprintln(w, l.format("connected to %s at %s", j.PeerID, j.Node))
	return err
}

// sameAddress reports whether a connection at address is one at a registered multiaddr, whose name may have been resolved.
func sameAddress(registered, address string) bool {
	if registered == address {
		return true
	}
	ours, theirs := strings.Split(registered, "/"), strings.Split(address, "/")
	return len(ours) > 3 && len(theirs) > 3 && strings.HasPrefix(ours[1], "dns") && slices.Equal(ours[3:], theirs[3:])
}

// errSelf is what connecting a node to itself results in.
var errSelf = errors.New("that is this node itself: name another one")

// askConnect registers a node and waits until it is connected, for connectWait at most.
func askConnect(ctx context.Context, c *rpc.Client, words []string) (joinedInfo, error) {
	registered, err := c.Register(ctx, words[0])
	if err != nil {
		return joinedInfo{}, registerError(err)
	}
	late, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	var joined joinedInfo
	err = untilNil(late, func() (err error) {
		p, err := c.Peers(ctx)
		if err == nil {
			joined, err = joinedTo(p, words[0])
		}
		return err
	})
	joined.Nodes = registered.Nodes
	switch {
	case ctx.Err() != nil:
		return joinedInfo{}, ctx.Err()
	case errors.Is(err, errCopy):
		return joinedInfo{}, copyError(words[0])
	case errors.Is(err, errForeign):
		return joinedInfo{}, leaveForeign(ctx, c, words, err)
	case errors.As(err, &notYet{}):
		return joinedInfo{}, fmt.Errorf("not connected to %s: %w; the node goes on trying, 'kuai peers' shows the state and 'kuai disconnect' ends it", words[0], err)
	}
	return joined, err
}

// errCopy is what connecting a node to a copy of itself results in.
var errCopy = errors.New("it has the same identity as this node, as one data directory is a copy of the other")

// copyRemedy is the way out of it.
const copyRemedy = "stop one of the two nodes, delete its identity.key and start it again"

func copyError(address string) error {
	return fmt.Errorf("not connected to %s: %w: %s", address, errCopy, copyRemedy)
}

// isCopy reports whether a peer or a registered node with that state has the identity of this node.
func isCopy(state string) bool { return strings.HasPrefix(state, "same identity as this node") }

// errForeign is what connecting a node of another network results in.
var errForeign = errors.New("other network")

// joinTheirs is the way out of it.
const joinTheirs = "nodes of different networks never meet: to be in theirs, run 'kuai join CODE' here with the code that 'kuai invite' shows there; 'kuai disconnect' forgets it"

// isForeign reports whether a peer turned out to be of another network.
func isForeign(p api.Peer) bool { return strings.HasPrefix(p.State, errForeign.Error()) }

// foreignText names the network of a peer of another one.
func foreignText(p api.Peer) string { return cmp.Or(p.LastError, "it is of another network") }

// whyAway says in few words why a peer is not connected. A node of an earlier version has its last error only, which names each address.
func whyAway(p api.Peer) string {
	return strings.TrimPrefix(cmp.Or(p.Reason, p.LastError), "unreachable: ")
}

// leaveForeign forgets a node of another network, which would be tried in vain.
func leaveForeign(ctx context.Context, c *rpc.Client, words []string, why error) error {
	n, err := c.Node(ctx)
	if err == nil {
		_, err = askDisconnect(ctx, c, words)
	}
	if err != nil {
		return err
	}
	return foreignError(words[0], strings.TrimPrefix(why.Error(), errForeign.Error()+": "), n.Network)
}

// foreignError is the error of 'kuai connect' with a node of another network, which why names.
func foreignError(address, why, ours string) error {
	return fmt.Errorf("not connected to %s: %w: %s; this node is of %s. Nodes of different networks never meet: to be in theirs, run 'kuai join CODE' here with the code that 'kuai invite' shows there. It was not kept",
		address, errForeign, why, ours)
}

// entryWords begin what an answer says of an address that can be none.
const entryWords = "The address was refused: "

// registerError makes a refused address an error about the command line.
func registerError(err error) error {
	var refused *rpc.StatusError
	if errors.As(err, &refused) && strings.HasPrefix(refused.Detail, entryWords) {
		return usageError{errors.New(strings.TrimPrefix(refused.Detail, entryWords))}
	}
	return err
}

// leadsTo reports whether a peer is where a registered node leads to.
func leadsTo(n *api.RegisteredNode, p api.Peer) bool {
	if p.ID == "" { // it leads to nobody
		return p.Address == cmp.Or(n.URL, n.Address)
	}
	return p.ID == n.PeerID
}

// joinedTo looks for a registered node among the peers, and returns why it isn't connected if it is not.
func joinedTo(p api.Peers, word string) (joinedInfo, error) {
	var node *api.RegisteredNode
	for _, name := range namesOf(word) {
		for i, n := range p.Nodes {
			if strings.EqualFold(n.Address, name) {
				node = &p.Nodes[i]
			}
		}
	}
	if node == nil {
		return joinedInfo{}, errSelf // the only one that a node leaves out
	}
	joined := joinedInfo{Node: nodeName(*node), Kind: node.Kind, PeerID: node.PeerID}
	if node.Kind == "flask" {
		return joined, nil
	}
	if isCopy(node.State) {
		return joinedInfo{}, errCopy
	}
	why, next := strings.TrimPrefix(cmp.Or(node.Reason, node.State), "unreachable: "), node.NextAsk
	for _, peer := range p.Peers {
		switch {
		case !leadsTo(node, peer):
			continue
		case isForeign(peer) && peer.LastError != "":
			return joinedInfo{}, fmt.Errorf("%w: %s", errForeign, foreignText(peer))
		case peer.Connected && peer.Height > 0: // it has said its status, which nodes of other networks do not
			joined.Address = peer.Address
			return joined, nil
		case peer.LastError != "" && node.Reason == "": // of an earlier version
			why, next = whyAway(peer), peer.NextDial
		case peer.Connected:
			why, next = "it has not said yet what its chain is", time.Time{}
		}
	}
	return joinedInfo{}, notYet{errors.New(why + nextTry(next))}
}

// nextTry says when something is tried again, "" if it is not.
func nextTry(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Local().Format(" (next try at 15:04:05)")
}
