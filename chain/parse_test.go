package chain

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// agreeOnBlock fails where the strict parser and the judge, which decodes, encodes and compares, differ on raw.
func agreeOnBlock(t testing.TB, r *Rules, raw []byte) {
	t.Helper()
	var b Block
	p := parser{raw: raw}
	strict := len(raw) <= r.MaxBlockBytes && p.block(r, &b)
	reason := r.judgeBlock(raw)
	if strict != (reason == nil) {
		t.Fatalf("strict parser says %v, the judge %v, of %q", strict, reason, raw)
	}
	if !strict {
		return
	}
	v, _ := Read(raw)
	if want := headerOf(v.(Object)); b.header != want {
		t.Fatalf("strict parser reads %+v, the tolerant reader %+v, in %q", b.header, want, raw)
	}
	agreeOnTransactions(t, raw, v.(Object), b.count)
}

// agreeOnTransactions compares what a block's accessors find with what the tolerant reader found.
func agreeOnTransactions(t testing.TB, raw []byte, o Object, count int) {
	t.Helper()
	b := Block{raw: raw, count: count}
	v, _ := o.Get("transactions")
	want := v.([]Value)
	got := b.Transactions()
	if len(got) != len(want) || count != len(want) {
		t.Fatalf("%d transactions of %d (counted %d) in %q", len(got), len(want), count, raw)
	}
	ids := map[ID]Transaction{}
	for i := range want {
		tx := transactionOf(want[i].(Object))
		if got[i] != tx {
			t.Fatalf("transaction %d is %+v, want %+v, in %q", i, got[i], tx, raw)
		}
		if tx.HasID {
			ids[tx.ID] = tx
		}
	}
	for at, id := range b.IDs() {
		tx, canonical, ok := b.TransactionAt(at)
		if !ok || tx != ids[id] || !bytes.Equal(canonical, tx.AppendCanonical(nil)) {
			t.Fatalf("at %d: id %s, transaction %+v in %q, of %q", at, id, tx, canonical, raw)
		}
		delete(ids, id)
	}
	if len(ids) > 0 {
		t.Fatalf("IDs left out %v in %q", ids, raw)
	}
}

// agreeOnTransaction is agreeOnBlock for a pending transaction.
func agreeOnTransaction(t testing.TB, r *Rules, raw []byte) {
	t.Helper()
	tx, err := r.ParseTransaction(raw)
	reason := r.judgePending(raw)
	if fmt.Sprint(err) != fmt.Sprint(reason) {
		t.Fatalf("strict parser says %v, the judge %v, of %q", err, reason, raw)
	}
	if err != nil {
		return
	}
	v, _ := Read(raw)
	if want := transactionOf(v.(Object)); tx != want {
		t.Fatalf("strict parser reads %+v, the tolerant reader %+v, in %q", tx, want, raw)
	}
}

// sampleBlocks returns canonical blocks: CPython's own of all kinds, shortened to what mutates usefully.
func sampleBlocks(t testing.TB) (blocks [][]byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "blocks.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		v, err := Read(line)
		if err != nil {
			t.Fatal(err)
		}
		canonical, _ := v.(Object).Get("canonical")
		if text := canonical.(string); len(text) < 3000 {
			blocks = append(blocks, []byte(text))
		}
	}
	return append(blocks, sampleWithIDs(12), sampleWithIDs(3))
}

// sampleWithIDs returns a block with n payments that carry ids.
func sampleWithIDs(n int) []byte {
	txs := make([]Transaction, 0, n+1)
	for i := range n {
		id := ID{byte(i), 1: 0xab, 15: byte(i * 7)}
		txs = append(txs, Transaction{Sender: "alice", Recipient: "böb\n", Amount: "2.5", ID: id, HasID: true})
	}
	txs = append(txs, Transaction{Sender: RewardSender, Recipient: "node", Amount: "1"})
	b, err := Classic().NewBlock(Header{Index: 1}, 7, 1626739201.25, txs)
	if err != nil {
		panic(err)
	}
	return b.raw
}

