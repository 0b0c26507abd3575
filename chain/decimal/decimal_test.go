package decimal_test

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/decimal"
)

func sum(t testing.TB, texts ...string) *decimal.Decimal {
	t.Helper()
	d := new(decimal.Decimal)
	for _, text := range texts {
		negative := text[0] == '-'
		if negative {
			text = text[1:]
		}
		if !d.AddText([]byte(text), negative) {
			t.Fatalf("%s is refused", text)
		}
	}
	return d
}

func TestSums(t *testing.T) {
	for _, tc := range []struct {
		want  string
		terms []string
	}{
		{"0", nil},
		{"0.3", []string{"0.1", "0.2"}},
		{"10", []string{"5", "5.0"}},
		{"1", []string{"0.75", "0.25"}},
		{"-2.5", []string{"1", "-3.5"}},
		{"-0.05", []string{"0.1", "-0.15"}},
		{"0", []string{"0.00012345678901234567", "-0.00012345678901234567"}},
		{"18446744073709551614", []string{"9223372036854775807", "9223372036854775807"}},
		{"10000000000000000.00001", []string{"1e+16", "1e-05"}},
		{"1234567890123456.7", []string{"1234567890123456.7"}},
		{"1500", []string{"1.5e+3"}},
	} {
		if got := sum(t, tc.terms...).String(); got != tc.want {
			t.Errorf("the sum of %v is %s, want %s", tc.terms, got, tc.want)
		}
	}
}

func TestRefusesWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{"", "-1", "+1", ".5", "5.", "1e", "1e+", "1e+1000", "1e-325", "1e5", "1.5.5", "a", "1a", "nan", "99999999999999999999", "1 "} {
		d := sum(t, "1")
		if d.AddText([]byte(text), false) || d.String() != "1" {
			t.Errorf("%q is taken: %s", text, d)
		}
	}
}

// rational reads a decimal without any rounding.
func rational(t testing.TB, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q", text)
	}
	return r
}

// TestAgainstRationals adds and subtracts numbers of every size, reads the sum back from its bytes on the way, and compares
// with fractions.
func TestAgainstRationals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		d, want := new(decimal.Decimal), new(big.Rat)
		for range 1 + random.IntN(12) {
			text, negative := number(random), random.IntN(2) == 0
			if !d.AddText(text, negative) {
				t.Fatalf("%s is refused", text)
			}
			term := rational(t, string(text))
			if negative {
				term.Neg(term)
			}
			want.Add(want, term)
			read := new(decimal.Decimal)
			if !read.Read(d.Append(nil)) {
				t.Fatalf("the bytes of %s are not read", d)
			}
			d = read
		}
		if got := rational(t, d.String()); got.Cmp(want) != 0 || d.Sign() != want.Sign() {
			t.Fatalf("%s, want %s", d, want.FloatString(330))
		}
		twice := sum(t, "0.5")
		twice.AddTimes(d, 3)
		twice.Add(d)
		want.Mul(want, big.NewRat(4, 1)).Add(want, big.NewRat(1, 2))
		if rational(t, twice.String()).Cmp(want) != 0 {
			t.Fatalf("four times and a half: %s", twice)
		}
	}
}

// number is an amount as a block has it.
func number(random *rand.Rand) []byte {
	switch random.IntN(4) {
	case 0:
		return []byte(big.NewInt(random.Int64()).String())
	case 1:
		return canonical.AppendFloat(nil, float64(random.IntN(1e6))/100)
	case 2:
		return canonical.AppendFloat(nil, math.MaxFloat64*random.Float64())
	}
	for {
		if f := math.Abs(math.Float64frombits(random.Uint64())); !math.IsInf(f, 0) && !math.IsNaN(f) {
			return canonical.AppendFloat(nil, f)
		}
	}
}

// TestEqualValuesHaveEqualBytes, however they came about.
func TestEqualValuesHaveEqualBytes(t *testing.T) {
	want := sum(t, "1").Append(nil)
	for _, terms := range [][]string{{"0.5", "0.5"}, {"1.0"}, {"5e-324", "1", "-5e-324"}, {"1e+300", "-1e+300", "1"}} {
		if got := sum(t, terms...).Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%v is %x, 1 is %x", terms, got, want)
		}
	}
	for _, bad := range [][]byte{nil, {0x80}, {0xff, 0xff, 1}} {
		if new(decimal.Decimal).Read(bad) {
			t.Errorf("%x is read", bad)
		}
	}
}

func TestReset(t *testing.T) {
	d := sum(t, "1e-300")
	d.Reset()
	if !d.AddText([]byte("2"), false) || d.String() != "2" {
		t.Error(d)
	}
}

func BenchmarkAddText(b *testing.B) {
	for name, text := range map[string]string{"integer": "5", "cents": "12.25", "huge": "1.7976931348623157e+308"} {
		b.Run(name, func(b *testing.B) {
			d := sum(b, "5e-324", "1")
			if name != "huge" {
				d.Reset()
			}
			for range b.N {
				d.AddText([]byte(text), false)
			}
		})
	}
}
