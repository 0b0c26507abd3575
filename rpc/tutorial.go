package rpc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// mine forges one block. A client that hangs up ends the search; a new tip restarts it (the miner does).
func (s *Server) mine(w http.ResponseWriter, r *http.Request) {
	_, done := liftDeadlines(w)
	defer done()
	b, err := s.miner.Mine(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	buf := buffers.Get().(*[]byte)
	defer keep(buf)
	*buf = append(appendForged((*buf)[:0], b), '\n')
	send(w, http.StatusOK, typeJSON, *buf)
}

func appendForged(dst []byte, b *consensus.Block) []byte {
	h := b.Header()
	dst = append(dst, `{"index":`...)
	dst = strconv.AppendInt(dst, h.Index, 10)
	dst = append(dst, `,"message":"New Block Forged","previous_hash":`...)
	dst = appendHash(dst, h.Previous)
	dst = append(dst, `,"proof":`...)
	dst = append(dst, proofInfo(h)...)
	dst = append(dst, `,"transactions":`...)
	return append(canonical.AppendCompact(dst, transactionsOf(b)), '}')
}

// transactionsOf cuts the list out of the canonical form, where it is the last value. No string before it can hold
// the key, since a quote inside a string is escaped.
func transactionsOf(b *consensus.Block) []byte {
	const key = `"transactions": `
	raw := b.Canonical()
	return raw[bytes.Index(raw, []byte(key))+len(key) : len(raw)-1]
}

// maxMine is how many blocks one POST /mine may ask for.
const maxMine = 1000

// mineMany does as GET if the body is empty or names no number, and else mines that many blocks.
func (s *Server) mineMany(w http.ResponseWriter, r *http.Request) {
	n, err := s.wanted(w, r)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case n == 0:
		s.mine(w, r)
	default:
		s.mineRun(w, r, n)
	}
}

// wanted reads {"blocks": N}; 0 says that there is none.
func (s *Server) wanted(w http.ResponseWriter, r *http.Request) (int, error) {
	const example = `{"blocks": 3}`
	body, err := readBody(w, r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return 0, badJSON(r, err, example)
	}
	o, err := parseObject(r, body, example)
	if err != nil {
		return 0, err
	}
	n, _, err := optionalInteger(o, "blocks", 1, maxMine, `Send {"blocks": 3}, and ask several times for more than are mined at once.`)
	return n, err
}

// mineRun answers with what it has mined; an error after the first block ends the run and is said in the message.
func (s *Server) mineRun(w http.ResponseWriter, r *http.Request, n int) {
	_, done := liftDeadlines(w)
	defer done()
	mined := make([]api.MinedBlock, 0, n)
	message := "New Blocks Forged"
	for len(mined) < n {
		b, err := s.miner.Mine(r.Context())
		if err != nil && len(mined) == 0 {
			s.fail(w, r, err)
			return
		}
		if err != nil {
			message = fmt.Sprintf("Stopped after %d of %d blocks: %s", len(mined), n, problemOf(err).detail)
			break
		}
		h := b.Header()
		mined = append(mined, api.MinedBlock{Hash: h.Hash.String(), Index: h.Index, PreviousHash: h.Previous.String(), Proof: proofInfo(h), Transactions: len(b.Transactions())})
	}
	answer(w, http.StatusOK, api.MinedBlocks{Blocks: mined, Message: message})
}

// newTransaction puts a payment into the pool. The answer is sent when the payment is on disk.
func (s *Server) newTransaction(w http.ResponseWriter, r *http.Request) {
	var tx consensus.Payment
	body, err := readBody(w, r)
	if err == nil {
		tx, err = s.readPayment(r, body, chain.NewID())
	}
	if err != nil {
		payer, payee := s.usualPayment()
		s.fail(w, r, badJSON(r, err, fmt.Sprintf(`{"sender": "%s", "recipient": "%s", "amount": 5}`, cmp.Or(payer, "ADDRESS"), cmp.Or(payee, "ADDRESS"))))
		return
	}
	next, err := s.chain.Pay(tx)
	switch {
	case errors.Is(err, chain.ErrKnown):
		s.sentAgain(w, r, tx)
		return
	case errors.Is(err, chain.ErrUnsettled):
		s.fail(w, r, unsettledPayment(tx.ID(), err))
		return
	case errors.Is(err, chain.ErrFunds):
		s.fail(w, r, s.overdraft(r, tx, err))
		return
	case err != nil:
		s.fail(w, r, err)
		return
	}
	accepted(w, http.StatusCreated, tx.ID(), fmt.Sprintf("Transaction will be added to Block %d", next))
}

