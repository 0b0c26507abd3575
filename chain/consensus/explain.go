package consensus

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"kuai/chain/canonical"
)

// Which rule a block or a transaction breaks is said here. The functions follow the rules as they are written, one after the other,
// over values that the tolerant reader made. The strict parser (parse.go) answers yes faster, and asks here for the reason when it
// says no; the fuzz targets hold the two to the same answer.

var (
	blockKeys       = []string{"index", "previous_hash", "proof", "timestamp", "transactions"}
	transactionKeys = []string{"amount", "recipient", "sender"}
)

// explainBlock returns the first broken rule of a block that must be canonical, nil if its bytes alone break none.
func (r *Rules) explainBlock(raw []byte) error {
	if len(raw) > r.MaxBlockBytes {
		return Invalid(RuleBlockSize, "%d bytes, at most %d", len(raw), r.MaxBlockBytes)
	}
	v, err := readCanonical(raw)
	if err != nil {
		return err
	}
	o, ok := v.(canonical.Object)
	if !ok {
		return Invalid(RuleBlockKeys, "expected an object, found %s", canonical.Describe(v))
	}
	if r.IsSecure() {
		return r.explainSecure(o)
	}
	for _, check := range []func(canonical.Object) error{explainKeys, explainHeader, r.explainTransactions} {
		if err := check(o); err != nil {
			return err
		}
	}
	return nil
}

