package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc"
)

// asking are the flags of the verbs that ask a running node.
type asking struct {
	port      int
	api       string // "": this machine's node; once client was called: the node's URL
	dataDir   string
	tokenFile string
	json      bool

	wait time.Duration // for the answer; 0: rpc.DefaultTimeout
}

// bind declares the flags on c.
func (a *asking) bind(c *cobra.Command) {
	c.Flags().IntVarP(&a.port, "port", "p", defaultPort, "HTTP port of the node on this machine")
	c.Flags().StringVar(&a.api, "api", "", "`URL` of a node elsewhere, in place of --port")
	pathVar(c.Flags(), &a.dataDir, "data-dir", "", "`directory` of the node on this machine, if it was given one")
	pathVar(c.Flags(), &a.tokenFile, "api-token-file", "", "`file` with the node's token, if it wants one")
	c.Flags().BoolVar(&a.json, "json", false, "print JSON")
}

// client returns the client that the flags of c ask for.
func (a *asking) client(c *cobra.Command) (*rpc.Client, error) {
	if err := a.find(c); err != nil {
		return nil, err
	}
	return a.clientOf(a.api)
}

// find makes api the URL of the node that the flags of c mean.
func (a *asking) find(c *cobra.Command) (err error) {
	if a.api == "" {
		a.api, err = a.local(c.Context(), c.Flags().Changed("port"))
	} else {
		a.api, err = checkAPI(a.api)
	}
	return usage(err)
}

// clientOf returns a client of the node at a URL with the token that the flags name, or else the node's own if it is on this machine.
func (a *asking) clientOf(url string) (*rpc.Client, error) {
	token, err := readToken(a.tokenFile)
	if err != nil {
		return nil, err
	}
	node := rpc.NewClient(url)
	if a.tokenFile == "" {
		return node.WithTokenFrom(a.cookie), nil
	}
	return node.WithToken(token), nil
}

// printer writes an answer for people.
type printer[T any] func(w io.Writer, l language, answer T) error

// verb makes a command that asks a running node one thing and prints the answer: as JSON, or as text does.
func verb[T any](use, short string, ask func(context.Context, *rpc.Client) (T, error), text printer[T]) *cobra.Command {
	return wordVerb(use, short, 0, func(ctx context.Context, c *rpc.Client, _ []string) (T, error) { return ask(ctx, c) }, text)
}

// wordVerb makes a verb that takes that many words.
func wordVerb[T any](use, short string, words int, ask func(context.Context, *rpc.Client, []string) (T, error), text printer[T]) *cobra.Command {
	return rangeVerb(use, short, words, words, ask, text)
}

// rangeVerb makes a verb that takes from least to most words.
func rangeVerb[T any](use, short string, least, most int, ask func(context.Context, *rpc.Client, []string) (T, error), text printer[T]) *cobra.Command {
	var a asking
	c := &cobra.Command{Use: use, Short: short, Args: arguments(least, most)}
	a.bind(c)
	c.RunE = func(c *cobra.Command, words []string) error {
		client, err := a.client(c)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), a.patience())
		defer cancel()
		answer, err := ask(ctx, client, words)
		if err != nil {
			return a.explain(err)
		}
		if a.json {
			return printJSON(c.OutOrStdout(), answer)
		}
		return text(c.OutOrStdout(), languageFor(c), answer)
	}
	return c
}

// patience is how long the verb waits for an answer.
func (a *asking) patience() time.Duration {
	if a.wait == 0 {
		return rpc.DefaultTimeout
	}
	return a.wait
}

// open sends a GET request for an answer of any length, which the caller closes. Another status than 200 is an error.
func (a *asking) open(ctx context.Context, path, lastEvent string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(a.api, "/")+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json") // of a refusal
	if lastEvent != "" {
		req.Header.Set("Last-Event-ID", lastEvent)
	}
	token, err := readToken(a.tokenFile)
	if err != nil {
		return nil, err
	}
	if a.tokenFile == "" {
		token = a.cookie()
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	e := &rpc.StatusError{Status: res.StatusCode}
	if e.Body, err = io.ReadAll(io.LimitReader(res.Body, maxRefusal)); err != nil {
		return nil, err
	}
	var p struct{ Title, Detail, Hint string }
	if json.Unmarshal(e.Body, &p) == nil { // or it is not a kuai node's
		e.Title, e.Detail, e.Hint = p.Title, p.Detail, p.Hint
	}
	return nil, e
}

// maxRefusal bounds what is read of an answer that refuses something.
const maxRefusal = 16 << 10

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
