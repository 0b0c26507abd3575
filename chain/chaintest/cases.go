package chaintest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// Case is the text of a block or of a pending transaction, and what every door must say of it.
type Case struct {
	Name string
	Raw  []byte
	Rule consensus.Rule // the rule that it breaks, "" for none
	Err  error          // chain.ErrOrphan or chain.ErrFuture, if it breaks no rule and still cannot be judged
	// Loose says that a door which reads any spelling (HTTP, a Flask node's chain) reads a valid block or transaction
	// here; only those that want canonical bytes refuse it.
	Loose bool
	// Syntax says that such a door cannot read it at all: its error is a *canonical.SyntaxError or a *chain.MissingError.
	Syntax bool
}

// Check compares what a door for canonical bytes said, nil for "valid", with what it must say.
func (c Case) Check(err error) error { return c.check(err, c.Rule) }

// CheckLoose is Check for a door that reads any spelling.
func (c Case) CheckLoose(err error) error {
	switch {
	case c.Loose:
		return c.check(err, "")
	case c.Syntax:
		var syntax *canonical.SyntaxError
		var missing *consensus.MissingError
		if !errors.As(err, &syntax) && !errors.As(err, &missing) {
			return fmt.Errorf("%s: got %v, want a syntax error", c.Name, err)
		}
		return nil
	}
	return c.check(err, c.Rule)
}

func (c Case) check(err error, rule consensus.Rule) error {
	var invalid *consensus.InvalidError
	switch {
	case rule != "":
		if !errors.As(err, &invalid) || invalid.Rule != rule {
			return fmt.Errorf("%s: got %v, want the rule %q", c.Name, err, rule)
		}
	case !errors.Is(err, c.Err):
		return fmt.Errorf("%s: got %v, want %v", c.Name, err, c.Err)
	}
	return nil
}

// Setting is the chain that blocks are added to.
type Setting struct {
	Rules  *consensus.Rules
	Parent consensus.Header // the blocks extend it; the chain has it
	Now    time.Time        // the chain's clock
	Mined  consensus.ID     // an id on the branch that ends in Parent; zero if there is none, and the cases that need it are left out
}

// BlockCases returns blocks on s.Parent, each rule from both sides. The valid ones are siblings of each other.
func BlockCases(s Setting) []Case {
	if s.Rules.IsSecure() {
		return secureBlockCases(s)
	}
	base := newDraft(s)
	cases := []Case{{Name: "block: a payment and the reward", Raw: base.raw()}}
	for _, edits := range [][]edit{headerEdits(s), contentEdits(s), rewardEdits(s), idEdits(s)} {
		for _, e := range edits {
			d := base.clone()
			e.change(&d)
			cases = append(cases, Case{Name: "block: " + e.name, Raw: d.raw(), Rule: e.rule, Err: e.err})
		}
	}
	for _, e := range transactionEdits(s.Rules) {
		d := base.clone()
		e.change(&d.txs[0])
		cases = append(cases, Case{Name: "block: payment: " + e.name, Raw: d.raw(), Rule: e.rule})
	}
	cases = append(cases, sizeCases(s)...)
	return append(cases, formCases("block: ", string(base.raw()))...)
}

// TransactionCases returns pending transactions, each rule from both sides.
func TransactionCases(r *consensus.Rules) []Case {
	if r.IsSecure() {
		return secureTransactionCases(r)
	}
	base := newPayment()
	cases := []Case{{Name: "transaction: a payment", Raw: []byte(base.text())}}
	for _, e := range append(transactionEdits(r), pendingEdits()...) {
		p := base
		e.change(&p)
		cases = append(cases, Case{Name: "transaction: " + e.name, Raw: []byte(p.text()), Rule: e.rule, Loose: e.loose, Syntax: e.missing})
	}
	return append(cases, formCases("transaction: ", base.text())...)
}

// edit is a change to a valid block that makes a case of it.
type edit struct {
	name   string
	rule   consensus.Rule
	change func(*draft)
	err    error
}

// draft is a block whose parts are JSON text, so that they can be anything.
type draft struct {
	index, previous, proof, timestamp string
	txs                               []payment
	transactions                      string // instead of txs, if not empty
	text                              string // instead of all, if not empty
}

func newDraft(s Setting) draft {
	return draft{
		index:     fmt.Sprint(s.Parent.Index + 1),
		previous:  quoted(s.Parent.Hash.String()),
		proof:     fmt.Sprint(Proof(s.Rules, s.Parent)),
		timestamp: string(canonical.AppendFloat(nil, s.Parent.Timestamp+1.5)),
		txs:       []payment{newPayment(), newReward(s.Rules)},
	}
}

func (d draft) clone() draft {
	d.txs = append([]payment(nil), d.txs...)
	return d
}

func (d draft) raw() []byte {
	if d.text != "" {
		return []byte(d.text)
	}
	return fmt.Appendf(nil, `{"index": %s, "previous_hash": %s, "proof": %s, "timestamp": %s, "transactions": %s}`,
		d.index, d.previous, d.proof, d.timestamp, d.list())
}

func (d draft) list() string {
	if d.transactions != "" {
		return d.transactions
	}
	texts := make([]string, len(d.txs))
	for i, p := range d.txs {
		texts[i] = p.text()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// payment is a transaction whose parts are JSON text; a part that is "" is left out.
type payment struct {
	amount, id, recipient, sender string
	other                         string // instead of all, if not empty
}

func newPayment() payment {
	return payment{amount: "5", id: quoted("d4ee26eee15148ee92c6cd394edd974e"), recipient: quoted("bob"), sender: quoted("alice")}
}

func newReward(r *consensus.Rules) payment {
	return payment{amount: string(r.Reward), recipient: quoted("d4ee26eee15148ee92c6cd394edd974e"), sender: quoted(consensus.RewardSender)}
}

func (p payment) text() string {
	if p.other != "" {
		return p.other
	}
	var members []string
	for _, m := range [][2]string{{"amount", p.amount}, {"id", p.id}, {"recipient", p.recipient}, {"sender", p.sender}} {
		if m[1] != "" {
			members = append(members, quoted(m[0])+": "+m[1])
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// quoted is s as a canonical JSON string.
func quoted(s string) string { return string(canonical.AppendString(nil, s)) }
