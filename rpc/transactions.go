package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// pending is GET /transactions/pending: the pool in order of arrival.
func (s *Server) pending(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, 100, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, s.pendingInfo(from, limit))
}

func (s *Server) pendingInfo(from, limit int64) api.Pending {
	all := s.chain.Pending()
	return api.Pending{Count: len(all), Transactions: payments(cut(all, from, limit))}
}

func payments(all []consensus.Payment) []api.Payment {
	list := make([]api.Payment, 0, len(all)+1) // a reward may follow
	for _, p := range all {
		list = append(list, paymentInfo(p.Transaction()))
	}
	return list
}

func paymentInfo(tx consensus.Transaction) api.Payment {
	p := api.Payment{Amount: json.Number(tx.Amount), Recipient: tx.Recipient, Sender: tx.Sender}
	if tx.HasID {
		p.ID = tx.ID.String()
	}
	if tx.HasSignature {
		p.Signature = tx.Signature.String()
	}
	return p
}

// transaction is GET /transactions/{id}: where a payment is.
func (s *Server) transaction(w http.ResponseWriter, r *http.Request) {
	found, err := s.lookUp(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, transactionInfo(found))
}

// lookUp finds the transaction that the path names.
func (s *Server) lookUp(r *http.Request) (found chain.Lookup, err error) {
	id, err := consensus.ParseID(r.PathValue("id"))
	if err != nil {
		return found, badRequest("not a transaction id", fmt.Sprintf("%s is not a transaction's id, which is 32 lower-case hex digits.", canonical.Quote(r.PathValue("id"))),
			"The node draws one for each payment; the lists of pending payments and of an address's transactions show them.")
	}
	found, err = s.chain.Transaction(id)
	if errors.Is(err, chain.ErrNotFound) {
		err = s.unknownTransaction(id)
	}
	return found, err
}

// unknownTransaction says why a payment that somebody has seen may be neither pending nor mined.
func (s *Server) unknownTransaction(id consensus.ID) error {
	side, err := s.chain.SideBlock(id)
	switch {
	case errors.Is(err, chain.ErrNotFound):
		return notFound("This node knows no transaction "+id.String()+".", "A payment leaves the pool if nobody mines it for a day, or if a block leaves its sender too little for it.")
	case err != nil:
		return err
	}
	return notFound(fmt.Sprintf("Transaction %s is not in the chain, but in block %d %s of a side branch.", id, side.Index, side.Hash),
		"After a reorg a payment is pending again if its sender can still pay it.")
}

func transactionInfo(found chain.Lookup) api.TransactionInfo {
	info := api.TransactionInfo{Status: "pending", Transaction: paymentInfo(found.Transaction)}
	switch {
	case found.Pending && found.Returned:
		info.Status = "returned"
	case !found.Pending:
		info.Status, info.Confirmations = "mined", found.Tip.Index-found.Block.Index+1
		info.Block = new(blockRef(found.Block))
	}
	return info
}
