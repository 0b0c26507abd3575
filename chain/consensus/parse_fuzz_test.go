package consensus

import (
	"testing"
)

// The corpora are in testdata/fuzz. A longer run: go test ./chain -run '^$' -fuzz '^FuzzParseBlock$' -fuzztime 1h

// FuzzParseBlock holds the strict parser to the explanation: it accepts exactly the texts that decode, encode to the same
// bytes and break no rule.
func FuzzParseBlock(f *testing.F) {
	for _, raw := range sampleBlocks(f)[:40] {
		f.Add(raw)
	}
	f.Add(sampleWithIDs(12))
	r := Classic()
	f.Fuzz(func(t *testing.T, raw []byte) { agreeOnBlock(t, r, raw) })
}

// FuzzParseTransaction is the same for pending transactions, and holds the HTTP reader to what the strict parser takes.
func FuzzParseTransaction(f *testing.F) {
	b := Block{raw: sampleWithIDs(3)}
	for _, raw := range b.Spans() {
		f.Add(raw)
	}
	r := Classic()
	f.Fuzz(func(t *testing.T, raw []byte) {
		agreeOnTransaction(t, r, raw)
		tx, err := r.ReadPayment(raw, ID{})
		if err != nil {
			return
		}
		again, err := r.ParsePayment(tx.Transaction().AppendCanonical(nil))
		if err != nil || again != tx {
			t.Fatalf("%q reads as %+v, whose canonical form is %+v, %v", raw, tx, again, err)
		}
	})
}
