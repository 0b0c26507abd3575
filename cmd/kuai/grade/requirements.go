package grade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func judgeChain(ctx context.Context, s *session) error {
	a, err := s.node.ask(ctx, http.MethodGet, "/chain", "")
	if err == nil {
		err = a.want(http.StatusOK)
	}
	if err != nil {
		return err
	}
	s.typed(a)
	v, err := a.object()
	if err != nil {
		return err
	}
	chain, ok := blocksOf(v["chain"])
	switch {
	case !ok:
		return errors.New(`"chain" in the answer is not a list of blocks`)
	case len(chain) == 0:
		return errors.New(`"chain" in the answer is empty: there is no first block`)
	}
	for _, b := range chain {
		if err := b.shape(); err != nil {
			return err
		}
	}
	if n, ok := v["length"].(json.Number); !ok || !isNumber(n, float64(len(chain))) {
		return fmt.Errorf(`"length" in the answer is %s, and there are %d blocks`, text(v["length"]), len(chain))
	}
	return nil
}

// typed notes an answer in JSON that does not say so.
func (s *session) typed(a answer) {
	if !a.isJSON && !slices.Contains(s.untyped, a.asked) {
		s.untyped = append(s.untyped, a.asked)
	}
}

func judgeJSON(_ context.Context, s *session) error {
	if len(s.untyped) > 0 {
		return fmt.Errorf("%s answered without it", strings.Join(s.untyped, ", "))
	}
	return nil
}

func judgeGenesis(ctx context.Context, s *session) error {
	chain, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	b := chain[0]
	txs, isList := b["transactions"].([]any)
	switch {
	case b.index() != 1:
		return fmt.Errorf("its index is %s", text(b["index"]))
	case b.text("proof") != "100":
		return fmt.Errorf("its proof is %s", text(b["proof"]))
	case b.text("previous_hash") != "1": // a number in some versions of the tutorial
		return fmt.Errorf("its previous_hash is %s", text(b["previous_hash"]))
	case !isList || len(txs) > 0:
		return errors.New("it has transactions")
	}
	return nil
}

