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
	"kuai/rpc/api"
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
	err = copyViews(st, snap, peerNames(s.network.Peers()), from, min(from+limit, tip.Index+1))
	st.buf = fmt.Appendf(st.buf, `],"from":%d,"length":%d}`+"\n", from, tip.Index)
	s.finish(st, r, err)
}

// copyViews copies the blocks [from, to). names are those of peers.
func copyViews(st *stream, snap *chain.Snapshot, names map[string]string, from, to int64) error {
	for i := from; i < to; i++ {
		held, err := snap.At(i)
		if err != nil {
			return err
		}
		if i > from {
			st.buf = append(st.buf, ',')
		}
		st.buf = api.Append(st.buf, blockInfo(held, snap.Tip(), names))
		if err := st.step(); err != nil {
			return err
		}
	}
	return nil
}

// latestBlock is an answer to GET /blocks/latest, which is asked again and again. It changes with the tip, and with what the peer that
// sent it calls itself.
type latestBlock struct {
	tip        consensus.Hash
	from, name string
	body       []byte // at most maxKept
}

// isLatest reports whether l is what GET /blocks/latest answers now.
func (s *Server) isLatest(l *latestBlock) bool {
	return l != nil && l.tip == s.chain.Tip().Hash && (l.from == "" || l.name == peerNames(s.network.Peers())[l.from])
}

// block is GET /blocks/{ref}: by index, by hash (side branches too), or the latest.
func (s *Server) block(w http.ResponseWriter, r *http.Request) {
	latest := r.PathValue("ref") == "latest"
	if l := s.latest.Load(); latest && s.isLatest(l) {
		send(w, http.StatusOK, typeJSON, l.body)
		return
	}
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
	info := blockInfo(held, snap.Tip(), peerNames(s.network.Peers()))
	body := append(api.Append(nil, info), '\n')
	if latest && len(body) <= maxKept {
		s.latest.Store(&latestBlock{snap.Tip().Hash, info.From, info.FromName, body})
	}
	send(w, http.StatusOK, typeJSON, body)
}

func find(snap *chain.Snapshot, ref string) (chain.BlockInfo, error) {
	if ref == "latest" {
		return snap.At(snap.Tip().Index)
	}
	if h, err := consensus.ParseHash(ref); err == nil {
		return snap.Block(h)
	}
	index, err := strconv.ParseInt(ref, 10, 64)
	if err != nil {
		return chain.BlockInfo{}, badRequest("not a reference to a block", canonical.Quote(ref)+" is neither an index nor a hash.",
			`A block is named by its index (1 is the first), by its hash (64 lower-case hex digits) or by "latest".`)
	}
	return snap.At(index)
}

// blockInfo is a block with what this node knows of it. names are those of peers.
func blockInfo(held chain.BlockInfo, tip consensus.Header, names map[string]string) api.BlockInfo {
	info := api.BlockInfo{
		Block:  api.Block{Text: canonical.AppendCompact(nil, held.Block.Canonical())},
		Branch: "side", From: held.From, FromName: names[held.From], Hash: held.Block.Hash().String(), Received: unixSeconds(held.Received),
	}
	if held.Active {
		info.Branch, info.Confirmations = "active", tip.Index-held.Block.Index()+1
	}
	return info
}

// unixSeconds is t in seconds since 1970, nil if it is not known.
func unixSeconds(t time.Time) *float64 {
	if t.IsZero() || t.Unix() <= 0 {
		return nil
	}
	return new(float64(t.UnixMicro()) / 1e6)
}

// forks is GET /forks: the tips of the side branches, longest first.
func (s *Server) forks(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, usualPage, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, s.forksInfo(from, limit))
}

func (s *Server) forksInfo(from, limit int64) api.Forks {
	snap := s.chain.Snapshot()
	defer s.closeSnapshot(snap)
	all, names := s.chain.Forks(), peerNames(s.network.Peers())
	list := []api.Fork{}
	for _, f := range cut(all, from, limit) {
		fork := api.Fork{Point: blockRef(f.Point), Length: f.Tip.Index - f.Point.Index, Tip: blockRef(f.Tip)}
		if held, err := snap.Block(f.Tip.Hash); err == nil { // or it has come or gone since
			fork.From, fork.FromName = held.From, names[held.From]
		}
		list = append(list, fork)
	}
	return api.Forks{Count: len(all), Forks: list}
}

func blockRef(h consensus.Header) api.BlockRef {
	return api.BlockRef{Hash: h.Hash.String(), Index: h.Index}
}
