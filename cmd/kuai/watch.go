package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc/api"
)

const (
	maxEventLine = 1 << 20                // bytes of one line of the stream; an event is some hundred
	firstRetry   = 250 * time.Millisecond // from a lost connection until the next attempt; it doubles
	longestRetry = 5 * time.Second
)

// event is one of GET /events.
type event struct {
	Name string          `json:"event"`
	ID   string          `json:"id,omitempty"`
	Data json.RawMessage `json:"data"`
}

// watching are the flags of 'kuai watch'.
type watching struct {
	asking
	count int
}

func newWatch() *cobra.Command {
	var f watching
	c := &cobra.Command{
		Use:   "watch",
		Short: "Print blocks, payments, reorgs, peers and mining as they come",
		Long: "Print what happens on the node, a line each, until Ctrl-C: new blocks, payments, those that are dropped, reorgs, peers that connect\n" +
			"or leave, branches that they leave, and when a search for a block begins or ends. A lost connection is made again, and what was\n" +
			"missed is printed. With --json, a line is an object with \"event\" and \"data\", as GET /events has them.",
		Example: "  kuai watch\n  kuai watch --count 1            # the next event only\n  kuai watch --json | jq 'select(.event == \"reorg\")'",
		Args:    arguments(0, 0),
	}
	f.bind(c)
	c.Flags().IntVar(&f.count, "count", 0, "end after that many events; 0: do not")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if f.count < 0 {
			return usageError{fmt.Errorf("--count %d: want 0 or more", f.count)}
		}
		if _, err := f.client(c); err != nil {
			return err
		}
		return f.watch(c.Context(), languageFor(c), c.OutOrStdout(), c.ErrOrStderr())
	}
	return c
}

// errEnough ends a stream after --count events.
var errEnough = errors.New("that many events were printed")

// watcher is a 'kuai watch' that runs.
type watcher struct {
	*watching
	told    *teller
	last    string // the id of the last event
	printed int
}

