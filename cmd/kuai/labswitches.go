package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// everyPeer stands for all peers among those of --cut.
const everyPeer = "all"

// switchFlags are those of 'kuai lab switches' beside the ones of every verb.
type switchFlags struct {
	asking
	cut   []string
	delay time.Duration
	loss  int
	pause bool
	skew  time.Duration
	off   bool
}

// newLabSwitches makes the verb for the faults of a node that runs.
func newLabSwitches() *cobra.Command {
	var f switchFlags
	c := &cobra.Command{
		Use:   "switches",
		Short: "Cut a running lab node off, disturb its gossip or its clock; or show what holds",
		Long: "Set the faults that a node makes on purpose, which was started with 'kuai daemon --lab'. They end when it stops. The flags say all that is\n" +
			"to hold: what is not named is off. Without any, show what holds.",
		Example: "  kuai lab switches --cut 12D3KooWPan1bBZGNrm4EWrVqhb2QX3JJMeNA2gjg1FETs1uKi7v\n  kuai lab switches --loss 20 --delay 500ms -p 5001\n  kuai lab switches --off",
		Args:    arguments(0, 0),
	}
	f.bind(c)
	c.Flags().StringSliceVar(&f.cut, "cut", nil, "`peer` id to be cut off from, or all (repeatable)")
	c.Flags().DurationVar(&f.delay, "delay", 0, "how late messages of gossip are, at most 30s")
	c.Flags().IntVar(&f.loss, "loss", 0, "how many messages of gossip are lost, in `percent`")
	c.Flags().BoolVar(&f.pause, "pause", false, "let gossip bring and publish nothing")
	c.Flags().DurationVar(&f.skew, "skew", 0, "how far the clock is ahead, at most 24h either way")
	c.Flags().BoolVar(&f.off, "off", false, "turn all switches off")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ask := func(ctx context.Context, client *rpc.Client) (api.Switches, error) {
			lab, err := client.Lab(ctx)
			return lab.Switches, err
		}
		to, change := f.wanted(c)
		if err := f.check(); err != nil {
			return usageError{err}
		}
		switch {
		case change && f.off:
			return usageError{errors.New("--off and other switches: one at a time")}
		case change || f.off:
			ask = func(ctx context.Context, client *rpc.Client) (api.Switches, error) {
				return client.SetSwitches(ctx, to)
			}
		}
		client, err := f.client(c)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), f.patience())
		defer cancel()
		s, err := ask(ctx, client)
		switch {
		case err != nil:
			return f.explain(err)
		case f.json:
			return printJSON(c.OutOrStdout(), s)
		}
		return printSwitches(c.OutOrStdout(), languageFor(c), s)
	}
	return c
}

// wanted is what the flags ask for, and whether they ask for anything.
func (f *switchFlags) wanted(c *cobra.Command) (to api.NewSwitches, change bool) {
	for _, name := range []string{"cut", "delay", "loss", "pause", "skew"} {
		change = change || c.Flags().Changed(name)
	}
	to = api.NewSwitches{ClockSkew: int64(f.skew / time.Second), Delay: f.delay.Milliseconds(), Loss: f.loss, Pause: f.pause}
	for _, p := range f.cut {
		if p == everyPeer {
			to.CutAll = true
		} else {
			to.Cut = append(to.Cut, p)
		}
	}
	return to, change
}

// Bounds of the flags, as the API has them.
const (
	mostDelay = 30 * time.Second
	mostSkew  = 24 * time.Hour
	mostCut   = 256
)

// check says in the words of the flags what the node would refuse in those of its API.
func (f *switchFlags) check() error {
	switch {
	case f.delay < 0 || f.delay > mostDelay:
		return fmt.Errorf("--delay %v: want 0s..%v", f.delay, mostDelay)
	case f.delay%time.Millisecond != 0:
		return fmt.Errorf("--delay %v: want whole milliseconds", f.delay)
	case f.loss < 0 || f.loss > 100:
		return fmt.Errorf("--loss %d: want 0..100", f.loss)
	case f.skew < -mostSkew || f.skew > mostSkew:
		return fmt.Errorf("--skew %v: want -24h..24h", f.skew)
	case f.skew%time.Second != 0:
		return fmt.Errorf("--skew %v: want whole seconds", f.skew)
	case len(f.cut) > mostCut:
		return fmt.Errorf("--cut names %d peers: want at most %d, or all", len(f.cut), mostCut)
	}
	for _, p := range f.cut {
		if _, err := peer.Decode(p); err != nil && p != everyPeer {
			return fmt.Errorf("--cut %q: want a peer id, as 'kuai peers' lists them, or all", p)
		}
	}
	return nil
}

// printSwitches writes a line for each switch.
func printSwitches(w io.Writer, l language, s api.Switches) error {
	cut := strings.Join(s.Cut, " ")
	if s.CutAll {
		cut = everyPeer
	}
	t := newTable(w)
	for _, row := range [][2]any{
		{"cut", cmp.Or(cut, "none")}, {"delay", time.Duration(s.Delay) * time.Millisecond}, {"loss", fmt.Sprintf("%d %%", s.Loss)},
		{"pause", s.Pause}, {"skew", time.Duration(s.ClockSkew) * time.Second},
	} {
		fmt.Fprintf(t, "%s\t%s\n", l.text(fmt.Sprint(row[0])), l.text(fmt.Sprint(row[1])))
	}
	return t.Flush()
}
