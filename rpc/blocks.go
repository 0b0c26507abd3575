package rpc

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"kuai/chain"
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
	tip := s.chain.Tip()
	if from == 0 {
		from = max(1, tip.Index-limit+1)
	}
	st := newStream(w, r)
	defer st.release()
	st.buf = append(st.buf, `{"blocks":[`...)
	err = s.copyViews(st, from, min(from+limit, tip.Index+1), tip)
	st.buf = fmt.Appendf(st.buf, `],"from":%d,"length":%d}`+"\n", from, tip.Index)
	s.finish(st, r, err)
}

func (s *Server) copyViews(st *stream, from, to int64, tip chain.Header) error {
	for i := from; i < to; i++ {
		held, err := s.chain.At(i)
		if errors.Is(err, chain.ErrNotFound) {
			return nil // a reorg has made the chain shorter than it was at the start of the page
		}
		if err != nil {
			return err
		}
		if i > from {
			st.buf = append(st.buf, ',')
		}
		st.buf = appendJSON(st.buf, view(held, tip))
		if err := st.step(); err != nil {
			return err
		}
	}
	return nil
}

// block is GET /blocks/{ref}: by index, by hash (side branches too), or the latest.
func (s *Server) block(w http.ResponseWriter, r *http.Request) {
	tip := s.chain.Tip()
	held, err := s.find(r.PathValue("ref"), tip)
	if errors.Is(err, chain.ErrNotFound) {
		err = notFound("This node holds no block "+strconv.Quote(r.PathValue("ref"))+".", fmt.Sprintf("The chain ends at %d.", tip.Index))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, view(held, tip))
}

func (s *Server) find(ref string, tip chain.Header) (chain.Held, error) {
	if ref == "latest" {
		return s.chain.Block(tip.Hash)
	}
	if len(ref) == 2*len(tip.Hash) {
		h, err := chain.ParseHash(ref)
		if err != nil {
			return chain.Held{}, badRequest("no reference to a block", "A hash is 64 lower-case hex digits.", "Ask for /blocks/latest, an index or a hash.")
		}
		return s.chain.Block(h)
	}
	index, err := strconv.ParseInt(ref, 10, 64)
	if err != nil {
		return chain.Held{}, badRequest("no reference to a block", "This is no index, no hash and not \"latest\".", "Ask for /blocks/latest, an index or a hash.")
	}
	return s.chain.At(index)
}

// view is a block with what this node knows of it.
func view(held chain.Held, tip chain.Header) object {
	branch, confirmations := "side", int64(0)
	if held.Active {
		branch, confirmations = "active", max(1, tip.Index-held.Block.Index()+1)
	}
	return object{
		"block": compact(chain.AppendCompact(nil, held.Block.Canonical())), "branch": branch, "confirmations": confirmations,
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

func place(h chain.Header) object { return object{"hash": h.Hash, "index": h.Index} }
