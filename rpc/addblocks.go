package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// sentBlocks is where blocks of POST /blocks are from, as GET /blocks/{ref} shows it.
const sentBlocks = "import"

// bodyLimit is the most bytes that a request's body may have.
func (s *Server) bodyLimit(r *http.Request) int64 {
	path := mergeSlashes(r.URL.Path)
	for _, op := range api.Operations {
		if op.Body > 0 && op.Method == r.Method && op.Path == path {
			return op.Body
		}
	}
	return MaxBodyBytes
}

// addBlocks is POST /blocks. One request at a time is worked on, as each may hold MaxBlocksBody and what is parsed from it.
func (s *Server) addBlocks(w http.ResponseWriter, r *http.Request) {
	select {
	case s.adding <- struct{}{}:
		defer func() { <-s.adding }()
	case <-r.Context().Done():
		s.fail(w, r, r.Context().Err())
		return
	}
	blocks, refused, err := s.readBlocks(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	added, failed, err := s.addRuns(blocks)
	if failed != nil {
		refused = failed
	}
	if err = errors.Join(err, s.chain.Sync()); err != nil {
		s.fail(w, r, err)
		return
	}
	tip := s.chain.Tip()
	if added > 0 {
		s.log.Info("blocks of a request added", "added", added, "index", tip.Index, "hash", tip.Hash.Short())
	}
	answer(w, http.StatusOK, api.AddedBlocks{Added: added, Height: tip.Index, Refused: refused, Tip: tip.Hash.String()})
}

// placed is a block with its position in a request.
type placed struct {
	*consensus.Block
	position int
}

// readBlocks parses the blocks of a request up to the first that is none. err is about the request.
func (s *Server) readBlocks(w http.ResponseWriter, r *http.Request) (blocks []placed, refused *api.RefusedBlock, err error) {
	rules, position := s.chain.Rules(), 0
	take := func(text []byte) error {
		position++
		if position == 1 && hasIndexOne(text) {
			if err := checkGenesis(rules, text); err != nil {
				refused = &api.RefusedBlock{Position: 1, Reason: err.Error()}
				return errEnough
			}
			return nil
		}
		b, err := rules.ReadBlock(text)
		if err != nil {
			refused = &api.RefusedBlock{Position: position, Reason: err.Error()}
			return errEnough
		}
		blocks = append(blocks, placed{b, position})
		return nil
	}
	err = EachBlock(http.MaxBytesReader(w, r.Body, api.MaxBlocksBody), roomForSpelling*rules.MaxBlockBytes, take)
	line := (*LineError)(nil)
	switch {
	case errors.Is(err, errEnough):
		err = nil
	case errors.As(err, &line) && position > 0 && !errors.As(err, new(*http.MaxBytesError)):
		refused, err = &api.RefusedBlock{Position: position + 1, Reason: line.err.Error()}, nil
	case err != nil && !errors.As(err, new(*http.MaxBytesError)):
		err = badRequest("body unreadable", "The body is not a chain:  "+err.Error()+".", `Send {"chain": [blocks]}, or a block a line.`)
	}
	return blocks, refused, err
}

// hasIndexOne reports whether text is meant as the first block of a chain.
func hasIndexOne(text []byte) bool {
	v, _ := canonical.Read(text)
	block, _ := v.(canonical.Object)
	index, _ := block.Get("index")
	return index == canonical.Number("1")
}

// checkGenesis compares the first block of a chain with ours. Its own form is not subject to the rules.
func checkGenesis(r *consensus.Rules, text []byte) error {
	v, err := canonical.Read(text)
	if err != nil {
		return err
	}
	if !bytes.Equal(canonical.AppendValue(nil, v), r.Genesis.Canonical()) {
		return errors.New("its genesis is not ours: it is of another network")
	}
	return nil
}

// addRuns adds blocks, each of which must extend the one before. It returns how many were new, and the first that was refused, if one was.
func (s *Server) addRuns(blocks []placed) (added int, refused *api.RefusedBlock, err error) {
	for len(blocks) > 0 {
		some := blocks[:min(len(blocks), adoptBatch)]
		list := make([]*consensus.Block, len(some))
		for i, b := range some {
			list[i] = b.Block
		}
		run, linked, linkErr := s.chain.Rules().LinkBlocks(list)
		n, err := s.chain.AddBlocks(run, sentBlocks)
		added += n
		switch {
		case err != nil:
			for _, b := range some { // those before the refused one are held
				if !s.chain.Has(b.Hash()) {
					return s.refusal(added, b, err)
				}
			}
			return added, nil, err
		case linkErr != nil:
			return s.refusal(added, some[linked], linkErr)
		}
		blocks = blocks[len(some):]
	}
	return added, nil, nil
}

// refusal tells a block's fault from one of this node. If the fault is that of a block below, which showed only when b would have made its
// branch the active one, that one is refused and those on it were not added.
func (s *Server) refusal(added int, b placed, cause error) (int, *api.RefusedBlock, error) {
	position := b.position
	if invalid := (*consensus.InvalidError)(nil); errors.As(cause, &invalid) && invalid.Cause != nil {
		above := int(b.Index() - invalid.Ancestor)
		if added >= above {
			position, cause = position-above, invalid.Cause
		}
		added = max(added-above, 0)
	}
	switch {
	case errors.Is(cause, chain.ErrOrphan):
		cause = errors.New("its parent is not known: send the blocks before it first")
	case errors.Is(cause, consensus.ErrFuture), errors.As(cause, new(*consensus.InvalidError)):
	default:
		return added, nil, fmt.Errorf("add blocks: %w", cause)
	}
	return added, &api.RefusedBlock{Position: position, Reason: cause.Error()}, nil
}
