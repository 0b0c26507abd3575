package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

const (
	connectWait = 6 * time.Second        // from the registration until 'kuai connect' reports that there is no connection yet
	connectLook = 200 * time.Millisecond // between two looks
)

// joinedInfo is what 'kuai connect' prints. That there is no connection is an error.
type joinedInfo struct {
	Node   string   `json:"node"`
	Kind   string   `json:"kind"`
	PeerID string   `json:"peer_id"`     // "" for a Flask node
	Nodes  []string `json:"total_nodes"` // all that are registered
}

func newConnect() *cobra.Command {
	return wordVerb("connect ADDRESS", "Register a node, and stay connected to it: host:port, URL or multiaddr", 1, askConnect, printJoined)
}

func printJoined(w io.Writer, j joinedInfo) error {
	if j.Kind == "flask" {
		_, err := fmt.Fprintf(w, "registered %s, a Flask node: its chain is read when this node resolves\n", j.Node)
		return err
	}
	_, err := fmt.Fprintf(w, "connected to %s at %s\n", j.PeerID, j.Node)
	return err
}

// errSelf is what connecting a node to itself results in.
var errSelf = errors.New("that is this node itself: name another one")

// askConnect registers a node and waits until it is connected, for connectWait at most.
func askConnect(ctx context.Context, c *rpc.Client, words []string) (joinedInfo, error) {
	registered, err := c.Register(ctx, words[0])
	if err != nil {
		return joinedInfo{}, registerError(err)
	}
	late := time.After(connectWait)
	look := time.NewTicker(connectLook)
	defer look.Stop()
	for {
		p, err := c.Peers(ctx)
		if err != nil {
			return joinedInfo{}, err
		}
		joined, why := joinedTo(p, words[0])
		joined.Nodes = registered.Nodes
		if why == nil || errors.Is(why, errSelf) {
			return joined, why
		}
		select {
		case <-look.C:
		case <-late:
			return joinedInfo{}, fmt.Errorf("not connected to %s: %w; the node goes on trying, 'kuai peers' shows the state and 'kuai disconnect' ends it", words[0], why)
		case <-ctx.Done():
			return joinedInfo{}, ctx.Err()
		}
	}
}

// entryWords begin what an answer says of an address that can be none. They name the place in a request that the user of a verb has not written.
var entryWords = regexp.MustCompile(`^Entry \d+ of "nodes" was refused: `)

// registerError makes a refused address an error about the command line.
func registerError(err error) error {
	var refused *rpc.StatusError
	if errors.As(err, &refused) && entryWords.MatchString(refused.Detail) {
		return usageError{errors.New(entryWords.ReplaceAllString(refused.Detail, ""))}
	}
	return err
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
	joined := joinedInfo{Node: node.Address, Kind: node.Kind, PeerID: node.PeerID}
	if node.Kind == "flask" {
		return joined, nil
	}
	why, next := node.State, node.NextAsk
	for _, peer := range p.Peers {
		switch {
		case peer.ID != node.PeerID || peer.ID == "":
			continue
		case peer.Connected:
			return joined, nil
		case peer.LastError != "":
			why, next = peer.LastError, peer.NextDial
		}
	}
	return joinedInfo{}, errors.New(why + nextTry(next))
}
