package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// newLogs makes the verbs for the log of a node that runs.
func newLogs() *cobra.Command {
	c := rangeVerb("logs", "Show or change how much a running node logs", 0, 0, askLogLevel, func(w io.Writer, l language, now api.LogLevel) error {
		_, err := fmt.Fprintln(w, l.format("level %s: 'kuai logs level LEVEL' changes it", now.Level))
		return err
	})
	c.Args = knownVerb
	c.Example = "  kuai logs\n  kuai logs level debug"
	c.AddCommand(newLogsLevel())
	return c
}

func newLogsLevel() *cobra.Command {
	c := rangeVerb("level [LEVEL]", "Set the least level that the node logs, or show it", 0, 1, askLogLevel, printLogLevel)
	c.Long = "Set the least level that the node logs (debug, info, warn or error), until it stops. Without LEVEL, show it."
	c.Example = "  kuai logs level debug\n  kuai logs level info -p 5001\n  kuai logs level"
	c.ValidArgs = logLevels
	return c
}

func printLogLevel(w io.Writer, l language, now api.LogLevel) error {
	_, err := fmt.Fprintln(w, l.format("level %s", now.Level))
	return err
}

// logLevels are the values of --log-level.
var logLevels = []string{"debug", "info", "warn", "error"}

func askLogLevel(ctx context.Context, c *rpc.Client, words []string) (api.LogLevel, error) {
	if len(words) == 0 {
		return c.LogLevel(ctx)
	}
	level := strings.ToLower(words[0])
	if !slices.Contains(logLevels, level) {
		return api.LogLevel{}, usageError{fmt.Errorf("%q: want debug, info, warn or error", words[0])}
	}
	return c.SetLogLevel(ctx, level)
}