func judgeMethods(ctx context.Context, s *session) error {
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodGet, "/transactions/new", "", http.StatusMethodNotAllowed},
		{http.MethodGet, "/nodes/register", "", http.StatusMethodNotAllowed},
		{http.MethodPost, "/chain", "{}", http.StatusMethodNotAllowed},
		{http.MethodPost, "/nodes/resolve", "{}", http.StatusMethodNotAllowed},
		{http.MethodGet, "/no/such/path", "", http.StatusNotFound},
	} {
		a, err := s.node.ask(ctx, c.method, c.path, c.body)
		if err == nil {
			err = a.want(c.want)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// payer makes a payment that no earlier one equals.
func (s *session) payer(name, amount string) map[string]any {
	return payment("grade-"+name+"-"+s.tag, "grade-bob", amount)
}

func judgePayment(ctx context.Context, s *session) error {
	before, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	s.dropped[0] = before
	s.payment = s.payer("alice", "5")
	if s.paid, err = s.node.pay(ctx, s.payment); err != nil {
		return err
	}
	if err := s.paid.want(http.StatusCreated); err != nil {
		return err
	}
	s.typed(s.paid)
	v, err := s.paid.object()
	if err != nil {
		return err
	}
	if m, ok := v["message"].(string); !ok || m == "" {
		return errors.New(`the answer has no "message"`)
	}
	return nil
}

var willBeAdded = regexp.MustCompile(`^Transaction will be added to Block (\d+)$`)

func judgePaymentIndex(_ context.Context, s *session) error {
	v, err := s.paid.object()
	if err != nil {
		return errors.New("no payment was taken")
	}
	m, _ := v["message"].(string)
	found := willBeAdded.FindStringSubmatch(m)
	want := strconv.Itoa(len(s.dropped[0]) + 1)
	switch {
	case found == nil:
		return fmt.Errorf("the message is %q instead of %q", text(m), "Transaction will be added to Block "+want)
	case found[1] != want:
		return fmt.Errorf("it names block %s; the chain has %d, so the next one is block %s", found[1], len(s.dropped[0]), want)
	}
	return nil
}

func judgeMissing(ctx context.Context, s *session) error {
	for _, key := range []string{"sender", "recipient", "amount"} {
		p := s.payer("missing", "5")
		delete(p, key)
		a, err := s.node.pay(ctx, p)
		if err != nil {
			return err
		}
		if a.status != http.StatusBadRequest {
			return fmt.Errorf("a payment without %s was answered with %d", key, a.status)
		}
	}
	return nil
}

func judgeMine(ctx context.Context, s *session) error {
	before, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	s.dropped[0] = before
	a, err := s.node.ask(ctx, http.MethodGet, "/mine", "")
	if err != nil {
		return err
	}
	if s.dropped[1], err = s.node.chain(ctx); err != nil {
		return err
	}
	s.learnMined()
	if err := a.want(http.StatusOK); err != nil {
		return err
	}
	s.typed(a)
	after := s.dropped[1]
	if len(after) != len(before)+1 {
		return fmt.Errorf("the chain had %d blocks before and %d after", len(before), len(after))
	}
	v, err := a.message("New Block Forged")
	if err != nil {
		return err
	}
	last := after[len(after)-1]
	for _, key := range []string{"index", "previous_hash", "proof", "transactions"} {
		if string(appendPython(nil, v[key])) != string(appendPython(nil, last[key])) {
			return fmt.Errorf("%q in the answer is %s, and %s in the block", key, text(v[key]), text(last[key]))
		}
	}
	s.forged = v
	return nil
}

// learnMined finds out by which rule the node has mined.
func (s *session) learnMined() {
	last, b, ok := s.newest()
	for _, r := range allRules {
		if ok && r.fits(last, b.text("proof"), s.zeros) {
			s.mined, s.rule = r, r
			return
		}
	}
}

// newest returns the block that judgeMine has had mined, and the one before it.
func (s *session) newest() (last, b block, ok bool) {
	before, after := s.dropped[0], s.dropped[1]
	if len(before) == 0 || len(after) <= len(before) {
		return nil, nil, false
	}
	return after[len(before)-1], after[len(before)], true
}

var errNotMined = errors.New("GET /mine has added no block")

func judgeMinePayments(ctx context.Context, s *session) error {
	_, b, ok := s.newest()
	switch {
	case !ok:
		return errNotMined
	case s.payment == nil:
		return errors.New("no payment was taken")
	case count(b, s.payment) != 1:
		return fmt.Errorf("the payment is %d times in the block that was mined after it", count(b, s.payment))
	}
	if err := s.node.mine(ctx); err != nil {
		return err
	}
	chain, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	if n := count(chain[len(chain)-1], s.payment); n > 0 {
		return errors.New("the next block holds the payment again")
	}
	return nil
}

// count returns how often a payment is in a block. A node may add keys to it.
func count(b block, p map[string]any) (n int) {
	want, _ := p["amount"].(json.Number).Float64() // it is ours
	for _, t := range b.transactions() {
		amount, _ := t["amount"].(json.Number) // "" is not a number
		if t["sender"] == p["sender"] && t["recipient"] == p["recipient"] && isNumber(amount, want) {
			n++
		}
	}
	return n
}

func judgeReward(_ context.Context, s *session) error {
	_, b, ok := s.newest()
	if !ok {
		return errNotMined
	}
	if err := oneReward(b); err != nil {
		return err
	}
	if to, ok := b.rewards()[0]["recipient"].(string); !ok || to == "" {
		return errors.New("the reward has no recipient")
	}
	return nil
}

func judgeLinks(_ context.Context, s *session) error {
	last, b, ok := s.newest()
	if !ok {
		return errNotMined
	}
	err := linked(last, b)
	s.links = err == nil
	return err
}

func judgeProof(_ context.Context, s *session) error {
	last, b, ok := s.newest()
	switch {
	case !ok:
		return errNotMined
	case rightRule.fits(last, b.text("proof"), s.zeros):
		return nil
	case s.mined == printedRule:
		return errors.New("the miner uses the hash in the last block in place of the last block's own hash")
	case s.mined == articleRule:
		return errors.New("the miner leaves out the hash of the last block")
	}
	return fmt.Errorf("the SHA-256 of %q does not start with %d zeros", last.text("proof")+b.text("proof")+last.hash(), s.zeros)
}

func judgeRegister(ctx context.Context, s *session) error {
	urls := []any{s.rivals[0].url(), s.rivals[1].url()}
	for range 2 {
		a, err := s.node.register(ctx, urls...)
		if err == nil {
			err = a.want(http.StatusCreated)
		}
		if err != nil {
			return err
		}
		s.typed(a)
		v, err := a.message("New nodes have been added")
		if err != nil {
			return err
		}
		for _, r := range s.rivals {
			if n := times(v["total_nodes"], r.address()); n != 1 {
				return fmt.Errorf(`%s is %d times in "total_nodes"`, r.address(), n)
			}
		}
	}
	return nil
}

// times returns how many entries of a list of strings name an address.
func times(list any, address string) (n int) {
	entries, _ := list.([]any)
	for _, e := range entries {
		if text, ok := e.(string); ok && strings.Contains(text, address) {
			n++
		}
	}
	return n
}

func judgeRegisterMissing(ctx context.Context, s *session) error {
	a, err := s.node.ask(ctx, http.MethodPost, "/nodes/register", "{}")
	if err != nil {
		return err
	}
	return a.want(http.StatusBadRequest)
}
