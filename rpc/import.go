package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync/atomic"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// Source opens the text that a /chain answers: a file, or the answer itself. It is opened more than once.
type Source func(ctx context.Context) (io.ReadCloser, error)

// ChainAt is the chain of the node, Flask's or kuai's, at an http or https URL, with or without /chain at its end.
func ChainAt(url string) Source {
	c := NewClient(strings.TrimSuffix(strings.TrimRight(url, "/"), "/chain"))
	return func(ctx context.Context) (io.ReadCloser, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/chain", nil)
		if err != nil {
			return nil, fmt.Errorf("%q is not a URL: %w", url, err)
		}
		res, err := c.http.Do(req)
		if err != nil {
			return nil, fmt.Errorf("ask the node at %s: %w", c.base, plain(err))
		}
		if res.StatusCode != http.StatusOK {
			_ = res.Body.Close()
			return nil, fmt.Errorf("%s/chain: %w (status %d)", c.base, ErrNoNode, res.StatusCode)
		}
		return res.Body, nil
	}
}

// Imported is what became of an import.
type Imported struct {
	Length   int64 // of the chain that was read
	Replaced bool  // it had more work than ours, and is ours now
}

// Import adopts the chain that open opens, in any spelling, if it has more work than c, is valid and of c's genesis: by the rules of
// GET /nodes/resolve, on a chain of any length. It is read twice: nothing is added before the last block has been checked, and
// little is held in memory. What may break a rule after that is an id that the branch holds twice: the blocks before it stay.
// Of JSON lines, the blocks before the first bad line are a chain of their own, which is adopted if it has more work; the error names the line.
// It waits for the disk. from names the source. progress may be nil; total is 0 until it is known.
func Import(ctx context.Context, c *chain.Chain, open Source, from string, progress func(done, total int64)) (Imported, error) {
	before := c.State()
	check := importer{inflow: newInflow(c), from: from, progress: progress}
	refused := check.read(ctx, open)
	if refused != nil && (ctx.Err() != nil || !errors.As(refused, new(*LineError))) {
		return Imported{}, refused
	}
	done := Imported{Length: check.last.Index}
	if check.work.Compare(before.Work) <= 0 {
		return done, refused
	}
	add := importer{inflow: newInflow(c), from: from, progress: progress, total: done.Length, adds: true}
	err := add.read(ctx, open)
	if errors.Is(err, errEnough) {
		err = refused
	}
	err = errors.Join(err, c.Sync())
	done.Replaced = c.Tip().Hash != before.Tip.Hash
	return done, err
}

// importBytes is how much of the blocks to be added is held at once.
const importBytes = 8 << 20

// newInflow returns an inflow without a bound: its user keeps the memory small.
func newInflow(c *chain.Chain) inflow {
	budget := new(atomic.Int64)
	budget.Store(math.MaxInt64)
	return inflow{chain: c, budget: budget, now: c.Now()}
}

// importer is one pass over a chain.
type importer struct {
	inflow
	from     string
	progress func(done, total int64)
	total    int64
	adds     bool // the blocks, rather than only checking them
}

func (im *importer) read(ctx context.Context, open Source) error {
	body, err := open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	err = EachBlock(body, roomForSpelling*im.chain.Rules().MaxBlockBytes, func(text []byte) error { return im.block(ctx, text) })
	if err != nil && im.adds && im.last.Index == im.total { // what was checked is read
		return errors.Join(im.pass(), errEnough)
	}
	if err == nil {
		err = im.pass()
	}
	return err
}

// block takes the next block's text.
func (im *importer) block(ctx context.Context, text []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if im.adds && im.last.Index == im.total {
		return errEnough // what follows was refused
	}
	if err := im.take(text); err != nil {
		return err
	}
	if im.progress != nil {
		im.progress(im.last.Index, im.total)
	}
	if im.adds && im.size < importBytes && len(im.lacked) < adoptBatch {
		return nil
	}
	return im.pass()
}

// pass adds what was kept, if that is wanted, and releases it.
func (im *importer) pass() error {
	if im.adds {
		if err := im.adopt(im.from); err != nil {
			return err
		}
	}
	im.release()
	im.lacked, im.size = im.lacked[:0], 0
	return nil
}

// errEnough ends the reading of a chain whose rest is not wanted.
var errEnough = errors.New("enough was read")

// ReadGenesis returns the canonical text of the first block of the chain that open opens. sealed reports whether the proof of the second
// is a text, as on secure networks.
func ReadGenesis(ctx context.Context, open Source) (genesis []byte, sealed bool, err error) {
	body, err := open(ctx)
	if err != nil {
		return nil, false, err
	}
	defer body.Close()
	err = EachBlock(body, roomForSpelling*consensus.MaxBlockBytes, func(text []byte) error {
		v, err := canonical.Read(text)
		if genesis != nil {
			o, _ := v.(canonical.Object)
			proof, _ := o.Get("proof")
			_, sealed = proof.(string)
			return errEnough
		}
		if err != nil {
			return fmt.Errorf("block 1: %w", err)
		}
		genesis = canonical.AppendValue(nil, v)
		return nil
	})
	switch {
	case genesis != nil:
		return genesis, sealed, nil // what is wrong with the rest is found when it is read
	case err == nil:
		err = errors.New("the chain has no blocks")
	}
	return nil, false, err
}

// WriteChain writes snap's chain as GET /chain answers it, byte for byte, in constant memory.
func WriteChain(ctx context.Context, w io.Writer, snap *chain.Snapshot, progress func(done, total int64)) error {
	total := snap.Tip().Index
	buf := append(make([]byte, 0, 2*chunkBytes), chainBefore...)
	var done int64
	for raw, err := range snap.Blocks(1, total+1) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if done++; done > 1 {
			buf = append(buf, ',')
		}
		buf = canonical.AppendCompact(buf, raw)
		if len(buf) < chunkBytes {
			continue
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
		if progress != nil {
			progress(done, total)
		}
	}
	_, err := w.Write(append(buf, chainAfter(total)...))
	return err
}
