package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"kuai/chain"
	"kuai/chain/atomicfile"
	"kuai/chain/consensus"
	"kuai/rpc"
)

// exporting are the flags of 'kuai export'.
type exporting struct {
	chainFlags
	force bool
}

// exportedInfo is what 'kuai export' prints.
type exportedInfo struct {
	File   string `json:"file"`
	Blocks int64  `json:"blocks"` // in the file
	Added  int64  `json:"added"`  // by this run
}

func newExport() *cobra.Command {
	var f exporting
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a node's chain to a file: one block a line",
		Long: "Write the chain of a node to a file, whether it runs or not: a line for each block, in its canonical form, whose SHA-256 without the\n" +
			"newline is the block's hash. A name that ends in .gz or .zst is compressed. A FILE that exists is continued where it ends. A name that\n" +
			"ends in .json, and - for standard output, get what GET /chain answers, byte for byte.",
		Args: arguments(1, 1),
	}
	read := stored(c)
	f.bind(c)
	c.Flags().BoolVarP(&f.force, "force", "f", false, "replace FILE if it exists")
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		a, client, err := f.running(c, cfg, r)
		if err != nil {
			return err
		}
		if a != nil {
			return a.explain(f.export(c, &servedChain{a, client}, words[0]))
		}
		if err := mustHold(cfg); err != nil {
			return err
		}
		return withChain(cfg, r, newLog(cfg, c.ErrOrStderr()), func(held *chain.Chain) error {
			snap := held.Snapshot()
			return errors.Join(f.export(c, heldChain{snap}, words[0]), snap.Close())
		})
	}
	return c
}

// exportable is a chain to be exported.
type exportable interface {
	tip(ctx context.Context) (int64, error)
	hashAt(ctx context.Context, index int64) (string, error)
	object(ctx context.Context, w io.Writer, show func(done, total int64)) error // as GET /chain
	lines(ctx context.Context, w io.Writer, from int64, show func(done, total int64)) error
}

// heldChain is that of a node that does not run.
type heldChain struct{ *chain.Snapshot }

func (h heldChain) tip(context.Context) (int64, error) { return h.Tip().Index, nil }

func (h heldChain) hashAt(_ context.Context, index int64) (string, error) {
	b, err := h.At(index)
	if err != nil {
		return "", err
	}
	return b.Block.Hash().String(), nil
}

func (h heldChain) object(ctx context.Context, w io.Writer, show func(done, total int64)) error {
	return rpc.WriteChain(ctx, w, h.Snapshot, show)
}

func (h heldChain) lines(ctx context.Context, w io.Writer, from int64, show func(done, total int64)) error {
	return rpc.WriteLines(ctx, w, h.Snapshot, from, show)
}

func (f *exporting) export(c *cobra.Command, from exportable, file string) error {
	if dir := filepath.Dir(file); file != "-" && !exists(dir) {
		return usageError{fmt.Errorf("directory %s does not exist: make it first, or name another file", dir)}
	}
	show, end := counter(c.ErrOrStderr(), "exporting")
	defer end()
	ctx := c.Context()
	switch {
	case file == "-":
		return from.object(ctx, c.OutOrStdout(), show)
	case isLines(file) && !f.force:
		return f.goOn(c, from, file, show)
	}
	if err := mayReplace(file, f.force); err != nil {
		return err
	}
	total, err := from.tip(ctx)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return from.object(ctx, w, show) }
	if isLines(file) {
		write = func(w io.Writer) error { return from.lines(ctx, w, 1, show) }
	}
	err = atomicfile.Replace(file, 0o644, func(w io.Writer) error { return compressed(w, file, write) })
	if err != nil {
		return err
	}
	end()
	return f.tell(c, exportedInfo{file, total, total})
}

// goOn writes the blocks that a file of lines lacks.
func (f *exporting) goOn(c *cobra.Command, from exportable, file string, show func(done, total int64)) error {
	ctx := c.Context()
	have, err := f.kept(ctx, from, file)
	if err != nil {
		return err
	}
	total, err := from.tip(ctx)
	if err != nil {
		return err
	}
	if have.blocks < total {
		err = appendTo(file, have, func(w io.Writer) error { return from.lines(ctx, w, have.blocks+1, show) })
	}
	if ctx.Err() != nil {
		return fmt.Errorf("stopped; the same command goes on where %s ends", file)
	}
	if err != nil {
		return fmt.Errorf("export %s: %w\nThe same command goes on where the file ends", file, err)
	}
	return f.tell(c, exportedInfo{file, max(total, have.blocks), max(total-have.blocks, 0)})
}

// kept is what the file holds of the chain: nothing if there is none yet. Anything else in it is an error that says the way out.
func (f *exporting) kept(ctx context.Context, from exportable, file string) (exported, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return exported{}, nil
	case err != nil:
		return exported{}, err
	case !info.Mode().IsRegular():
		return exported{}, mayReplace(file, false)
	case info.Size() == 0:
		return exported{}, nil
	}
	have, err := readExported(ctx, file)
	if err != nil {
		return have, err
	}
	if have.cut && !isPlain(file) {
		return have, usageError{fmt.Errorf("%s is cut off after block %d, and a compressed file cannot be mended: --force writes it anew", file, have.blocks)}
	}
	if have.blocks == 0 {
		return have, mayReplace(file, false)
	}
	hash, err := from.hashAt(ctx, have.blocks)
	if refused := (*rpc.StatusError)(nil); err != nil && !errors.Is(err, chain.ErrNotFound) && !errors.As(err, &refused) {
		return have, err
	}
	if own := consensus.Hash(sha256.Sum256(have.last)); err != nil || own.String() != hash {
		return have, usageError{fmt.Errorf("%s exists, and its line %d is not block %d of this chain: --force writes it anew, or name another file", file, have.blocks, have.blocks)}
	}
	return have, nil
}

func isPlain(file string) bool {
	z, err := compressor(io.Discard, file)
	_, plain := z.(plainWriter)
	return err == nil && plain
}

// appendTo writes behind the whole lines of a file, and syncs it.
func appendTo(file string, have exported, write func(io.Writer) error) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // an export is for others to read
	if err != nil {
		return err
	}
	if have.cut {
		err = f.Truncate(have.end)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err == nil {
		err = compressed(f, file, write)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func (f *exporting) tell(c *cobra.Command, i exportedInfo) (err error) {
	l := languageFor(c)
	text := l.format("%s written to %s", counted(l, i.Blocks, "block"), i.File)
	switch {
	case f.json:
		return printJSON(c.OutOrStdout(), i)
	case i.Added == 0:
		text = l.format("%s has all blocks already: %s", i.File, counted(l, i.Blocks, "block"))
	case i.Added < i.Blocks:
		text = l.format("%s added to %s: %s", counted(l, i.Added, "block"), i.File, counted(l, i.Blocks, "block"))
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), text)
	return err
}

// mayReplace refuses to write over a file unless forced to, and over what isn't a file at all.
func mayReplace(file string, force bool) error {
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