// tokens are what a mutation puts in: the marks of the form, and spellings beside the canonical ones.
var tokens = []string{
	`"`, `\`, `,`, `, `, `:`, `: `, ` `, `{`, `}`, `[`, `]`, `{}`, `[]`, `0`, `1`, `9`, `.`, `.0`, `-`, `-0`, `e`, `e+16`, `E5`, `1e5`, `1e-05`, `1e-5`,
	`\u007f`, "\x7f", `\u0022`, `\n`, `\u000a`, `\u000b`, `\u00e9`, `\u00E9`, "é", `\ud83d\ude00`, `\ud83d`, `\ude00`, `\ude00\ud83d`, `\/`, `/`, "\x00", "\x1f", "\xff",
	`"id": "00000000000000000000000000000000"`, `, "id": "00ab0000000000000000000000000000"`, `"sender": "0"`, `"amount": 1`, `{"amount": `, `null`, `true`,
	`9007199254740992`, `9007199254740991`, `9223372036854775807`, `9223372036854775808`, `0.1`, `0.10`, `5e-324`, `1.7976931348623157e+308`, `1e+309`,
}

// mutate changes one to three places of a copy of s.
func mutate(rng *rand.Rand, s []byte, other []byte) []byte {
	s = bytes.Clone(s)
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(s) + 1)
		end := min(len(s), at+rng.IntN(4))
		var put []byte
		switch rng.IntN(6) {
		case 0, 1:
			put = []byte(tokens[rng.IntN(len(tokens))])
		case 2:
			put = []byte{byte(rng.IntN(256))}
		case 3:
			from := rng.IntN(len(other))
			put = other[from:min(len(other), from+rng.IntN(150))]
		case 4:
			put = strconv.AppendInt(nil, rng.Int64()>>rng.IntN(63), 10)
		}
		s = append(s[:at:at], append(bytes.Clone(put), s[end:]...)...)
	}
	return s
}

func TestStrictParserAgreesWithTheJudge(t *testing.T) {
	r := Classic()
	rng := rand.New(rand.NewPCG(1, 2))
	samples := sampleBlocks(t)
	for _, s := range samples {
		agreeOnBlock(t, r, s)
	}
	accepted := 0
	for range 40_000 {
		s := mutate(rng, samples[rng.IntN(len(samples))], samples[rng.IntN(len(samples))])
		agreeOnBlock(t, r, s)
		if r.judgeBlock(s) == nil {
			accepted++
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d mutations are valid blocks: the test sees too few of them", accepted)
	}
}

func TestStrictParserAgreesOnPendingTransactions(t *testing.T) {
	r := Classic()
	rng := rand.New(rand.NewPCG(3, 4))
	b := Block{raw: sampleWithIDs(12)}
	var samples [][]byte
	for _, raw := range b.spans() {
		samples = append(samples, raw)
	}
	for range 40_000 {
		agreeOnTransaction(t, r, mutate(rng, samples[rng.IntN(len(samples))], samples[rng.IntN(len(samples))]))
	}
}

// agreeOnNumber fails where the strict parser's proof that text is canonical differs from writing it again.
func agreeOnNumber(t testing.TB, text string) {
	t.Helper()
	value, n := numberValue([]byte(text))
	number, reason := canonicalNumber(text)
	canonical := reason == "" && numberText([]byte(text)) == len(text) && string(number) == text
	if strict := n == len(text); strict != canonical {
		t.Fatalf("%s: strict %v, canonical %v (%s %s)", text, strict, canonical, number, reason)
	}
	if canonical && value != number.float() {
		t.Fatalf("%s: strict reads %v, ParseFloat %v", text, value, number.float())
	}
}

func TestNumbersAreProvedAsTheyAreWritten(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300_000 {
		f := randomFloat(rng)
		text := string(AppendFloat(nil, f))
		agreeOnNumber(t, text)
		agreeOnNumber(t, perturb(rng, text))
		agreeOnNumber(t, strconv.FormatFloat(f, 'f', rng.IntN(20), 64))
		agreeOnNumber(t, strconv.FormatFloat(f, 'g', 1+rng.IntN(20), 64))
	}
}

// randomFloat draws from all positive floats, from timestamps, and from what lies around powers of two and short decimals.
func randomFloat(rng *rand.Rand) float64 {
	switch rng.IntN(6) {
	case 0:
		return math.Float64frombits(rng.Uint64N(0x7ff0000000000000))
	case 1:
		return float64(rng.IntN(4e9)) + float64(rng.IntN(1e7))/1e7
	case 2:
		return math.Exp((rng.Float64() - 0.4) * 50)
	case 3:
		f := math.Ldexp(1, rng.IntN(80)-20)
		return math.Float64frombits(math.Float64bits(f) + uint64(rng.IntN(5)) - 2)
	case 4:
		return float64(rng.Int64()) / float64(tenTo[rng.IntN(len(tenTo))])
	}
	return float64(rng.IntN(1e6)) / float64(tenTo[rng.IntN(8)])
}

// perturb changes, adds or takes one digit.
func perturb(rng *rand.Rand, text string) string {
	at := rng.IntN(len(text))
	digit := strconv.Itoa(rng.IntN(10))
	return text[:at] + []string{digit, digit + text[at:at+1], ""}[rng.IntN(3)] + text[at+1:]
}

func TestShortestDecimalIsTheUsualProof(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const n = 10_000
	proved := 0
	for range n {
		text := string(AppendFloat(nil, 1.6e9+float64(rng.IntN(1e9))+rng.Float64()))
		whole, fraction, _ := strings.Cut(text, ".")
		digits, _ := strconv.ParseUint(whole+fraction, 10, 64)
		if f, ok := shortestDecimal(digits, len(fraction)); ok && strconv.FormatFloat(f, 'f', -1, 64) == text {
			proved++
		}
	}
	if proved < n*99/100 {
		t.Errorf("%d of %d timestamps proved without strconv", proved, n)
	}
}

func TestDuplicateIDsAreFoundAtEveryDistance(t *testing.T) {
	r := Classic()
	for _, n := range []int{2, 8, 9, 10, 40, 1999} {
		txs := make([]Transaction, 0, n+1)
		for range n {
			txs = append(txs, Transaction{Sender: "a", Recipient: "b", Amount: "1", ID: NewID(), HasID: true})
		}
		txs = append(txs, Transaction{Sender: RewardSender, Recipient: "n", Amount: r.Reward})
		if _, err := r.NewBlock(Header{Index: 1}, 0, 1, txs); err != nil {
			t.Fatalf("%d different ids: %v", n, err)
		}
		for _, pair := range [][2]int{{0, 1}, {0, n - 1}, {n / 2, n - 1}, {n - 2, n - 1}} {
			if pair[0] == pair[1] {
				continue
			}
			kept := txs[pair[1]].ID
			txs[pair[1]].ID = txs[pair[0]].ID
			_, err := r.NewBlock(Header{Index: 1}, 0, 1, txs)
			if e := (*InvalidError)(nil); !errors.As(err, &e) || e.Rule != RuleDuplicateID {
				t.Errorf("%d ids, %v equal: %v", n, pair, err)
			}
			txs[pair[1]].ID = kept
		}
	}
}

func TestParsingAllocatesOnlyTheBlock(t *testing.T) {
	r := Classic()
	for _, n := range []int{1, 12, 1000} {
		raw := sampleWithIDs(min(n, 250))
		if got := testing.AllocsPerRun(100, func() {
			if _, err := r.ParseBlock(raw); err != nil {
				t.Fatal(err)
			}
		}); got > 1 {
			t.Errorf("ParseBlock with %d payments: %v allocations", n, got)
		}
	}
	last := Hash{1}
	if got := testing.AllocsPerRun(100, func() { r.ValidProof(100, 1<<50, last) }); got > 0 {
		t.Errorf("ValidProof: %v allocations", got)
	}
}
