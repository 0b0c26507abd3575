package consensus

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/canonical/canonicaltest"
)

// agreeOnBlock fails where the strict parser and the explanation, which decodes, encodes and compares, differ on raw.
func agreeOnBlock(t testing.TB, r *Rules, raw []byte) {
	t.Helper()
	var b Block
	p := parser{raw: raw}
	strict := len(raw) <= r.MaxBlockBytes && p.block(r, &b)
	reason := r.explainBlock(raw)
	if strict != (reason == nil) {
		t.Fatalf("strict parser says %v, the explanation %v, of %q", strict, reason, raw)
	}
	if !strict {
		return
	}
	v, _ := canonical.Read(raw)
	if want := headerOf(v.(canonical.Object)); b.header != want {
		t.Fatalf("strict parser reads %+v, the tolerant reader %+v, in %q", b.header, want, raw)
	}
	agreeOnTransactions(t, raw, v.(canonical.Object), b.count)
}

// agreeOnTransactions compares what a block's accessors find with what the tolerant reader found.
func agreeOnTransactions(t testing.TB, raw []byte, o canonical.Object, count int) {
	t.Helper()
	b := Block{raw: raw, count: count}
	v, _ := o.Get("transactions")
	want := v.([]canonical.Value)
	got := b.Transactions()
	if len(got) != len(want) || count != len(want) {
		t.Fatalf("%d transactions of %d (counted %d) in %q", len(got), len(want), count, raw)
	}
	ids := map[ID]Transaction{}
	for i := range want {
		tx := transactionOf(want[i].(canonical.Object))
		if got[i] != tx {
			t.Fatalf("transaction %d is %+v, want %+v, in %q", i, got[i], tx, raw)
		}
		if tx.HasID {
			ids[tx.ID] = tx
		}
	}
	for at, id := range b.IDs() {
		tx, ok := b.TransactionAt(at)
		p, isPayment := b.PaymentAt(at)
		if !ok || !isPayment || tx != ids[id] || p.Transaction() != tx || p.ID() != id || p.Canonical() != string(tx.AppendCanonical(nil)) {
			t.Fatalf("at %d: id %s, transaction %+v in %q, of %q", at, id, tx, p.Canonical(), raw)
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
	tx, err := r.ParsePayment(raw)
	reason := r.explainPending(raw)
	if fmt.Sprint(err) != fmt.Sprint(reason) {
		t.Fatalf("strict parser says %v, the explanation %v, of %q", err, reason, raw)
	}
	if err != nil {
		return
	}
	v, _ := canonical.Read(raw)
	if want := transactionOf(v.(canonical.Object)); tx.Transaction() != want {
		t.Fatalf("strict parser reads %+v, the tolerant reader %+v, in %q", tx, want, raw)
	}
}

// sampleBlocks returns canonical blocks: CPython's own of all kinds, shortened to what mutates usefully.
func sampleBlocks(t testing.TB) (blocks [][]byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "canonical", "testdata", "blocks.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		v, err := canonical.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		canonical, _ := v.(canonical.Object).Get("canonical")
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

func TestStrictParserAgreesWithTheExplanation(t *testing.T) {
	r := Classic()
	rng := rand.New(rand.NewPCG(1, 2))
	samples := sampleBlocks(t)
	for _, s := range samples {
		agreeOnBlock(t, r, s)
	}
	accepted := 0
	for range 40_000 {
		s := canonicaltest.Mutate(rng, samples[rng.IntN(len(samples))], samples[rng.IntN(len(samples))])
		agreeOnBlock(t, r, s)
		if r.explainBlock(s) == nil {
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
	for _, raw := range b.Spans() {
		samples = append(samples, raw)
	}
	for range 40_000 {
		agreeOnTransaction(t, r, canonicaltest.Mutate(rng, samples[rng.IntN(len(samples))], samples[rng.IntN(len(samples))]))
	}
}

func TestDuplicateIDsAreFoundAtEveryDistance(t *testing.T) {
	r := Classic()
	for _, n := range []int{2, 8, 9, 10, 40, 1999} {
		txs := make([]Transaction, 0, n+1)
		for range n {
			txs = append(txs, Transaction{Sender: "a", Recipient: "b", Amount: "1", ID: ID{byte(len(txs)), byte(len(txs) >> 8)}, HasID: true})
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
