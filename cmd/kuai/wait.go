package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

const (
	waitTime  = time.Minute            // unless --timeout says otherwise
	firstLook = 200 * time.Millisecond // between two looks; it doubles
	lastLook  = 2 * time.Second        // and at most this
	dialLook  = 300 * time.Millisecond // between two attempts to reach a node that does not answer yet
)

// waiting are the flags of 'kuai wait'.
type waiting struct {
	asking
	height  int64
	peers   int
	tx      string
	timeout time.Duration

	answered bool // a node has
}

// waitedInfo is what 'kuai wait' prints.
type waitedInfo struct {
	Height      int64                `json:"height"`
	Peers       int                  `json:"peers"`
	Transaction *api.TransactionInfo `json:"transaction,omitempty"`
}

func newWait() *cobra.Command {
	var f waiting
	c := &cobra.Command{
		Use:   "wait",
		Short: "Wait until the chain is that long, that many peers are connected, or a payment is mined",
		Long: "Wait until all that was asked for is so, then print the state. A node that does not answer yet is waited for, too.\n" +
			"Exit code 1: it was not so in time.",
		Example: "  kuai wait --height 10\n  kuai wait -p 5001 --peers 2 --timeout 30s\n  kuai wait --tx $(kuai send alice bob 5 --json | jq -r .id)",
		Args:    arguments(0, 0),
	}
	f.bind(c)
	c.Flags().Int64Var(&f.height, "height", 0, "until the chain has this many blocks")
	c.Flags().IntVar(&f.peers, "peers", 0, "until this many peers are connected")
	c.Flags().StringVar(&f.tx, "tx", "", "until the payment with this `id` is in a block of the chain")
	c.Flags().DurationVar(&f.timeout, "timeout", waitTime, "how long to wait; 0: without end")
	c.RunE = func(c *cobra.Command, _ []string) error { return f.run(c) }
	return c
}

func (f *waiting) run(c *cobra.Command) error {
	f.tx = strings.ToLower(f.tx)
	switch {
	case f.height == 0 && f.peers == 0 && f.tx == "":
		return usageError{errors.New("nothing to wait for: want --height, --peers or --tx")}
	case f.height < 0 || f.peers < 0 || f.timeout < 0:
		return usageError{errors.New("--height, --peers and --timeout: want no number below 0")}
	case f.tx != "" && !isID(f.tx):
		return usageError{fmt.Errorf("--tx %q: want the id of a payment, 32 hex digits", f.tx)}
	}
	if _, err := readToken(f.tokenFile); err != nil {
		return err
	}
	ctx, cancel := c.Context(), func() {}
	if f.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
	}
	defer cancel()
	got, err := f.until(ctx, c)
	switch {
	case c.Context().Err() != nil:
		return errors.New("stopped before it was so")
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("not within %v: %w", f.timeout, err)
	case err != nil:
		return f.explain(err)
	case f.json:
		return printJSON(c.OutOrStdout(), got)
	}
	return printWaited(c, got)
}

// until waits for a node, and then for what was asked. It returns the last error that tells something if ctx ends before. Each attempt looks
// anew where the node is: it may start only now, on any port.
func (f *waiting) until(ctx context.Context, c *cobra.Command) (got waitedInfo, err error) {
	given, told := f.api, false
	var last error
	for {
		f.api = given
		err := f.findAgain(c)
		if err == nil {
			got, err = f.listen(ctx)
		}
		wait := notYet{}
		switch {
		case err == nil:
			return got, nil
		case last != nil && ctx.Err() != nil && !errors.As(err, &wait):
			return got, last // err says that the time is over
		case !errors.As(err, &wait):
			return got, err
		}
		if last = err; !told && !f.answered {
			told = true
			fmt.Fprintln(c.ErrOrStderr(), languageFor(c).text("waiting for a node "+f.place()))
		}
		select {
		case <-time.After(dialLook):
		case <-ctx.Done():
			return got, last
		}
	}
}

// findAgain looks for the node. One that is meant by its directory is not another one on the usual port.
func (f *waiting) findAgain(c *cobra.Command) error {
	byDir := f.api == "" && f.dataDir != "" && !c.Flags().Changed("port")
	if byDir && !exists(filepath.Join(f.dataDir, nodeFileName)) {
		return notYet{fmt.Errorf("no node runs %s: start one with 'kuai daemon'", f.place())}
	}
	return f.find(c)
}

// place is where a node is waited for.
func (f *waiting) place() string {
	if f.api == "" {
		return "in " + f.dataDir
	}
	return "at " + f.api
}