// readCanonical reads a text that must be canonical.
func readCanonical(raw []byte) (canonical.Value, error) {
	v, err := canonical.Read(raw)
	if err != nil {
		return nil, Invalid(RuleCanonical, "%s", err)
	}
	want := canonical.AppendValue(make([]byte, 0, len(raw)), v)
	if !bytes.Equal(want, raw) {
		return nil, Invalid(RuleCanonical, "differs from json.dumps(…, sort_keys=True) at byte %d", commonPrefix(raw, want))
	}
	return v, nil
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func explainKeys(o canonical.Object) error {
	if err := checkKeys(o, blockKeys); err != nil {
		return Invalid(RuleBlockKeys, "%s", err)
	}
	return nil
}

// checkKeys returns an error that names a missing or an unknown key.
func checkKeys(o canonical.Object, want []string) error {
	for _, key := range want {
		if _, ok := o.Get(key); !ok {
			return fmt.Errorf("key %q is missing", key)
		}
	}
	for _, m := range o {
		if !slices.Contains(want, m.Key) {
			return fmt.Errorf("unknown key %s; the keys are %s", canonical.Quote(m.Key), strings.Join(want, ", "))
		}
	}
	return nil
}

// explainHeader checks the types and ranges of all but the transactions.
func explainHeader(o canonical.Object) error {
	index, _ := o.Get("index")
	if i, ok := integer(index); !ok || i < 2 {
		return Invalid(RuleIndex, "index %s is not an integer from 2", canonical.Describe(index))
	}
	previous, _ := o.Get("previous_hash")
	if s, _ := previous.(string); !canonical.DecodeHex(new(Hash)[:], s) {
		return Invalid(RulePreviousHash, "previous_hash %s is not 64 lower-case hex digits", canonical.Describe(previous))
	}
	proof, _ := o.Get("proof")
	if i, ok := integer(proof); !ok || i < 0 || i >= MaxProof {
		return Invalid(RuleProofRange, "proof %s is not an integer from 0 to 2^53-1", canonical.Describe(proof))
	}
	timestamp, _ := o.Get("timestamp")
	if n, ok := timestamp.(canonical.Number); !ok || !validTimestamp(n) {
		return Invalid(RuleTimestamp, "timestamp %s is not a number greater than 0 and less than 2^53", canonical.Describe(timestamp))
	}
	return nil
}

// integer returns the value of a Number that is an integer.
func integer(v canonical.Value) (int64, bool) {
	n, _ := v.(canonical.Number)
	return n.Int()
}

func validTimestamp(n canonical.Number) bool {
	f := n.Float()
	return f > 0 && f < MaxTimestamp
}

// headerOf reads what explainHeader passed.
func headerOf(o canonical.Object) (h Header) {
	index, _ := o.Get("index")
	h.Index, _ = integer(index)
	proof, _ := o.Get("proof")
	h.Proof, _ = integer(proof)
	previous, _ := o.Get("previous_hash")
	s, _ := previous.(string)
	canonical.DecodeHex(h.Previous[:], s)
	timestamp, _ := o.Get("timestamp")
	n, _ := timestamp.(canonical.Number)
	h.Timestamp = n.Float()
	return h
}

func (r *Rules) explainTransactions(o canonical.Object) error {
	v, _ := o.Get("transactions")
	txs, ok := v.([]canonical.Value)
	if !ok {
		return Invalid(RuleTransactionCount, "transactions is %s, not an array", canonical.Describe(v))
	}
	if len(txs) == 0 || len(txs) > r.MaxBlockTransactions {
		return Invalid(RuleTransactionCount, "%d transactions, not 1 to %d", len(txs), r.MaxBlockTransactions)
	}
	for i, tx := range txs {
		if err := r.explainInBlock(tx, i, len(txs)); err != nil {
			return err
		}
	}
	return explainIDs(txs)
}

// explainInBlock checks transaction i of n.
func (r *Rules) explainInBlock(v canonical.Value, i, n int) error {
	where := fmt.Sprintf("transaction %d of %d: ", i+1, n)
	o, err := r.checkTransaction(v, where)
	if err != nil {
		return err
	}
	sender, _ := o.Get("sender")
	if reward := sender == RewardSender; reward != (i == n-1) {
		return Invalid(RuleReward, "%ssender is %s, but the last transaction and no other is the reward from \"0\"", where, canonical.Describe(sender))
	}
	if i == n-1 {
		return r.explainReward(o)
	}
	return nil
}

func (r *Rules) explainReward(o canonical.Object) error {
	if _, ok := o.Get("id"); ok {
		return Invalid(RuleReward, "the reward has an id, which only payments have")
	}
	if amount, _ := o.Get("amount"); amount != r.Reward {
		return Invalid(RuleReward, "the reward's amount is %s, not %s", canonical.Describe(amount), r.Reward)
	}
	return nil
}

// explainIDs looks for an id that occurs twice among transactions that are valid each.
func explainIDs(txs []canonical.Value) error {
	first := make(map[ID]int, len(txs))
	for i, tx := range txs {
		t := transactionOf(tx.(canonical.Object))
		if earlier, ok := first[t.ID]; ok && t.HasID {
			return Invalid(RuleDuplicateID, "transactions %d and %d both have the id %s", earlier+1, i+1, t.ID)
		}
		if t.HasID {
			first[t.ID] = i
		}
	}
	return nil
}

// checkTransaction checks a payment or a reward; where is its position in the block, for the error.
func (r *Rules) checkTransaction(v canonical.Value, where string) (canonical.Object, error) {
	if n := len(canonical.AppendValue(nil, v)); n > r.MaxTransactionBytes {
		return nil, Invalid(RuleTransactionSize, "%s%d bytes, at most %d", where, n, r.MaxTransactionBytes)
	}
	o, ok := v.(canonical.Object)
	if !ok {
		return nil, Invalid(RuleTransactionKeys, "%sexpected an object, found %s", where, canonical.Describe(v))
	}
	keys := transactionKeys
	id, hasID := o.Get("id")
	if hasID {
		keys = append([]string{"id"}, keys...)
	}
	if err := checkKeys(o, keys); err != nil {
		return nil, Invalid(RuleTransactionKeys, "%s%s", where, err)
	}
	amount, _ := o.Get("amount")
	if n, ok := amount.(canonical.Number); !ok || n.Float() <= 0 {
		return nil, Invalid(RuleAmount, "%samount %s is not a number greater than 0", where, canonical.Describe(amount))
	}
	if s, _ := id.(string); hasID && !canonical.DecodeHex(new(ID)[:], s) {
		return nil, Invalid(RuleID, "%sid %s is not 32 lower-case hex digits", where, canonical.Describe(id))
	}
	return o, r.checkNames(o, where)
}

func (r *Rules) checkNames(o canonical.Object, where string) error {
	for _, name := range []struct {
		key  string
		rule Rule
	}{{"recipient", RuleRecipient}, {"sender", RuleSender}} {
		v, _ := o.Get(name.key)
		if s, _ := v.(string); s == "" || len(s) > r.MaxNameBytes {
			return Invalid(name.rule, "%s%s %s is not a string of 1 to %d bytes", where, name.key, canonical.Describe(v), r.MaxNameBytes)
		}
	}
	return nil
}

// explainPending returns the first broken rule of a pending transaction that must be canonical, nil if it breaks none.
func (r *Rules) explainPending(raw []byte) error {
	if len(raw) > r.MaxTransactionBytes {
		return Invalid(RuleTransactionSize, "%d bytes, at most %d", len(raw), r.MaxTransactionBytes)
	}
	v, err := readCanonical(raw)
	if err != nil {
		return err
	}
	_, err = r.checkPayment(v)
	return err
}

// checkPayment checks a transaction that is not in a block yet.
func (r *Rules) checkPayment(v canonical.Value) (Transaction, error) {
	if r.IsSecure() {
		return readPayment(v, "", true)
	}
	o, err := r.checkTransaction(v, "")
	if err != nil {
		return Transaction{}, err
	}
	t := transactionOf(o)
	if t.IsReward() {
		return Transaction{}, Invalid(RuleSender, "sender \"0\" is reserved for the reward of a block")
	}
	if !t.HasID {
		return Transaction{}, Invalid(RuleID, "id is missing; a pending transaction carries 32 lower-case hex digits")
	}
	return t, nil
}

// transactionOf reads what checkTransaction passed.
func transactionOf(o canonical.Object) (t Transaction) {
	amount, _ := o.Get("amount")
	t.Amount, _ = amount.(canonical.Number)
	recipient, _ := o.Get("recipient")
	t.Recipient, _ = recipient.(string)
	sender, _ := o.Get("sender")
	t.Sender, _ = sender.(string)
	if id, ok := o.Get("id"); ok {
		s, _ := id.(string)
		t.HasID = canonical.DecodeHex(t.ID[:], s)
	}
	if signature, ok := o.Get("signature"); ok {
		s, _ := signature.(string)
		t.HasSignature = canonical.DecodeHex(t.Signature[:], s)
	}
	return t
}