// sentAgain answers for an id that is known already: the same payment does not count twice, another one is refused.
func (s *Server) sentAgain(w http.ResponseWriter, r *http.Request, tx consensus.Payment) {
	found, err := s.chain.Transaction(tx.ID())
	if err == nil && found.Transaction != tx.Transaction() {
		hint := "Leave the id out: the node draws one."
		if tx.Transaction().HasSignature {
			hint = "Sign the payment again with another id, or leave out the id and the signature if the node signs."
		}
		err = &problem{status: http.StatusConflict, title: "id taken", detail: "Another payment has the id " + tx.ID().String() + ".", hint: hint}
	}
	if err == nil {
		err = s.chain.Sync() // the first sender may still wait for the disk
	}
	switch {
	case err != nil:
		s.fail(w, r, err)
	case found.Pending:
		accepted(w, http.StatusCreated, tx.ID(), fmt.Sprintf("Transaction will be added to Block %d", found.Tip.Index+1))
	default:
		accepted(w, http.StatusOK, tx.ID(), fmt.Sprintf("Transaction was added to Block %d", found.Block.Index))
	}
}

// unsettledPayment tells the client the id by which it sends the same payment again, also if the node drew it.
func unsettledPayment(id consensus.ID, err error) *problem {
	p := *problemOf(err)
	p.id = id.String()
	p.detail = "The disk failed while the payment was written, so whether it is pending after a restart is not known: " + diskDetail(err) + "."
	p.hint = `Make room or mend the disk and restart the node. Then send the same payment with "id": "` + p.id + `": it is not paid twice.`
	return &p
}

func accepted(w http.ResponseWriter, status int, id consensus.ID, message string) {
	w.Header()["Location"] = []string{"/transactions/" + id.String()}
	answer(w, status, api.Message{Message: message})
}

// readBody reads a body of any Content-Type within the limit, in any encoding that Flask reads, and returns it as UTF-8. Its errors
// are for badJSON.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, err error) {
	if n := r.ContentLength; n >= 0 && n <= smallBody {
		body = make([]byte, n)
		_, err = io.ReadFull(r.Body, body)
	} else {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	}
	if err == nil {
		return canonical.DecodeText(body)
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, err
	}
	return nil, badRequest("body not received", "The body ended before its length.", "Send it again.")
}

// smallBody is how much is allocated for a body before it is here.
const smallBody = 4 << 10

// readObject reads a body that must be a JSON object; example is one.
func readObject(w http.ResponseWriter, r *http.Request, example string) (canonical.Object, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, badJSON(r, err, example)
	}
	return parseObject(r, body, example)
}

// readKeys is readObject for a body whose keys may all be left out: a mistyped one would pass for a value that is wanted so.
func readKeys(w http.ResponseWriter, r *http.Request, example string, keys ...string) (canonical.Object, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, badJSON(r, err, example)
	}
	v, err := canonical.Read(body)
	if err != nil {
		return nil, badJSON(r, err, example)
	}
	o, isObject := v.(canonical.Object)
	if !isObject {
		return nil, badRequest("no object", "The body is not a JSON object.", "Send "+example+".")
	}
	for _, m := range o {
		if !slices.Contains(keys, m.Key) {
			return nil, badRequest("unknown key", fmt.Sprintf("The body has the unknown key %q.", m.Key), "Known are "+strings.Join(keys, ", ")+".")
		}
	}
	return o, nil
}

func parseObject(r *http.Request, body []byte, example string) (canonical.Object, error) {
	v, err := canonical.Read(body)
	if err != nil {
		return nil, badJSON(r, err, example)
	}
	o, _ := v.(canonical.Object) // what is none has none of the keys
	return o, nil
}

// badJSON turns a syntax error into one line with a curl that works in sh and in cmd.exe; other errors stay what they are. What
// is refused may be JSON to others: a number that is too large, a key that is there twice.
func badJSON(r *http.Request, err error, example string) error {
	var syntax *canonical.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	return badRequest("body unreadable", fmt.Sprintf("The body cannot be read as JSON: %s.", syntax),
		fmt.Sprintf(`Try: curl -X %s -H "Content-Type: application/json" -d "%s" http://%s%s`,
			r.Method, strings.ReplaceAll(example, `"`, `\"`), r.Host, mergeSlashes(r.URL.Path)))
}
