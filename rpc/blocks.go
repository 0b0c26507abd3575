package rpc

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// Pages of lists.
const (
	usualPage   = 20
	largestPage = 1000
)

// blocks is GET /blocks: a page of the active chain, newest last. Without ?from= it is the newest page.
func (s *Server) blocks(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, usualPage, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	snap, release, err := s.snapshot(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer release()
	tip := snap.Tip()
	if from == 0 {
		from = max(1, tip.Index-limit+1)
	}
	st := newStream(w, r)
	defer st.release()
	st.buf = append(st.buf, `{"blocks":[`...)
	err = copyViews(st, snap, from, min(from+limit, tip.Index+1))
	st.buf = fmt.Appendf(st.buf, `],"from":%d,"length":%d}`+"\n", from, tip.Index)
	s.finish(st, r, err)
}

// copyViews copies the blocks [from, to).
func copyViews(st *stream, snap *chain.Snapshot, from, to int64) error {
	for i := from; i < to; i++ {
		held, err := snap.At(i)
		if err != nil {
			return err
		}
		if i > from {
			st.buf = append(st.buf, ',')
		}
		st.buf = appendJSON(st.buf, view(held, snap.Tip()))
		if err := st.step(); err != nil {
			return err
		}
	}
	return nil
}

// block is GET /blocks/{ref}: by index, by hash (side branches too), or the latest.
func (s *Server) block(w http.ResponseWriter, r *http.Request) {
	snap, release, err := s.snapshot(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer release()
	held, err := find(snap, r.PathValue("ref"))
	if errors.Is(err, chain.ErrNotFound) {
		err = notFound("This node holds no block "+canonical.Quote(r.PathValue("ref"))+".", fmt.Sprintf("The chain ends at %d.", snap.Tip().Index))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, view(held, snap.Tip()))
}

func find(snap *chain.Snapshot, ref string) (chain.Held, error) {
	if ref == "latest" {
		return snap.At(snap.Tip().Index)
	}
	if h, err := consensus.ParseHash(ref); err == nil {
		return snap.Block(h)
	}
	index, err := strconv.ParseInt(ref, 10, 64)
	if err != nil {
		return chain.Held{}, badRequest("not a reference to a block", canonical.Quote(ref)+" is neither an index nor a hash.",
			`A block is named by its index (1 is the first), by its hash (64 lower-case hex digits) or by "latest".`)
	}
	return snap.At(index)
}

// view is a block with what this node knows of it.
func view(held chain.Held, tip consensus.Header) object {
	branch, confirmations := "side", int64(0)
	if held.Active {
		branch, confirmations = "active", tip.Index-held.Block.Index()+1
	}
	return object{
		"block": compact(canonical.AppendCompact(nil, held.Block.Canonical())), "branch": branch, "confirmations": confirmations,
		"from": held.From, "hash": held.Block.Hash(), "received": unix(held.Received),
	}
}

// unix is t in seconds, null where it is not known.
func unix(t time.Time) any {
	if t.IsZero() || t.Unix() <= 0 {
		return nil
	}
	return float64(t.UnixMicro()) / 1e6
}

// forks is GET /forks: the tips of the side branches, longest first.
func (s *Server) forks(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, usualPage, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all := s.chain.Forks()
	list := []object{}
	for _, f := range cut(all, from, limit) {
		list = append(list, object{"fork_point": place(f.Point), "length": f.Tip.Index - f.Point.Index, "tip": place(f.Tip)})
	}
	answer(w, http.StatusOK, object{"count": len(all), "forks": list})
}

func place(h consensus.Header) object { return object{"hash": h.Hash, "index": h.Index} }
