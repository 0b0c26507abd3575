package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"kuai/chain"
	"kuai/chain/atomicfile"
	"kuai/rpc"
)

func newExport() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a stopped node's chain to a file",
		Long: "Write a stopped node's chain to a file, or to standard output where FILE is -. It is what GET /chain answers, byte for byte:\n" +
			"of a node that runs, 'curl -o FILE http://127.0.0.1:5000/chain' is the export.",
		Args: arguments(1, 1),
	}
	read := stored(c)
	c.Flags().BoolVarP(&force, "force", "f", false, "replace FILE if it exists")
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		if err := errors.Join(mustHold(cfg), mayReplace(words[0], force)); err != nil {
			return err
		}
		err = withChain(cfg, r, newLog(cfg, c.ErrOrStderr()), func(held *chain.Chain) error { return export(c, held, words[0]) })
		if locked := (*lockedError)(nil); errors.As(err, &locked) {
			err = fmt.Errorf("%w. While it runs, its /chain is the export: curl -o %s http://127.0.0.1:%d/chain", err, words[0], cfg.Port)
		}
		return err
	}
	return c
}

func export(c *cobra.Command, held *chain.Chain, file string) error {
	snap := held.Snapshot()
	show, end := counter(c.ErrOrStderr(), "exporting")
	write := func(w io.Writer) error { return rpc.WriteChain(c.Context(), w, snap, show) }
	var err error
	if file == "-" {
		err = write(c.OutOrStdout())
	} else {
		err = atomicfile.Replace(file, 0o644, write)
	}
	end()
	if err = errors.Join(err, snap.Close()); err != nil || file == "-" {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s written to %s\n", count(snap.Tip().Index, "block"), file)
	return err
}

// mayReplace refuses to write over a file unless forced to, and over what isn't a file at all.
func mayReplace(file string, force bool) error {
	if file == "-" {
		return nil
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return usageError{fmt.Errorf("%s is not a file: name another, or - for standard output", file)}
	case !force:
		return usageError{fmt.Errorf("%s exists: --force replaces it", file)}
	}
	return nil
}

// fileSource is the chain in a file.
func fileSource(file string) rpc.Source {
	return func(context.Context) (io.ReadCloser, error) { return os.Open(file) }
}
