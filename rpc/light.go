package rpc

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// usualHeaders is how many headers a page has that does not say.
const usualHeaders = 200

// headers is GET /headers: what a client needs that follows the proofs and keeps no block.
func (s *Server) headers(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, usualHeaders, largestPage)
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
	list := api.Headers{Length: snap.Tip().Index}
	for i := max(from, 2); i <= min(max(from, 2)+limit-1, snap.Tip().Index); i++ {
		held, err := snap.At(i)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		list.Headers = append(list.Headers, headerInfo(held.Block))
	}
	answer(w, http.StatusOK, list)
}

func headerInfo(b *consensus.Block) api.Header {
	h, leaves := b.Header(), b.Leaves()
	_, timestamp, _ := strings.Cut(strings.TrimSuffix(b.SealedHeader(), "}"), `"timestamp": `)
	return api.Header{
		Hash: h.Hash.String(), Index: h.Index, Leaves: len(leaves), Path: hashTexts(consensus.MerklePath(leaves, 0)),
		PreviousHash: h.Previous.String(), Proof: proofInfo(h), Timestamp: json.Number(timestamp),
	}
}

func hashTexts(hashes []consensus.Hash) []string {
	texts := make([]string, len(hashes))
	for i, h := range hashes {
		texts[i] = h.String()
	}
	return texts
}

// proofInfo is a block's proof as the block spells it.
func proofInfo(h consensus.Header) api.Proof {
	if h.Root != (consensus.Hash{}) {
		return api.Proof(`"` + h.ProofText() + `"`)
	}
	return api.Proof(h.ProofText())
}

// transactionProof is GET /transactions/{id}/proof.
func (s *Server) transactionProof(w http.ResponseWriter, r *http.Request) {
	found, err := s.lookUp(r)
	if err == nil && found.Pending {
		err = notFound("The payment is pending: no block holds it yet.", "Ask again once it is mined.")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	proof, err := s.proofOf(r, found)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, proof)
}

func (s *Server) proofOf(r *http.Request, found chain.Lookup) (p api.TransactionProof, err error) {
	snap, release, err := s.snapshot(r.Context())
	if err != nil {
		return p, err
	}
	defer release()
	held, err := snap.Block(found.Block.Hash)
	if err != nil {
		return p, err
	}
	for i, tx := range held.Block.Transactions() {
		if tx.HasID && tx.ID == found.Transaction.ID {
			leaves := held.Block.Leaves()
			return api.TransactionProof{
				Block: blockRef(found.Block), Confirmations: snap.Tip().Index - found.Block.Index + 1, Leaf: i + 1, Leaves: len(leaves),
				Path: hashTexts(consensus.MerklePath(leaves, i+1)), Transaction: paymentInfo(tx),
			}, nil
		}
	}
	return p, errors.New("a block lacks a payment that its index has")
}
