package rpc

import (
	"errors"
	"fmt"
	"net/http"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// pending is GET /transactions/pending: the pool in order of arrival.
func (s *Server) pending(w http.ResponseWriter, r *http.Request) {
	from, limit, err := pageOf(r, 100, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all := s.chain.Pending()
	list := []compact{}
	for _, tx := range cut(all, from, limit) {
		list = append(list, transactionJSON(tx))
	}
	answer(w, http.StatusOK, object{"count": len(all), "transactions": list})
}

func transactionJSON(tx consensus.Transaction) compact {
	return canonical.AppendCompact(nil, tx.AppendCanonical(nil))
}

// transaction is GET /transactions/{id}: where a payment is.
func (s *Server) transaction(w http.ResponseWriter, r *http.Request) {
	id, err := consensus.ParseID(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, badRequest("not a transaction id", fmt.Sprintf("%s is not a transaction's id, which is 32 lower-case hex digits.", canonical.Quote(r.PathValue("id"))),
			"The node draws one for each payment; the lists of pending payments and of an address's transactions show them."))
		return
	}
	found, err := s.chain.Transaction(id)
	if errors.Is(err, chain.ErrNotFound) {
		err = notFound("This node knows no transaction "+id.String()+".", "A payment that nobody mines leaves the pool after a day.")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, whereabouts(found))
}

func whereabouts(found chain.Lookup) object {
	o := object{"block": nil, "confirmations": 0, "status": "pending", "transaction": transactionJSON(found.Transaction)}
	switch {
	case found.Pending && found.Returned:
		o["status"] = "returned"
	case !found.Pending:
		o["status"] = "mined"
		o["block"] = place(found.Block)
		o["confirmations"] = found.Tip.Index - found.Block.Index + 1
	}
	return o
}
