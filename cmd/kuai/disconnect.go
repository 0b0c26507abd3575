package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// leftInfo is what 'kuai disconnect' prints.
type leftInfo struct {
	Disconnected string   `json:"disconnected"`
	PeerID       string   `json:"peer_id"`          // "": the address led to no peer
	Still        []string `json:"still_registered"` // other addresses of that peer
	Kept         bool     `json:"kept"`             // the peer, as it is asked for by another address
}

func newDisconnect() *cobra.Command {
	return wordVerb("disconnect NODE", "Forget a registered node or a peer: by URL, host:port, multiaddr or peer id", 1, askDisconnect,
		printLeft)
}

func printLeft(w io.Writer, l language, left leftInfo) (err error) {
	switch {
	case len(left.Still) > 0:
		_, err = fmt.Fprintln(w, l.format("%s is forgotten, and the peer stays: it is also registered as %s; 'kuai disconnect %s' ends the connection",
			left.Disconnected, strings.Join(left.Still, ", "), left.PeerID))
	case left.Kept:
		_, err = fmt.Fprintln(w, l.format("%s is forgotten, and the peer stays: --peer names it, too; 'kuai disconnect %s' ends the connection",
			left.Disconnected, left.PeerID))
	case left.PeerID == "":
		_, err = fmt.Fprintln(w, l.format("%s is forgotten: it led to no peer", left.Disconnected))
	default:
		_, err = fmt.Fprintln(w, l.format("disconnected from %s: it is kept away for 10 minutes, or until 'kuai connect' asks for it or this node is restarted",
			left.Disconnected))
	}
	return err
}

// askDisconnect tries each name that the node may know it by.
func askDisconnect(ctx context.Context, c *rpc.Client, words []string) (leftInfo, error) {
	before, err := c.Peers(ctx)
	if err != nil {
		return leftInfo{}, err
	}
	for _, name := range namesOf(words[0]) {
		err := c.Disconnect(ctx, name)
		var refused *rpc.StatusError
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.Title != "" {
			continue
		}
		if err != nil {
			return leftInfo{}, err
		}
		after, err := c.Peers(ctx)
		return leftBy(name, before, after), err
	}
	return leftInfo{}, fmt.Errorf("no peer and no registered node is called %s: 'kuai peers' lists them", words[0])
}

// leftBy compares what a node knows before and after a disconnection by name.
func leftBy(name string, before, after api.Peers) leftInfo {
	left := leftInfo{Disconnected: name, Still: []string{}}
	if i := strings.LastIndex(name, "/p2p/"); i >= 0 {
		left.PeerID = name[i+len("/p2p/"):]
	} else if slices.ContainsFunc(before.Peers, func(p api.Peer) bool { return p.ID == name }) {
		left.PeerID = name
	}
	for _, n := range before.Nodes {
		if strings.EqualFold(n.Address, name) {
			left.PeerID = n.PeerID
		}
	}
	if left.PeerID == "" {
		return left
	}
	for _, n := range after.Nodes {
		if n.PeerID == left.PeerID {
			left.Still = append(left.Still, nodeName(n))
		}
	}
	left.Kept = slices.ContainsFunc(after.Peers, func(p api.Peer) bool { return p.ID == left.PeerID && p.Static })
	return left
}

// namesOf returns what a word names: a registered address, which has no scheme, or the peer at the end of a multiaddr.
func namesOf(word string) []string {
	if u, err := url.Parse(word); err == nil && u.Host != "" {
		return []string{u.Host}
	}
	if i := strings.LastIndex(word, "/p2p/"); i >= 0 {
		return []string{word, word[i+len("/p2p/"):]}
	}
	return []string{strings.TrimRight(word, "/")}
}
