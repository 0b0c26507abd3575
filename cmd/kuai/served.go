package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc"
	"kuai/rpc/api"
)

// servedChain is the chain of a node that runs.
type servedChain struct {
	a      *asking
	client *rpc.Client
}

func (s *servedChain) tip(ctx context.Context) (int64, error) {
	n, err := s.client.Node(ctx)
	return n.Height, err
}

func (s *servedChain) hashAt(ctx context.Context, index int64) (string, error) {
	b, err := s.client.Block(ctx, strconv.FormatInt(index, 10))
	return b.Hash, err
}

func (s *servedChain) object(ctx context.Context, w io.Writer, _ func(done, total int64)) error {
	body, err := s.a.open(ctx, api.Path("getChain"), "")
	if err != nil {
		return err
	}
	_, err = io.Copy(w, body)
	return errors.Join(err, body.Close())
}

const writeBytes = 256 << 10 // written at once

func (s *servedChain) lines(ctx context.Context, w io.Writer, from int64, show func(done, total int64)) error {
	total, err := s.tip(ctx)
	if err != nil {
		return err
	}
	body, err := s.a.open(ctx, fmt.Sprintf("%s?from=%d", api.Path("getChain"), from), "")
	if err != nil {
		return err
	}
	defer body.Close()
	done, buf := from-1, make([]byte, 0, 2*writeBytes)
	err = rpc.EachBlock(body, maxText, func(text []byte) error {
		v, err := canonical.Read(text)
		if err != nil {
			return fmt.Errorf("block %d of the node's answer: %w", done+1, err)
		}
		done++
		if buf = append(canonical.AppendValue(buf, v), '\n'); len(buf) < writeBytes {
			return nil
		}
		show(done, max(done, total))
		_, err = w.Write(buf)
		buf = buf[:0]
		return err
	})
	_, writeErr := w.Write(buf) // whole lines, whatever has happened
	return errors.Join(err, writeErr)
}

const sendBytes = 2 << 20 // of blocks in a request: the answer to each one shows progress

// upload sends the blocks of a chain to a node that runs.
type upload struct {
	client  *rpc.Client
	show    func(done, total int64)
	genesis string // the node's
	known   int64  // blocks from the first on that are not sent
	tip     string // the hash of the last of them

	line  int64 // read
	first int64 // line of page's first block
	page  []byte
	last  api.AddedBlocks
	added int

	refused error // the first line that the node did not take; it was read some lines before
}

// errOtherBranch says that the chain is not the node's as far as that one goes.
var errOtherBranch = errors.New("another branch")

// errOtherGenesis is what a node answers to such a chain, too.
var errOtherGenesis = errors.New("its genesis is not ours: it is of another network")

// take gathers a block.
func (u *upload) take(ctx context.Context, text []byte) error {
	u.line++
	if u.line == 1 || u.line == u.known {
		v, err := canonical.Read(text)
		if err != nil {
			return err
		}
		hash := consensus.Hash(sha256.Sum256(canonical.AppendValue(nil, v))).String()
		switch {
		case u.line == 1 && hash != u.genesis:
			return errOtherGenesis
		case u.line == u.known && hash != u.tip:
			return errOtherBranch
		}
	}
	if u.line <= u.known {
		return nil
	}
	if len(u.page) == 0 {
		u.first = u.line
	}
	at := len(u.page)
	u.page = append(append(u.page, text...), '\n')
	for i, c := range u.page[at : len(u.page)-1] {
		if c == '\n' || c == '\r' { // JSON has none inside strings
			u.page[at+i] = ' '
		}
	}
	if len(u.page) < sendBytes {
		return nil
	}
	return u.send(ctx)
}

// send sends what was gathered.
func (u *upload) send(ctx context.Context) error {
	if len(u.page) == 0 {
		return nil
	}
	answer, err := u.client.AddBlocks(ctx, u.page)
	if err != nil {
		return err
	}
	u.last, u.page = answer, u.page[:0]
	u.added += answer.Added
	u.show(u.line, 0)
	if r := answer.Refused; r != nil {
		u.refused = fmt.Errorf("line %d: %s", u.first+int64(r.Position)-1, r.Reason)
	}
	return u.refused
}

// read reads the chain once.
func (u *upload) read(ctx context.Context, open rpc.Source) error {
	body, err := open(ctx)
	if err != nil {
		return err
	}
	err = rpc.EachBlock(body, maxText, func(text []byte) error { return u.take(ctx, text) })
	line := (*rpc.LineError)(nil)
	if u.refused != nil {
		err = u.refused
	} else if err == nil || errors.As(err, &line) && errors.Is(err, rpc.ErrCut) {
		err = errors.Join(u.send(ctx), err) // what is before the cut
	}
	return errors.Join(err, body.Close())
}

// importedInfo is what 'kuai import' prints.
type importedInfo struct {
	Replaced bool   `json:"replaced"`
	Height   int64  `json:"height"`
	Tip      string `json:"tip"`
	Length   int64  `json:"length"` // of the chain that was read
}

// sendChain gives the chain that open opens to a node that runs. It sends what follows the node's tip or, if the chain is not the node's so
// far, all of it.
func sendChain(ctx context.Context, client *rpc.Client, open rpc.Source, show func(done, total int64)) (i importedInfo, err error) {
	before, err := client.Node(ctx)
	if err != nil {
		return i, err
	}
	u := &upload{client: client, show: show, genesis: before.Genesis, known: before.Height, tip: before.Tip}
	if err = u.read(ctx, open); errors.Is(err, errOtherBranch) {
		u = &upload{client: client, show: show, genesis: before.Genesis}
		err = u.read(ctx, open)
	}
	i = importedInfo{Height: before.Height, Tip: before.Tip, Length: u.line}
	if u.last.Tip != "" {
		i.Height, i.Tip, i.Replaced = u.last.Height, u.last.Tip, u.last.Tip != before.Tip
	}
	return i, err
}
