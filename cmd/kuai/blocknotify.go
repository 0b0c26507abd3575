package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/rpc"
)

// Bounds of --block-notify.
const (
	notifyTime      = time.Minute     // one run of the command
	notifyGrace     = 5 * time.Second // from its end until the processes that it started close its output
	maxNotifyOutput = 512             // bytes of its output in the log
)

// checkNotify checks what a new tip is told to.
func (c *Config) checkNotify() error {
	words, err := splitCommand(c.BlockNotify)
	if err == nil && len(words) > 0 {
		if _, look := exec.LookPath(words[0]); look != nil {
			err = fmt.Errorf("command %s cannot be run: give the path of an executable file", words[0])
		}
	}
	if err != nil {
		return fmt.Errorf("--block-notify %s: %w", c.BlockNotify, err)
	}
	if len(c.Webhooks) > rpc.MaxWebhooks {
		return fmt.Errorf("--webhook: %d URLs, want at most %d", len(c.Webhooks), rpc.MaxWebhooks)
	}
	for _, url := range c.Webhooks {
		if err := rpc.CheckWebhook(url); err != nil {
			return fmt.Errorf("--webhook: %w", err)
		}
	}
	if (len(c.Webhooks) == 0) != (c.WebhookSecretFile == "") {
		return errors.New("--webhook and --webhook-secret need each other: the secret signs what is sent")
	}
	return nil
}

// splitCommand splits a command at spaces. Quotes, single or double, hold a word together; there is no other syntax.
func splitCommand(text string) (words []string, err error) {
	var word strings.Builder
	quote, begun := rune(0), false
	for _, r := range text + " " {
		switch {
		case r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, begun = r, true
		case r != ' ' && r != '\t':
			word.WriteRune(r)
			begun = true
		case begun:
			words, begun = append(words, word.String()), false
			word.Reset()
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c has no end", quote)
	}
	return words, nil
}

// notifier runs a command for each new tip, one at a time. For tips that come meanwhile it runs once, for the newest.
type notifier struct {
	words []string
	limit time.Duration // of one run
	chain *chain.Chain
	log   *slog.Logger
	told  consensus.Hash // the tip of the last run
	last  string         // how the last run failed, "" if it did not
}

// newNotifier makes a notifier of a valid command, for tips from now on. An empty command runs nothing.
func newNotifier(command string, c *chain.Chain, log *slog.Logger) *notifier {
	words, _ := splitCommand(command) // checked by the settings
	return &notifier{words: words, limit: notifyTime, chain: c, log: log, told: c.Tip().Hash}
}

// run runs the command until ctx ends.
func (n *notifier) run(ctx context.Context) error {
	if len(n.words) == 0 {
		return nil
	}
	wake, stop := n.chain.Watch()
	defer stop()
	for ctx.Err() == nil {
		if tip := n.chain.Tip().Hash; tip != n.told {
			n.told = tip
			n.report(ctx, tip, n.notify(ctx, tip))
			continue
		}
		select {
		case <-ctx.Done():
		case <-wake:
		}
	}
	return nil
}

// notify runs the command once.
func (n *notifier) notify(ctx context.Context, tip consensus.Hash) error {
	ctx, cancel := context.WithTimeout(ctx, n.limit)
	defer cancel()
	words := make([]string, len(n.words))
	for i, w := range n.words {
		words[i] = strings.ReplaceAll(w, "%s", tip.String())
	}
	c := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the operator's own command
	output := &headOf{left: maxNotifyOutput}
	c.Stdout, c.Stderr, c.WaitDelay = output, output, notifyGrace
	killGroup(c)
	err := c.Run()
	switch text := strings.TrimSpace(output.String()); {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("it was ended after %v", n.limit)
	case text != "":
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// report logs a failure, once as long as it stays the same.
func (n *notifier) report(ctx context.Context, tip consensus.Hash, err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	if ctx.Err() != nil || now == n.last {
		return
	}
	n.last = now
	if err != nil {
		n.log.Warn("the command of --block-notify failed", "block", tip.String(), "err", err)
		return
	}
	n.log.Info("the command of --block-notify succeeds again", "block", tip.String())
}

// headOf keeps the beginning of what is written to it.
type headOf struct {
	strings.Builder
	left int
}

func (h *headOf) Write(b []byte) (int, error) {
	kept := b[:min(len(b), h.left)]
	h.left -= len(kept)
	_, _ = h.Builder.Write(kept)
	return len(b), nil
}
