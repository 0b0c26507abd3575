package rpc

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// address is GET /addresses/{address}: what the active chain says of an address, its transactions newest first.
func (s *Server) address(w http.ResponseWriter, r *http.Request) {
	_, limit, err := pageOf(r, usualPage, largestPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	before, err := spotOf(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	name := s.addressOf(r.PathValue("address"))
	a, err := s.chain.Address(name, before, int(limit))
	if invalid := (*consensus.InvalidError)(nil); errors.As(err, &invalid) {
		err = badRequest("not an address", "This is not an address: "+invalid.Detail+".", "Check its spelling.")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	spendable, err := s.spendable(name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	st := newStream(w, r)
	defer st.release()
	st.buf = append(canonical.AppendString(append(st.buf, `{"address":`...), name), `,"balance":"`+a.Balance...)
	st.buf = fmt.Appendf(st.buf, `","count":%d,"history":[`, a.Count)
	err = copyEntries(st, a)
	st.buf = api.Append(append(st.buf, `],"next":`...), next(a))
	if spendable != "" {
		st.buf = append(append(append(st.buf, `,"spendable":"`...), spendable...), '"')
	}
	st.buf = append(st.buf, "}\n"...)
	s.finish(st, r, err)
}

func copyEntries(st *stream, a chain.Account) error {
	for i, e := range a.Entries {
		if i > 0 {
			st.buf = append(st.buf, ',')
		}
		st.buf = api.Append(st.buf, api.AccountEntry{
			Block: blockRef(e.Block), Confirmations: a.Tip.Index - e.Block.Index + 1, Position: e.Spot.Position, Transaction: paymentInfo(e.Transaction),
		})
		if err := st.step(); err != nil {
			return err
		}
	}
	return nil
}

// next is what ?before= of the following page is, nil after the last.
func next(a chain.Account) *string {
	if !a.More {
		return nil
	}
	last := a.Entries[len(a.Entries)-1].Spot
	return new(fmt.Sprintf("%d-%d", last.Index, last.Position))
}

// spotOf reads ?before=: a block's index, or with a hyphen the position of a transaction in it. Absent it is none.
func spotOf(r *http.Request) (before chain.Spot, err error) {
	query, err := queryOf(r)
	text := query.Get("before")
	if err != nil || text == "" {
		return before, err
	}
	index, position, given := strings.Cut(text, "-")
	if before.Index, err = strconv.ParseInt(index, 10, 64); err == nil && given {
		before.Position, err = strconv.Atoi(position)
	}
	if err != nil || before.Index < 1 || before.Position < 0 {
		return before, badRequest("number out of range", "?before= must be a block's index from 1, or what \"next\" of the page before says.",
			"Leave it out for the newest transactions.")
	}
	return before, nil
}
