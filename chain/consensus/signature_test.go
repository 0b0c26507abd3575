package consensus_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"kuai/chain/consensus"
)

// smallOrder are all encodings of the points of small order, the non-canonical ones included: ZIP 215 accepts each as a key and as R.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// TestZIP215 runs the 196 published cases: every pair of a key and an R of small order, with the scalar 0, signs "Zcash".
func TestZIP215(t *testing.T) {
	strict := 0
	for _, key := range smallOrder {
		for _, r := range smallOrder {
			var a consensus.Address
			var s consensus.Signature
			if _, err := hex.Decode(a[:], []byte(key)); err != nil {
				t.Fatal(err)
			}
			if _, err := hex.Decode(s[:], []byte(r)); err != nil {
				t.Fatal(err)
			}
			if !a.ValidSignature([]byte("Zcash"), s) {
				t.Errorf("key %s, R %s: refused", key, r)
			}
			if ed25519.Verify(a[:], []byte("Zcash"), s[:]) {
				strict++
			}
		}
	}
	if strict == len(smallOrder)*len(smallOrder) {
		t.Error("crypto/ed25519 accepts all cases: they would tell nothing apart")
	}
}

// groupOrder is 2^252 + 27742317777372353535851937790883648493, the order of the base point.
var groupOrder = func() *big.Int {
	n, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	return n.Add(n, new(big.Int).Lsh(big.NewInt(1), 252))
}()

// TestMalleableSignatures: from a valid signature nobody can make another one of the same payment.
func TestMalleableSignatures(t *testing.T) {
	v := signatureVectors(t)[0]
	p := v.payment(t)
	a, err := consensus.ParseAddress(p.Sender)
	if err != nil {
		t.Fatal(err)
	}
	s, message := p.Signature, p.AppendSigned(nil, v.Network)
	for k := int64(1); ; k++ { // the same scalar modulo the order
		scalar := reversed(s[32:])
		n := new(big.Int).SetBytes(scalar)
		if n.Add(n, new(big.Int).Mul(big.NewInt(k), groupOrder)); n.BitLen() > 256 {
			break
		}
		forged := s
		copy(forged[32:], reversed(n.FillBytes(scalar)))
		if a.ValidSignature(message, forged) {
			t.Errorf("the scalar plus %d orders is accepted", k)
		}
	}
	for i := range 8 * len(s) {
		forged := s
		forged[i/8] ^= 1 << (i % 8)
		if a.ValidSignature(message, forged) {
			t.Errorf("bit %d of the signature may be flipped", i)
		}
	}
	for i := range 8 * len(message) {
		forged := bytes.Clone(message)
		forged[i/8] ^= 1 << (i % 8)
		if a.ValidSignature(forged, s) {
			t.Errorf("bit %d of the message may be flipped", i)
		}
	}
	for i := range 8 * len(a) {
		forged := a
		forged[i/8] ^= 1 << (i % 8)
		if forged.ValidSignature(message, s) {
			t.Errorf("bit %d of the key may be flipped", i)
		}
	}
	if p.CheckSignature("0123456789abcdef-3") == nil {
		t.Error("the signature is valid on another network")
	}
	p.HasSignature = false
	if a.ValidSignature(p.AppendCanonical(nil), s) {
		t.Error("the signature is valid without its domain")
	}
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, x := range b {
		out[len(b)-1-i] = x
	}
	return out
}

func TestSignedBytes(t *testing.T) {
	p := signatureVectors(t)[0].payment(t)
	const want = "kuai-tx-1\n0123456789abcdef-2\n" + `{"amount": 222337, "id": "ec77bdea9482ffcf86e1b27a051021d1", ` +
		`"recipient": "12D3KooWKDAqbk16fB8mq6ZNLEGHgk2RFfRHjw8kf7XrTxZ4Lmu2", "sender": "12D3KooWNAaN9QeZYQvFcvfFNdR8DR8W5CVGimasatFyNWMRKQew"}`
	if got := string(p.AppendSigned([]byte("x"), "0123456789abcdef-2")); got != "x"+want {
		t.Errorf("signed: %q", got)
	}
}

func TestBadSignatures(t *testing.T) {
	good := strings.Repeat("0a", 64)
	if s, err := consensus.ParseSignature(good); err != nil || s.String() != good {
		t.Errorf("%s, %v", s, err)
	}
	for _, text := range []string{"", good[1:], good + "0", strings.ToUpper(good), good[:126] + "0g", good[:127] + " "} {
		if s, err := consensus.ParseSignature(text); err == nil || !strings.Contains(err.Error(), "128 lower-case hex digits") {
			t.Errorf("%q reads as %s, %v", text, s, err)
		}
	}
}

// BenchmarkVerify checks the signature of a usual payment on one core: at least 15,000 a second are wanted.
func BenchmarkVerify(b *testing.B) {
	v := signatureVectors(b)[0]
	p := v.payment(b)
	for b.Loop() {
		if err := p.CheckSignature(v.Network); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signatures/s")
}

func BenchmarkParseAddress(b *testing.B) {
	text := signatureVectors(b)[0].Address
	for b.Loop() {
		if _, err := consensus.ParseAddress(text); err != nil {
			b.Fatal(err)
		}
	}
}
