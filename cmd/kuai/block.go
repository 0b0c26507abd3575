package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/chain/consensus"
	"kuai/rpc"
	"kuai/rpc/api"
)

func newBlock() *cobra.Command {
	var f walletFlags
	c := wordVerb("block REF", "Show a block: by index, hash, or 'latest'", 1,
		func(ctx context.Context, c *rpc.Client, words []string) (api.BlockInfo, error) {
			ref := strings.ToLower(words[0])
			if !isBlockRef(ref) {
				return api.BlockInfo{}, usageError{fmt.Errorf("%q: %s", words[0], wantBlockRef)}
			}
			return c.Block(ctx, ref)
		}, f.printBlock)
	f.bindDir(c)
	c.Annotations = map[string]string{negative: wantBlockRef}
	return c
}

const wantBlockRef = "want an index, a hash of 64 hex digits, or latest"

func isBlockRef(ref string) bool {
	index, err := strconv.ParseInt(ref, 10, 64)
	if err == nil && index > 0 || ref == "latest" {
		return true
	}
	_, err = consensus.ParseHash(ref)
	return err == nil
}

func (f *walletFlags) printBlock(w io.Writer, l language, b api.BlockInfo) error {
	t := newTable(w)
	seconds, _ := b.Block.Timestamp.Float64()
	for _, line := range [][2]string{
		{"index", fmt.Sprint(b.Block.Index)},
		{"hash", b.Hash},
		{"previous", b.Block.PreviousHash},
		{"proof", fmt.Sprint(b.Block.Proof)},
		{"time", time.UnixMicro(int64(seconds * 1e6)).UTC().Format(time.RFC3339)},
		{"branch", l.format("%s, %s", l.text(b.Branch), counted(l, b.Confirmations, "confirmation"))},
		{"from", fromText(l, b.From, b.FromName)},
	} {
		fmt.Fprintf(t, "%s\t%s\n", l.text(line[0]), line[1])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printPayments(w, f.named(b.Block.Transactions))
}

// fromText is who sent something, with what that peer calls itself.
func fromText(l language, from, name string) string {
	if from == "" {
		return l.text("this node")
	}
	return peerText(from, name)
}

// peerText is a peer's id and what it calls itself, in quotes as it is a claim.
func peerText(id, name string) string {
	if name == "" {
		return id
	}
	return id + " " + strconv.Quote(name)
}

// printPayments prints a table. A block's reward and what a Flask node has mined have no id.
func printPayments(w io.Writer, all []api.Payment) error {
	t := newTable(w)
	for _, p := range all {
		fmt.Fprintf(t, "%s\t%s\t→\t%s\t%s\n", p.Amount, name(p.Sender), name(p.Recipient), p.ID)
	}
	return t.Flush()
}

// name is a stranger's string for a terminal: what could move its cursor is escaped.
func name(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