// watch prints events until ctx ends. Only the first connection must succeed.
func (f *watching) watch(ctx context.Context, l language, out, errOut io.Writer) error {
	w := &watcher{watching: f, told: newTeller(out, l, f.json)}
	for wait, lost := firstRetry, false; ; wait = min(2*wait, longestRetry) {
		stream, err := f.open(ctx, api.Path("getEvents"), w.last)
		if err == nil {
			if lost {
				fmt.Fprintln(errOut, l.format("connected again to %s", f.api))
			}
			err = w.read(stream)
			wait, lost = firstRetry, true
			if ctx.Err() == nil && !w.ends(err) {
				fmt.Fprintln(errOut, l.format("the connection to %s was lost; trying again", f.api))
			}
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, errEnough):
			return nil //nolint:nilerr // the user has ended it
		case w.ends(err):
			return err
		case !lost:
			return f.explain(err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// ends reports whether an error is one after which there is nothing more to print, or nowhere to.
func (w *watcher) ends(err error) bool {
	var failed *writeError
	return errors.Is(err, errEnough) || errors.As(err, &failed)
}

// read prints the events of one connection.
func (w *watcher) read(stream io.ReadCloser) error {
	defer stream.Close()
	return readEvents(stream, func(e event) error {
		if e.ID != "" {
			w.last = e.ID
		}
		wrote, err := w.told.tell(e)
		if wrote {
			w.printed++
		}
		if err == nil && w.count > 0 && w.printed >= w.count {
			err = errEnough
		}
		return err
	})
}

// readEvents gives each event of a stream to take, until take fails or the stream ends.
func readEvents(r io.Reader, take func(event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEventLine)
	var e event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case field == "event":
			e.Name = value
		case field == "id":
			e.ID = value
		case field == "data":
			e.Data = json.RawMessage(value)
		case lines.Text() == "" && e.Name != "":
			if err := take(e); err != nil {
				return err
			}
			e = event{}
		}
	}
	return lines.Err()
}

// writeError is a failure to print.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

// teller prints events.
type teller struct {
	w         io.Writer
	l         language
	json      bool
	peers     map[string]string // the names of those that are connected, "" for none; nil before the first event
	left      map[string]string // the tips of the branches that they left last, by their ids
	searching bool
}

func newTeller(w io.Writer, l language, asJSON bool) *teller {
	return &teller{w: w, l: l, json: asJSON}
}

// tell prints an event, and returns whether there was something to print.
func (t *teller) tell(e event) (printed bool, err error) {
	if t.json {
		text, err := json.Marshal(e)
		if err != nil {
			return false, fmt.Errorf("event %s: %w", e.Name, err)
		}
		_, err = fmt.Fprintf(t.w, "%s\n", text)
		return true, writing(err)
	}
	lines, err := t.words(e)
	if err != nil {
		return false, fmt.Errorf("event %s: %w", e.Name, err)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(t.w, "%s  %s\n", time.Now().Format("15:04:05"), line); err != nil {
			return true, writing(err)
		}
	}
	return len(lines) > 0, nil
}

func writing(err error) error {
	if err == nil {
		return nil
	}
	return &writeError{err}
}

// words are the lines of an event, none if it changes nothing that is told.
func (t *teller) words(e event) ([]string, error) {
	l := t.l
	switch e.Name {
	case "block", "reorg":
		var b api.ReorgEvent // of a block it has all fields but those of the old tip
		err := json.Unmarshal(e.Data, &b)
		if err == nil && e.Name == "reorg" {
			return append([]string{reorgText(l, b)}, unpaidLines(l, b.Index, b.Unpaid, b.UnpaidPayments)...), nil
		}
		line := l.format("block %d  %s, %s, from %s", b.Index, b.Hash, counted(l, b.Transactions, "transaction"), fromText(l, b.From, b.FromName))
		return append([]string{line}, unpaidLines(l, b.Index, b.Unpaid, b.UnpaidPayments)...), err
	case "transaction":
		var p api.TransactionEvent
		err := json.Unmarshal(e.Data, &p)
		tx := p.Transaction
		return []string{l.format("payment %s  %s from %s to %s, from %s", tx.ID, tx.Amount, name(tx.Sender), name(tx.Recipient), fromText(l, p.From, p.FromName))}, err
	case "unpaid":
		var v api.UnpaidEvent
		err := json.Unmarshal(e.Data, &v)
		return unpaidLines(l, 0, v.Unpaid, v.UnpaidPayments), err
	case "peer":
		return t.peerWords(e.Data)
	case "mining":
		return t.miningWords(e.Data)
	case "reset":
		return []string{l.text("events were missed: the node was restarted, or there were too many. 'kuai status' shows the present state")}, nil
	}
	return nil, nil
}

// reorgText tells a change of branch.
func reorgText(l language, b api.ReorgEvent) string {
	returned := l.text("no payments are pending again")
	switch {
	case b.Returned == 1:
		returned = l.text("1 payment is pending again")
	case b.Returned > 1:
		returned = l.format("%d payments are pending again", b.Returned)
	}
	point := b.Old.Index - int64(b.Dropped)
	return l.format("reorg    another branch, from block %d on, replaced %s: the tip was block %d %s and is now block %d %s, from %s; %s",
		point+1, counted(l, b.Dropped, "block"), b.Old.Index, b.Old.Hash, b.Index, b.Hash, fromText(l, b.From, b.FromName), returned)
}

// unpaidLines tells of each payment that was dropped, by the block with this index if there is one.
func unpaidLines(l language, index int64, all int, named []api.UnpaidPayment) (lines []string) {
	for _, p := range named {
		values := []any{p.ID, p.Amount, name(p.Sender), name(p.Recipient)}
		switch p.Reason {
		case "conflict":
			lines = append(lines, l.format("unpaid   payment %s  %s from %s to %s can no longer be paid: another payment with its id was mined, up to block %d", append(values, index)...))
		case "expired":
			lines = append(lines, l.format("unpaid   payment %s  %s from %s to %s was dropped: no block took it within a day", values...))
		case "room":
			lines = append(lines, l.format("unpaid   payment %s  %s from %s to %s was dropped: its block left the chain, and too many payments wait", values...))
		default:
			lines = append(lines, l.format("unpaid   payment %s  %s from %s to %s can no longer be paid: its sender has too little since block %d", append(values, index)...))
		}
	}
	if more := all - len(named); more > 0 {
		lines = append(lines, l.format("unpaid   payments that were dropped, beside these: %d", more))
	}
	return lines
}

func (t *teller) peerWords(data []byte) (lines []string, err error) {
	var v api.PeerEvent
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	now := make(map[string]string)
	for i, id := range v.Peers {
		name := ""
		if i < len(v.Names) { // a node of an earlier version sends none
			name = v.Names[i]
		}
		now[id] = name
		before, was := t.peers[id]
		switch {
		case t.peers == nil:
		case !was:
			lines = append(lines, t.l.format("peer %s is connected", peerText(id, name)))
		case before != name && name != "":
			lines = append(lines, t.l.format("peer %s calls itself %q", id, name))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.peers)) {
		if _, is := now[id]; !is {
			lines = append(lines, t.l.format("peer %s is not connected any more", peerText(id, t.peers[id])))
		}
	}
	if t.peers == nil {
		lines = []string{t.l.format("%s connected", counted(t.l, len(now), "peer"))}
	}
	lines = append(lines, t.leftLines(v.Left, now)...)
	t.peers = now
	return lines, nil
}

// leftLines tells which branches peers have left for this node's chain since the event before. names are those of peers.
func (t *teller) leftLines(all []api.LeftBranch, names map[string]string) (lines []string) {
	tips := make(map[string]string)
	for _, b := range all {
		tips[b.Peer] = b.Tip
		who := peerText(b.Peer, names[b.Peer])
		switch {
		case t.peers == nil || t.left[b.Peer] == b.Tip:
		case b.Fork == 0:
			lines = append(lines, t.l.format("left     peer %s left a branch up to block %d %s for the chain of this node", who, b.Height, b.Tip))
		default:
			lines = append(lines, t.l.format("left     peer %s left a branch from block %d on, up to block %d %s, for the chain of this node", who, b.Fork+1, b.Height, b.Tip))
		}
	}
	t.left = tips
	return lines
}

func (t *teller) miningWords(data []byte) ([]string, error) {
	var v api.MiningEvent
	if err := json.Unmarshal(data, &v); err != nil || v.Searching == t.searching {
		return nil, err
	}
	t.searching = v.Searching
	if v.Searching {
		return []string{t.l.format("mining   a search for a block has begun (mode %s)", v.Mode)}, nil
	}
	return []string{t.l.text("mining   the search has ended")}, nil
}
