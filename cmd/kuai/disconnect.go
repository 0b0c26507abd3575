package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"kuai/rpc"
)

// leftInfo is what 'kuai disconnect' prints.
type leftInfo struct {
	Disconnected string `json:"disconnected"`
}

func newDisconnect() *cobra.Command {
	return wordVerb("disconnect NODE", "Forget a registered node or a peer: by URL, host:port, multiaddr or peer id", 1, askDisconnect,
		func(w io.Writer, l language, left leftInfo) error {
			_, err := fmt.Fprintln(w, l.format("disconnected from %s: it is kept away for 10 minutes, or until 'kuai connect' asks for it", left.Disconnected))
			return err
		})
}

// askDisconnect tries each name that the node may know it by.
func askDisconnect(ctx context.Context, c *rpc.Client, words []string) (leftInfo, error) {
	for _, name := range namesOf(words[0]) {
		err := c.Disconnect(ctx, name)
		var refused *rpc.StatusError
		if !errors.As(err, &refused) || refused.Status != http.StatusNotFound || refused.Title == "" {
			return leftInfo{name}, err
		}
	}
	return leftInfo{}, fmt.Errorf("no peer and no registered node is called %s: 'kuai peers' lists them", words[0])
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
