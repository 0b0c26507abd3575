package grade

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// block is a block as it was received or made here. Numbers are json.Number, so that they keep their spelling.
type block map[string]any

// blockKeys are the keys of the tutorial's block.
var blockKeys = []string{"index", "previous_hash", "proof", "timestamp", "transactions"}

// hash is what the tutorial's hash() returns: the SHA-256 of json.dumps(block, sort_keys=True).
func (b block) hash() string {
	sum := sha256.Sum256(appendPython(nil, map[string]any(b)))
	return hex.EncodeToString(sum[:])
}

// text is a value of the block as Python's f-string prints it.
func (b block) text(key string) string {
	switch v := b[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (b block) index() int64 {
	n, err := strconv.ParseInt(b.text("index"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// transactions returns the transactions that are objects.
func (b block) transactions() []map[string]any {
	list, _ := b["transactions"].([]any)
	var all []map[string]any
	for _, t := range list {
		if t, ok := t.(map[string]any); ok {
			all = append(all, t)
		}
	}
	return all
}

// rewards returns the transactions from "0".
func (b block) rewards() (all []map[string]any) {
	for _, t := range b.transactions() {
		if t["sender"] == "0" {
			all = append(all, t)
		}
	}
	return all
}

// shape returns what is wrong with the keys and types of a block.
func (b block) shape() error {
	for _, key := range blockKeys {
		if _, ok := b[key]; !ok {
			return fmt.Errorf("a block has no %q", key)
		}
	}
	for _, key := range []string{"index", "proof", "timestamp"} {
		if _, ok := b[key].(json.Number); !ok {
			return fmt.Errorf("%q of a block is not a number", key)
		}
	}
	if _, ok := b["transactions"].([]any); !ok {
		return fmt.Errorf("%q of a block is not a list", "transactions")
	}
	if b.text("previous_hash") == "" {
		return fmt.Errorf("%q of a block is not a string", "previous_hash")
	}
	return nil
}

// clone returns a copy whose keys can be set.
func (b block) clone() block {
	c := make(block, len(b))
	for k, v := range b {
		c[k] = v
	}
	return c
}

// rule is a way to compute what a proof is checked against.
type rule struct {
	suffix func(last block) string // what follows the proof in the text that is hashed
}

// The rules that nodes of the tutorial have. The right one is in the tutorial's repository.
var (
	rightRule   = &rule{block.hash}                                              // the hash of the last block
	printedRule = &rule{func(b block) string { return b.text("previous_hash") }} // the last block's own previous_hash, as valid_chain was printed
	articleRule = &rule{func(block) string { return "" }}                        // no hash, as the first article has it
	allRules    = []*rule{rightRule, printedRule, articleRule}
)

// fits reports whether a proof after last starts with the zeros.
func (r *rule) fits(last block, proof string, zeros int) bool {
	sum := sha256.Sum256([]byte(last.text("proof") + proof + r.suffix(last)))
	return strings.HasPrefix(hex.EncodeToString(sum[:]), strings.Repeat("0", zeros))
}

// checkEvery is how many tries of a search pass between two looks at the context.
const checkEvery = 1 << 14

// search returns the smallest proof after last that fits r, and does not fit the right rule unless r is that one.
func (r *rule) search(ctx context.Context, last block, zeros int) (int64, error) {
	before, after := last.text("proof"), r.suffix(last)
	var text []byte
	for n := int64(0); ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		text = append(strconv.AppendInt(append(text[:0], before...), n, 10), after...)
		sum := sha256.Sum256(text)
		if !startsWithZeros(sum[:], zeros) {
			continue
		}
		if r == rightRule || !rightRule.fits(last, strconv.FormatInt(n, 10), zeros) {
			return n, nil
		}
	}
}

// startsWithZeros reports whether the hex form of a hash starts with that many zeros.
func startsWithZeros(sum []byte, zeros int) bool {
	for i := range zeros {
		if sum[i/2]>>(4*(1-i%2))&15 != 0 {
			return false
		}
	}
	return true
}

// next makes a block after last that holds a reward.
func (r *rule) next(ctx context.Context, last block, zeros int) (block, error) {
	proof, err := r.search(ctx, last, zeros)
	if err != nil {
		return nil, err
	}
	return block{
		"index":         json.Number(strconv.FormatInt(last.index()+1, 10)),
		"previous_hash": last.hash(),
		"proof":         json.Number(strconv.FormatInt(proof, 10)),
		"timestamp":     now(),
		"transactions":  []any{payment("0", "rival", "1")},
	}, nil
}

// extend returns base and n more blocks.
func (r *rule) extend(ctx context.Context, base []block, n, zeros int) ([]block, error) {
	chain := slices.Clone(base)
	for range n {
		b, err := r.next(ctx, chain[len(chain)-1], zeros)
		if err != nil {
			return nil, err
		}
		chain = append(chain, b)
	}
	return chain, nil
}

func payment(sender, recipient, amount string) map[string]any {
	return map[string]any{"sender": sender, "recipient": recipient, "amount": json.Number(amount)}
}

// now is the time as Python's time.time() prints.
func now() json.Number { return seconds(float64(time.Now().UnixMicro()) / 1e6) }

func seconds(f float64) json.Number {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return json.Number(text)
}

// linked returns why b does not follow last, nil if it does.
func linked(last, b block) error {
	if b.index() != last.index()+1 {
		return fmt.Errorf("block %s follows block %s", b.text("index"), last.text("index"))
	}
	if b.text("previous_hash") != last.hash() {
		return fmt.Errorf("previous_hash of block %s is not the hash of block %s", b.text("index"), last.text("index"))
	}
	return nil
}

// validPrefix returns the blocks from the first on that any node must accept by r: linked, proved, and with one reward of 1.
func validPrefix(chain []block, r *rule, zeros int) []block {
	for i := 1; i < len(chain); i++ {
		last, b := chain[i-1], chain[i]
		if b.shape() != nil || linked(last, b) != nil || !r.fits(last, b.text("proof"), zeros) || oneReward(b) != nil {
			return chain[:i:i]
		}
	}
	return slices.Clip(chain)
}

// oneReward returns what is wrong with the rewards of a block, nil if there is one with amount 1.
func oneReward(b block) error {
	rewards := b.rewards()
	if len(rewards) != 1 {
		return fmt.Errorf(`block %s has %d transactions from "0", not one`, b.text("index"), len(rewards))
	}
	if n, ok := rewards[0]["amount"].(json.Number); !ok || !isNumber(n, 1) {
		return fmt.Errorf("the reward in block %s is %v, not 1", b.text("index"), rewards[0]["amount"])
	}
	return nil
}

func isNumber(n json.Number, want float64) bool {
	f, err := n.Float64()
	return err == nil && f == want
}

// same reports whether two chains have the same length and tip.
func same(a, b []block) bool {
	return len(a) == len(b) && (len(a) == 0 || a[len(a)-1].hash() == b[len(b)-1].hash())
}

// decode reads JSON with numbers as they are spelled.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

// appendPython appends v as json.dumps(v, sort_keys=True) prints it.
func appendPython(to []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(to, "null"...)
	case bool:
		return strconv.AppendBool(to, v)
	case json.Number:
		return append(to, v...)
	case string:
		return appendPythonString(to, v)
	case block:
		return appendPython(to, map[string]any(v))
	case []any:
		to = append(to, '[')
		for i, e := range v {
			if i > 0 {
				to = append(to, ", "...)
			}
			to = appendPython(to, e)
		}
		return append(to, ']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys) // bytes of UTF-8 sort as code points do
		to = append(to, '{')
		for i, k := range keys {
			if i > 0 {
				to = append(to, ", "...)
			}
			to = appendPython(append(appendPythonString(to, k), ": "...), v[k])
		}
		return append(to, '}')
	}
	panic(fmt.Sprintf("a value of type %T came from no JSON", v))
}

// shortEscapes are the characters that Python escapes by a letter.
var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func appendPythonString(to []byte, text string) []byte {
	to = append(to, '"')
	for _, c := range text {
		short, escaped := shortEscapes[c]
		switch {
		case escaped:
			to = append(to, short...)
		case c >= ' ' && c < 0x7f:
			to = append(to, byte(c))
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			to = fmt.Appendf(to, `\u%04x\u%04x`, high, low)
		default:
			to = fmt.Appendf(to, `\u%04x`, c)
		}
	}
	return append(to, '"')
}
