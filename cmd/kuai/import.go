package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kuai/chain"
	"kuai/rpc"
)

func newImport() *cobra.Command {
	var f chainFlags
	var adopt bool
	c := &cobra.Command{
		Use:   "import FILE|URL",
		Short: "Adopt a chain from a file or from another node, Flask's too",
		Long: "Adopt a chain from a file (an export, compressed or not, or what any node's /chain answered) or from the node at a URL, if it is valid,\n" +
			"of our genesis and has more work than ours (in classic: is longer): as GET /nodes/resolve does, for a chain of any length, and for\n" +
			"a node that runs or not. Of a file with a block a line, what is before the first bad line is taken, and the same command goes on\n" +
			"there once the line is mended.\n" +
			"With --adopt-genesis the chain's own genesis is ours: a network file is written for it here, and a new chain begins.",
		Args: arguments(1, 1),
	}
	read := stored(c)
	f.bind(c)
	c.Flags().BoolVar(&adopt, "adopt-genesis", false, "start a network of its own from the chain's genesis")
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		open := sourceOf(words[0])
		if !adopt {
			a, client, err := f.running(c, cfg, r)
			if err != nil {
				return err
			}
			if a != nil {
				err := f.importServed(c, client, named(open), words[0])
				if errors.As(err, new(*sourceError)) {
					return err // of the other node, if it is one
				}
				return a.explain(err)
			}
		}
		if adopt {
			if isURL(words[0]) {
				base := strings.TrimSuffix(strings.TrimRight(words[0], "/"), "/chain")
				if n, err := rpc.NewClient(base).Node(c.Context()); err == nil && isSecure(n) {
					return errSecureGenesis
				}
			}
			if cfg, r, err = adoptGenesis(c, cfg, open); err != nil {
				return err
			}
		}
		err = withChain(cfg, r, newLog(cfg, c.ErrOrStderr()), func(ours *chain.Chain) error { return f.importInto(c, ours, open, words[0]) })
		if err == nil && adopt {
			_, err = fmt.Fprintf(c.OutOrStdout(), "\n%s\n\n  %s\n", languageFor(c).text("Run a node of this network:"), adoptedCommand(c, cfg))
		}
		return err
	}
	return c
}

// errSecureGenesis refuses to make a classic network of a secure one's first block.
var errSecureGenesis = errors.New("this is a secure network's chain: get its file from those who made the network, or run 'kuai join' with the code that 'kuai invite' shows there")

func isURL(word string) bool {
	return strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://")
}

// sourceOf is the chain in a file or at a URL.
func sourceOf(word string) rpc.Source {
	if isURL(word) {
		return rpc.ChainAt(word)
	}
	return fileSource(word)
}

func (f *chainFlags) importInto(c *cobra.Command, ours *chain.Chain, open rpc.Source, from string) error {
	show, end := counter(c.ErrOrStderr(), "importing")
	checking, checked := counter(c.ErrOrStderr(), "checking")
	done, err := rpc.Import(c.Context(), ours, open, from, func(n, total int64) {
		if total == 0 {
			checking(n, 0)
		} else {
			show(n, total)
		}
	})
	checked()
	end()
	tip := ours.Tip()
	return f.tellImported(c, importedInfo{done.Replaced, tip.Index, tip.Hash.String(), done.Length}, from, err)
}

// importServed imports into a node that runs.
func (f *chainFlags) importServed(c *cobra.Command, client *rpc.Client, open rpc.Source, from string) error {
	show, end := counter(c.ErrOrStderr(), "importing")
	i, err := sendChain(c.Context(), client, open, show)
	end()
	return f.tellImported(c, i, from, err)
}

// sourceError says that what is to be imported cannot be opened.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

// named makes a sourceError of what opening a source fails with.
func named(open rpc.Source) rpc.Source {
	return func(ctx context.Context) (io.ReadCloser, error) {
		r, err := open(ctx)
		if err != nil {
			return nil, &sourceError{err}
		}
		return r, nil
	}
}

// errEndsEarly is the error of a chain that is not whole.
var errEndsEarly = errors.New("it ends too early: it is empty, or was cut off. Get it anew")

// tellImported prints what became of an import, or makes an error of err that says how far it came and how to go on.
func (f *chainFlags) tellImported(c *cobra.Command, i importedInfo, from string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errEndsEarly
	}
	if err != nil && strings.Contains(err.Error(), "its genesis is not ours") {
		err = fmt.Errorf("%w. Name its network by --network. For a chain of a Flask node, --adopt-genesis makes the file", err)
	}
	out, l := c.OutOrStdout(), languageFor(c)
	switch {
	case err != nil && i.Replaced:
		return fmt.Errorf("import %s: %w\nThe chain has the blocks before it, up to block %d. Mend the file or get the rest, and run the same command again: it goes on there", from, err, i.Height)
	case err != nil:
		return fmt.Errorf("import %s: %w", from, err)
	case f.json:
		return printJSON(out, i)
	case i.Replaced:
		_, err = fmt.Fprintf(out, "%s\n%s\n", l.format("%s: %s", l.text("Our chain was replaced"), counted(l, i.Height, "block")), l.format("tip %s", i.Tip))
	default:
		_, err = fmt.Fprintln(out, l.format("Our chain is authoritative: %s, and %d in the other", counted(l, i.Height, "block"), i.Length))
	}
	return err
}
