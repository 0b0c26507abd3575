package chaintest

import (
	"strings"

	"kuai/chain/consensus"
)

// transactionEdit is a change to a valid payment that makes a case of it.
type transactionEdit struct {
	name    string
	rule    consensus.Rule
	change  func(*payment)
	loose   bool // POST /transactions/new takes it
	missing bool // an HTTP door says which key is missing
}

// transactionEdits break and keep the rules that hold for a payment in a block and in the pool alike.
func transactionEdits(r *consensus.Rules) (edits []transactionEdit) {
	edits = append(edits, amountEdits()...)
	edits = append(edits, idTextEdits()...)
	edits = append(edits, nameEdits("recipient", consensus.RuleRecipient, r, func(p *payment) *string { return &p.recipient })...)
	edits = append(edits, nameEdits("sender", consensus.RuleSender, r, func(p *payment) *string { return &p.sender })...)
	edits = append(edits, keyEdits()...)
	return append(edits, transactionSizeEdits(r)...)
}

func amountEdits() (edits []transactionEdit) {
	set := func(amount string, rule consensus.Rule) {
		edits = append(edits, transactionEdit{name: "amount " + amount, rule: rule, change: func(p *payment) { p.amount = amount }})
	}
	for _, good := range []string{"1", "9223372036854775807", "1.0", "0.1", "19.95", "0.30000000000000004", "0.0001", "1e-05", "9007199254740993", "1e+16", "1.5e+300", "5e-324", "1.7976931348623157e+308"} {
		set(good, "")
	}
	for _, bad := range []string{"0", "0.0", "-0.0", "-1", "-0.5", "-5e-324", "-9223372036854775807", `"5"`, `""`, "null", "true", "false", "[5]", "{}"} {
		set(bad, consensus.RuleAmount)
	}
	return edits
}

func idTextEdits() (edits []transactionEdit) {
	set := func(id string, rule consensus.Rule) {
		edits = append(edits, transactionEdit{name: "id " + id, rule: rule, change: func(p *payment) { p.id = id }})
	}
	id := "00112233445566778899aabbccddeeff"
	set(quoted(id), "")
	set(quoted(strings.Repeat("0", 32)), "")
	set(quoted(strings.Repeat("f", 32)), "")
	for _, bad := range []string{`""`, quoted(id[1:]), quoted(id + "0"), quoted(strings.ToUpper(id)), quoted("g" + id[1:]), quoted("/" + id[1:]), quoted(":" + id[1:]), quoted("`" + id[1:]), quoted("é" + id[2:]), "7", "null", "[]"} {
		set(bad, consensus.RuleID)
	}
	return edits
}

// nameEdits break and keep the rule of a sender or recipient.
func nameEdits(key string, rule consensus.Rule, r *consensus.Rules, part func(*payment) *string) (edits []transactionEdit) {
	set := func(name, text string, rule consensus.Rule) {
		edits = append(edits, transactionEdit{name: key + " " + name, rule: rule, change: func(p *payment) { *part(p) = text }})
	}
	for _, good := range []string{"a", " ", "\x00", "\x7f", "00", "张三", "\U0001f680", `a", "id": "b`, `\", "`, `{"amount": 1`, "a\nb\t\\", "</script>", "\ufffd"} {
		set(quoted(good), quoted(good), "")
	}
	for _, bad := range []string{`""`, "5", "null", "true", "[]", `["a"]`, "{}"} {
		set(bad, bad, rule)
	}
	for _, c := range []string{"a", "é", "张", "\U0001f680"} {
		full := strings.Repeat(c, r.MaxNameBytes/len(c))
		if len(newPayment().text())+len(quoted(full+c)) > r.MaxTransactionBytes {
			continue // the whole is too long before the name is
		}
		set("of as many "+c+" as may be", quoted(full), "")
		set("of one "+c+" more", quoted(full+c), rule)
	}
	return edits
}

// keyEdits break the rule of a transaction's keys. A key that the tutorial does not ask for is a key too many only in
// canonical bytes: HTTP doors ignore it.
func keyEdits() (edits []transactionEdit) {
	add := func(name string, loose, missing bool, change func(p *payment)) {
		edits = append(edits, transactionEdit{name: name, rule: consensus.RuleTransactionKeys, loose: loose, missing: missing, change: change})
	}
	add("without amount", false, true, func(p *payment) { p.amount = "" })
	add("without recipient", false, true, func(p *payment) { p.recipient = "" })
	add("without sender", false, true, func(p *payment) { p.sender = "" })
	add("Sender for sender", false, true, func(p *payment) {
		p.other = strings.Replace(p.text(), `, "sender": "alice"`, "", 1)
		p.other = `{"Sender": "alice", ` + p.other[1:]
	})
	for _, member := range []string{`"Amount": 5, `, `"": 1, `} {
		add("with "+member, true, false, func(p *payment) { p.other = "{" + member + p.text()[1:] })
	}
	add("with a signature", true, false, func(p *payment) { p.other = strings.TrimSuffix(p.text(), "}") + `, "signature": "00"}` })
	for _, other := range []string{"[]", "{}", "null", "5", `"payment"`, "true"} {
		add(other+" for a transaction", false, true, func(p *payment) { p.other = other })
	}
	return edits
}

// transactionSizeEdits stand on both sides of the limit of a transaction's bytes. A name that long breaks the next rule.
func transactionSizeEdits(r *consensus.Rules) []transactionEdit {
	fill := func(size int) func(p *payment) {
		return func(p *payment) {
			p.sender = `""`
			p.sender = quoted(strings.Repeat("a", size-len(p.text())))
		}
	}
	atLimit := consensus.RuleSender
	empty := newPayment()
	empty.sender = `""`
	if r.MaxTransactionBytes-len(empty.text()) <= r.MaxNameBytes {
		atLimit = ""
	}
	return []transactionEdit{
		{name: "as many bytes as may be", rule: atLimit, change: fill(r.MaxTransactionBytes)},
		{name: "one byte more", rule: consensus.RuleTransactionSize, change: fill(r.MaxTransactionBytes + 1)},
	}
}

// pendingEdits break the rules that hold for pending transactions only.
func pendingEdits() []transactionEdit {
	return []transactionEdit{
		{name: "without id", rule: consensus.RuleID, loose: true, change: func(p *payment) { p.id = "" }},
		{name: "from 0", rule: consensus.RuleSender, change: func(p *payment) { p.sender = quoted(consensus.RewardSender) }},
		{name: "a reward", rule: consensus.RuleSender, change: func(p *payment) { *p = newReward(consensus.Classic()) }},
		{name: "to 0", change: func(p *payment) { p.recipient = quoted(consensus.RewardSender) }},
	}
}
