package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kuai/miner"
	"kuai/rpc"
	"kuai/rpc/api"
)

// mineFlags are those of 'kuai mine' beside the ones of every verb.
type mineFlags struct {
	asking
	mode  string
	cores int
	share int
	all   bool
}

func newMine() *cobra.Command {
	var f mineFlags
	c := &cobra.Command{
		Use:         "mine [N]",
		Short:       "Mine N blocks, or set when the node mines by itself",
		Long:        "Mine N blocks on the node, one unless said otherwise. Ctrl-C ends the search.\nWith --mode, --cores or --share, change how the node mines until it stops, and mine nothing now.",
		Args:        arguments(0, 1),
		Annotations: map[string]string{negative: "want a number of blocks from 1"},
	}
	f.bind(c)
	c.Flags().StringVar(&f.mode, "mode", "", "when the node mines by itself: manual, instant, interval=5s, continuous")
	c.Flags().IntVar(&f.cores, "cores", 0, "how many cores its next search uses; 0: all")
	c.Flags().IntVar(&f.share, "share", 100, "how much of those cores' time it uses, in `percent`")
	c.Flags().BoolVar(&f.all, "wait", false, "after that, wait until all connected peers have the blocks")
	c.RunE = func(c *cobra.Command, words []string) error {
		n, err := blockCount(words)
		if err != nil {
			return usageError{err}
		}
		change := f.change(c)
		if _, err := miner.ParseMode(f.mode); change.Mode != nil && err != nil {
			return usageError{fmt.Errorf("--mode: %w", err)}
		}
		switch {
		case change == (api.MinerChange{}):
		case len(words) > 0:
			return usageError{fmt.Errorf("%q blocks and --mode, --cores or --share: one at a time", words[0])}
		case f.all:
			return usageError{errors.New("--wait and --mode, --cores or --share: one at a time")}
		}
		client, err := f.client(c)
		switch {
		case err != nil:
			return err
		case change == (api.MinerChange{}):
			err = f.mine(c, client, n)
		default:
			err = switchMining(c, client, change, f.json)
		}
		return f.explain(err)
	}
	return c
}

// change is what the flags ask for.
func (f *mineFlags) change(c *cobra.Command) (change api.MinerChange) {
	if c.Flags().Changed("mode") {
		change.Mode = &f.mode
	}
	if c.Flags().Changed("cores") {
		change.Cores = &f.cores
	}
	if c.Flags().Changed("share") {
		change.Share = &f.share
	}
	return change
}

func blockCount(words []string) (int, error) {
	if len(words) == 0 {
		return 1, nil
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q: want a number of blocks from 1", words[0])
	}
	return n, nil
}

func switchMining(c *cobra.Command, client *rpc.Client, change api.MinerChange, asJSON bool) error {
	ctx, cancel := context.WithTimeout(c.Context(), rpc.DefaultTimeout)
	defer cancel()
	m, err := client.SetMining(ctx, change)
	switch {
	case err != nil:
		return err
	case asJSON:
		return printJSON(c.OutOrStdout(), m)
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), languageFor(c).format("mode %s, cores %d, share %d %%", m.Mode, m.Cores, m.Share))
	return err
}

// mine prints a line for each block when it is on the node's disk. A stop by signal is not a failure.
func (f *mineFlags) mine(c *cobra.Command, client *rpc.Client, n int) error {
	var last api.MinedBlock
	for range n {
		b, err := mineBlock(c.Context(), client, c.ErrOrStderr())
		if c.Context().Err() != nil {
			return nil //nolint:nilerr // the user has ended the search
		}
		if err != nil {
			return err
		}
		if err := printMined(c.OutOrStdout(), languageFor(c), b, f.json); err != nil {
			return err
		}
		last = b
	}
	if f.all {
		return waitForPeers(c.Context(), client, last)
	}
	return nil
}

// spreadTime is how long peers have to get what was mined. They compare their chains every second or two if a block did not arrive.
const spreadTime = 30 * time.Second

// waitForPeers waits until each connected peer has told that the block is its tip, or that its chain is longer.
func waitForPeers(ctx context.Context, client *rpc.Client, b api.MinedBlock) error {
	ctx, cancel := context.WithTimeout(ctx, spreadTime)
	defer cancel()
	return untilNil(ctx, func() error {
		p, err := client.Peers(ctx)
		if err != nil {
			return err
		}
		for _, peer := range p.Peers {
			if has := peer.Height > b.Index || peer.Tip != nil && *peer.Tip == b.Hash; peer.Connected && !has {
				return notYet{fmt.Errorf("not all peers have block %d after %v: %s is at block %d", b.Index, spreadTime, peer.ID, peer.Height)}
			}
		}
		return nil
	})
}

func printMined(w io.Writer, l language, b api.MinedBlock, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(b)
	}
	_, err := fmt.Fprintln(w, l.format("block %d  %s", b.Index, b.Hash))
	return err
}

// mineBlock mines one block. Where w is a terminal it shows the progress meanwhile.
func mineBlock(ctx context.Context, client *rpc.Client, w io.Writer) (api.MinedBlock, error) {
	if isTerminal(w) {
		watching, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); showProgress(watching, client, w) }()
		defer func() { stop(); <-done }()
	}
	return client.Mine(ctx)
}

// progressEvery is how often the line is drawn anew.
const progressEvery = 500 * time.Millisecond

// showProgress keeps a line on a terminal until ctx ends, then clears it.
func showProgress(ctx context.Context, client *rpc.Client, w io.Writer) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	defer func() { _, _ = io.WriteString(w, clearLine) }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if m, err := client.Mining(ctx); err == nil {
				_, _ = io.WriteString(w, clearLine+progressText(m))
			}
		}
	}
}

// progressText is one line: how many tries, how fast, how long it takes on average.
func progressText(m api.Miner) string {
	if !m.Searching {
		return "waiting for the miner"
	}
	text := fmt.Sprintf("searching: %.1f M tries, %.1f M/s", float64(m.Tries)/1e6, m.Rate/1e6)
	if m.Expected != nil {
		text += ", about " + durationText(*m.Expected) + " a block"
	}
	return text
}

// durationText says seconds as people do; what is beyond a year is not counted.
func durationText(seconds float64) string {
	const year = 365 * 24 * 3600
	if seconds > year {
		return "more than a year"
	}
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