// listen looks, and again whenever the node's events say that something has come. It returns a notYet if they end before.
func (f *waiting) listen(ctx context.Context) (got waitedInfo, err error) {
	client, err := f.clientOf(f.api)
	if err != nil {
		return got, err
	}
	events, err := f.open(ctx, api.Path("getEvents"), "")
	if err != nil {
		return got, f.noAnswerYet(err)
	}
	defer events.Close()
	f.answered = true
	wait := notYet{}
	got, err = f.look(ctx, client)
	if !errors.As(err, &wait) {
		return got, err
	}
	state := got
	ended := readEvents(events, func(e event) error {
		if !f.isDue(e, &state) {
			return nil
		}
		if got, err = f.look(ctx, client); !errors.As(err, &wait) {
			return errEnough // or a failure, which err holds
		}
		select {
		case <-time.After(firstLook): // blocks of a sync come by the thousand
		case <-ctx.Done():
		}
		return nil
	})
	if ended == nil && ctx.Err() == nil {
		err = notYet{fmt.Errorf("the node at %s has stopped", f.api)}
	}
	return got, err
}

// isDue notes what an event says of the node, and reports whether what is waited for may have come.
func (f *waiting) isDue(e event, now *waitedInfo) bool {
	var v struct {
		Index     int64 `json:"index"`
		Connected int   `json:"connected"`
	}
	err := json.Unmarshal(e.Data, &v)
	switch e.Name {
	case "block", "reorg":
		now.Height = v.Index
	case "peer":
		now.Peers = v.Connected
	case "reset":
		return true
	default:
		return false
	}
	return err != nil || now.Height >= f.height && now.Peers >= f.peers
}

func printWaited(c *cobra.Command, got waitedInfo) error {
	l := languageFor(c)
	_, err := fmt.Fprintln(c.OutOrStdout(), l.format("block %d, %s connected", got.Height, counted(l, got.Peers, "peer")))
	if t := got.Transaction; err == nil && t != nil {
		_, err = fmt.Fprintln(c.OutOrStdout(), l.format("payment %s is in block %d, with %s", t.Transaction.ID, t.Block.Index, counted(l, t.Confirmations, "confirmation")))
	}
	return err
}

// notYet is what is not so yet; another error ends the wait.
type notYet struct{ error }

func (e notYet) Unwrap() error { return e.error }

// look returns the state, and a notYet if it is not what is waited for.
func (f *waiting) look(ctx context.Context, client *rpc.Client) (got waitedInfo, err error) {
	n, err := client.Node(ctx)
	if err != nil {
		return got, f.noAnswerYet(err)
	}
	got = waitedInfo{Height: n.Height, Peers: n.Peers}
	switch {
	case n.Height < f.height:
		return got, notYet{fmt.Errorf("the chain has %s", count(n.Height, "block"))}
	case n.Peers < f.peers:
		return got, notYet{fmt.Errorf("%s connected", count(n.Peers, "peer"))}
	case f.tx == "":
		return got, nil
	}
	t, err := client.Transaction(ctx, f.tx)
	var refused *rpc.StatusError
	switch {
	case errors.As(err, &refused) && refused.Title != "":
		return got, notYet{errors.New("the node knows no payment " + f.tx)} // it may be on its way
	case err != nil:
		return got, f.noAnswerYet(err)
	case t.Status != "mined":
		return got, notYet{fmt.Errorf("the payment is %s", t.Status)}
	}
	got.Transaction = &t
	return got, nil
}

// noAnswerYet makes it a notYet that no node answers. What another program answers is not worth waiting for.
func (f *waiting) noAnswerYet(err error) error {
	var refused *rpc.StatusError
	if errors.As(err, &refused) && refused.Title == "" {
		return err
	}
	return notYet{f.explain(err)}
}

// untilNil calls check until it returns nil or what is not a notYet, or ctx ends. It returns the last error that tells something.
// The pause between two checks doubles.
func untilNil(ctx context.Context, check func() error) error {
	var last error
	for look := firstLook; ; look = min(2*look, lastLook) {
		err := check()
		wait := notYet{}
		switch {
		case err == nil:
			return nil
		case last != nil && ctx.Err() != nil:
			return last // err says that the time is over
		case !errors.As(err, &wait):
			return err
		}
		last = err
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return last
		}
	}
}

// isID reports whether text is the id of a payment.
func isID(text string) bool {
	const digits = 32
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}
