package chaintest

import (
	"bytes"
	"fmt"
	"strings"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// formCases respell and spoil canonical text that holds a payment of 5 from "alice" to "bob": nothing of it is the
// canonical form. What still reads as the same values is loose.
func formCases(prefix, text string) (cases []Case) {
	add := func(name, changed string, loose bool) {
		cases = append(cases, Case{Name: prefix + "form: " + name, Raw: []byte(changed), Rule: consensus.RuleCanonical, Loose: loose, Syntax: !loose})
	}
	replace := func(old, with string, loose bool) { add(old+" as "+with, strings.Replace(text, old, with, 1), loose) }

	add("no spaces", string(canonical.AppendCompact(nil, []byte(text))), true)
	add("newline at the end", text+"\n", true)
	add("space at the start", " "+text, true)
	add("tabs for spaces", strings.ReplaceAll(text, ": ", ":\t"), true)
	replace(`"recipient": "bob", "sender": "alice"`, `"sender": "alice", "recipient": "bob"`, true)
	for _, spelling := range []string{`"\u0061lice"`, `"\u0061LICE"`, `"alic\u0065"`, `"a\/b"`, `"é"`, `"\u00E9"`, `"\u000a"`, `"\u0022"`, "\"\x7f\"", "\"\U0001f680\"", `"\uD83D\ude80"`, `"\u007F"`} {
		replace(`"alice"`, spelling, true)
	}
	for _, number := range []string{"5e0", "5E0", "5.00", "50e-1", "0.5e1", "1e16", "1e5", "1E+16", "1e+016", "100000000000000000.0", "0.00001", "1e-5", "0.1000000000000000055", "2.50", "4.9e-324"} {
		replace(`"amount": 5`, `"amount": `+number, true)
	}
	for _, number := range []string{"05", "+5", ".5", "5.", "5e", "0x5", "1_000", "--5", "NaN", "Infinity", "-Infinity", "1e400", "9223372036854775808", "0." + strings.Repeat("1", 63), "5 5"} {
		replace(`"amount": 5`, `"amount": `+number, false)
	}
	for _, spelling := range []string{`"\ud83d"`, `"\ude80"`, `"\ude80\ud83d"`, `"\ud83dx"`, "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\xbd\"", "\"\n\"", "\"\x00\"", `"\x61"`, `"\u12"`, `'alice'`, `alice`, `"alice`} {
		replace(`"alice"`, spelling, false)
	}
	for _, literal := range []string{"True", "nul", "undefined", "[[[[[[[[[]]]]]]]]]"} {
		replace(`"alice"`, literal, false)
	}
	replace(`"sender"`, `"amount": 5, "sender"`, false)
	replace(`, "sender"`, `,, "sender"`, false)
	return append(cases, spoiledCases(prefix, text)...)
}

// secureFormCases is formCases for text of a secure network, of a payment from carol.
func secureFormCases(prefix, text string) (cases []Case) {
	loose := func(name, changed string) {
		cases = append(cases, Case{Name: prefix + "form: " + name, Raw: []byte(changed), Rule: consensus.RuleCanonical, Loose: true})
	}
	loose("no spaces", string(canonical.AppendCompact(nil, []byte(text))))
	loose("newline at the end", text+"\n")
	loose("tabs for spaces", strings.ReplaceAll(text, ": ", ":\t"))
	loose("an address with an escape", strings.Replace(text, quoted(Account("carol")), `"\u0031`+Account("carol")[1:]+`"`, 1))
	recipient, sender := `"recipient": `+quoted(Account("bob")), `"sender": `+quoted(Account("carol"))
	loose("keys out of order", strings.Replace(text, recipient+", "+sender, sender+", "+recipient, 1))
	return append(cases, spoiledCases(prefix, text)...)
}

// spoiledCases are not JSON, or not only JSON.
func spoiledCases(prefix, text string) (cases []Case) {
	add := func(name, changed string, loose bool) {
		cases = append(cases, Case{Name: prefix + "form: " + name, Raw: []byte(changed), Rule: consensus.RuleCanonical, Loose: loose, Syntax: !loose})
	}
	add("trailing comma", strings.TrimSuffix(text, "}")+", }", false)
	add("byte order mark", "\xef\xbb\xbf"+text, false)
	add("two values", text+text, false)
	add("a comment", text+" // paid", false)
	add("nothing", "", false)
	add("cut short", text[:len(text)-1], false)
	add("half", text[:len(text)/2], false)
	return cases
}

// sizeCases stand on both sides of the limits of a block's bytes and of its number of transactions. Where other limits keep
// a block from growing so large, there are none.
func sizeCases(s Setting) (cases []Case) {
	if raw := sizedBlock(s, s.Rules.MaxBlockBytes); raw != nil {
		cases = append(cases, Case{Name: "block: as many bytes as may be", Raw: raw})
	}
	over := append(newDraft(s).raw(), bytes.Repeat([]byte(" "), s.Rules.MaxBlockBytes)...)[:s.Rules.MaxBlockBytes+1]
	cases = append(cases, Case{Name: "block: one byte too many", Raw: over, Rule: consensus.RuleBlockSize, Loose: true})
	if raw := sizedBlock(s, s.Rules.MaxBlockBytes+1); raw != nil {
		cases = append(cases, Case{Name: "block: one byte too many, all of use", Raw: raw, Rule: consensus.RuleBlockSize})
	}
	most := s.Rules.MaxBlockTransactions
	if raw := countedBlock(s, most+1); len(raw) <= s.Rules.MaxBlockBytes {
		cases = append(cases, Case{Name: "block: as many transactions as may be", Raw: countedBlock(s, most)},
			Case{Name: "block: one transaction too many", Raw: raw, Rule: consensus.RuleTransactionCount})
	}
	return cases
}

// sizedBlock returns a block of exactly size bytes, nil where the other limits do not let it.
func sizedBlock(s Setting, size int) []byte {
	d := newDraft(s)
	reward := d.txs[1]
	d.txs = []payment{reward}
	rest := size - len(d.raw())
	d.txs = nil
	for len(d.txs)+1 < s.Rules.MaxBlockTransactions {
		p := newPayment()
		p.id = quoted(fmt.Sprintf("%032x", len(d.txs)))
		p.sender = `""`
		rest -= len(p.text() + ", ")
		length := min(rest, s.Rules.MaxNameBytes)
		if rest > length && rest < 2*s.Rules.MaxNameBytes {
			length = rest / 4 // leave room for another one
		}
		if length < 1 {
			return nil
		}
		p.sender = quoted(strings.Repeat("a", length))
		d.txs = append(d.txs, p)
		if rest -= length; rest == 0 {
			d.txs = append(d.txs, reward)
			return d.raw()
		}
	}
	return nil
}

// countedBlock returns a block of n transactions, as short as they can be.
func countedBlock(s Setting, n int) []byte {
	d := newDraft(s)
	reward := d.txs[1]
	d.txs = nil
	for range n - 1 {
		d.txs = append(d.txs, payment{amount: "1", recipient: `"a"`, sender: `"b"`})
	}
	d.txs = append(d.txs, reward)
	return d.raw()
}
