package rpc

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// Bounds of long answers.
const (
	maxLong      = 64               // at once: each has two chunks and a snapshot, or a page of entries, at most some 4 MB
	longWait     = 5 * time.Second  // for the end of another one, if there are so many
	chunkBytes   = 256 << 10        // sent at once
	chunkTimeout = 10 * time.Second // to take a chunk; a reader this slow is cut
)

// errSent ends a stream whose reader wants no more: the answer to HEAD, once its length is not known.
var errSent = errors.New("nothing more to send")

var chunks = sync.Pool{New: func() any { return new(make([]byte, 0, chunkBytes+chunkBytes/4)) }}

// stream sends JSON of any length in constant memory: one chunk is filled while another is sent. What fits in one chunk is sent
// with its length, as Flask would.
type stream struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	head    bool
	buf     []byte     // the chunk that is filled
	other   []byte     // the chunk that is sent; nil before the first
	sending chan error // what became of the chunk that is sent
	spaced  bool       // what gathers is canonical text, to be compacted when it is sent
}

func newStream(w http.ResponseWriter, r *http.Request) *stream {
	return &stream{w: w, rc: http.NewResponseController(w), head: r.Method == http.MethodHead, buf: newChunk()}
}

func newChunk() []byte { return (*chunks.Get().(*[]byte))[:0] }

// release gives the chunks back, once the stream has ended.
func (s *stream) release() {
	for _, c := range [][]byte{s.buf, s.other} {
		if c != nil && cap(c) <= 4*chunkBytes {
			chunks.Put(&c)
		}
	}
}

// step sends what has gathered if that is a chunk. Its error is the client's leaving, or errSent.
func (s *stream) step() error {
	if len(s.buf) < chunkBytes {
		return nil
	}
	if s.head {
		s.setType()
		return errSent
	}
	spelled := false
	if s.other == nil {
		s.setType()
		s.other, s.sending = newChunk(), make(chan error, 1)
	} else {
		var err error
		select {
		case err = <-s.sending:
		default: // there is time to do here what the sender would do
			s.buf, spelled = s.spelled(s.buf), true
			err = <-s.sending
		}
		if err != nil {
			s.sending <- err // finish looks for it, too
			return err
		}
	}
	s.buf, s.other = s.other[:0], s.buf
	go func(chunk []byte) {
		if !spelled {
			chunk = s.spelled(chunk)
		}
		s.sending <- s.write(chunk)
	}(s.other)
	return nil
}

func (s *stream) setType() { s.w.Header()["Content-Type"] = typeJSON }

func (s *stream) write(chunk []byte) error {
	_ = s.rc.SetWriteDeadline(time.Now().Add(chunkTimeout)) // a recorder in a test has none
	_, err := s.w.Write(chunk)
	return err
}

// spelled gives a chunk the spelling that it is sent in, in place.
func (s *stream) spelled(chunk []byte) []byte {
	if !s.spaced {
		return chunk
	}
	return canonical.AppendCompact(chunk[:0], chunk)
}

// finish ends the stream well, or cuts the connection if err says that the answer is not whole.
func (s *Server) finish(st *stream, r *http.Request, err error) {
	begun := st.other != nil
	if begun {
		err = errors.Join(err, <-st.sending)
	}
	switch {
	case err == nil && begun:
		_ = st.write(st.spelled(st.buf)) // a client that has left needs no answer
	case err == nil:
		send(st.w, http.StatusOK, typeJSON, st.spelled(st.buf))
	case errors.Is(err, errSent):
	case begun:
		panic(http.ErrAbortHandler)
	default:
		s.fail(st.w, r, err)
	}
}

// fullChain is GET /chain: Flask's answer, or a page of it.
func (s *Server) fullChain(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, 0, 0)
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
	if isCurrent(w, r, tip.Hash) {
		return
	}
	from = max(from, 1)
	to := tip.Index + 1
	if limit > 0 && limit < to-from {
		to = from + limit
	}
	s.sendChain(w, r, snap, from, to, chainBefore, chainAfter(tip.Index))
}

// chainBefore and chainAfter are what Flask's answer has around the blocks.
const chainBefore = `{"chain":[`

func chainAfter(length int64) string { return `],"length":` + strconv.FormatInt(length, 10) + "}\n" }

// sendChain streams the blocks [from, to) between before and after.
func (s *Server) sendChain(w http.ResponseWriter, r *http.Request, snap *chain.Snapshot, from, to int64, before, after string) {
	_, done := liftDeadlines(w)
	defer done()
	st := newStream(w, r)
	defer st.release()
	st.spaced = true
	st.buf = append(st.buf, before...)
	err := copyBlocks(st, snap, from, to)
	st.buf = append(st.buf, after...)
	s.finish(st, r, err)
}

func copyBlocks(st *stream, snap *chain.Snapshot, from, to int64) error {
	if from >= to {
		return nil
	}
	first := true
	for raw, err := range snap.Blocks(from, to) {
		if err != nil {
			return err
		}
		if !first {
			st.buf = append(st.buf, ',')
		}
		first = false
		st.buf = append(st.buf, raw...)
		if err := st.step(); err != nil {
			return err
		}
	}
	return nil
}

// acquireSlot takes one of the slots for long answers until leave.
func (s *Server) acquireSlot(ctx context.Context) (leave func(), err error) {
	select {
	case s.long <- struct{}{}:
		return func() { <-s.long }, nil
	case <-time.After(longWait):
		return nil, tooManyReaders
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// limitLarge answers with next from a slot for long answers.
func (s *Server) limitLarge(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		leave, err := s.acquireSlot(r.Context())
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer leave()
		next(w, r)
	}
}

// snapshot takes a slot and a snapshot until release.
func (s *Server) snapshot(ctx context.Context) (snap *chain.Snapshot, release func(), err error) {
	leave, err := s.acquireSlot(ctx)
	if err != nil {
		return nil, nil, err
	}
	snap = s.chain.Snapshot()
	return snap, func() {
		s.closeSnapshot(snap)
		leave()
	}, nil
}

func (s *Server) closeSnapshot(snap *chain.Snapshot) {
	if err := snap.Close(); err != nil {
		s.log.Error("snapshot not closed", "err", err)
	}
}

// isCurrent sets the entity tag and answers 304 if the client holds the chain up to this tip already.
func isCurrent(w http.ResponseWriter, r *http.Request, tip consensus.Hash) bool {
	tag := `"` + tip.String() + `"`
	h := w.Header()
	h["Etag"] = []string{tag}
	h["Cache-Control"] = []string{"no-cache"}
	if !matches(r.Header["If-None-Match"], tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}
