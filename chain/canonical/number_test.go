package canonical

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// agreeOnNumber fails where the strict parser's proof that text is canonical differs from writing it again.
func agreeOnNumber(t testing.TB, text string) {
	t.Helper()
	value, n := ScanNumber([]byte(text))
	number, reason := canonicalNumber(text)
	canonical := reason == "" && numberText([]byte(text)) == len(text) && string(number) == text
	if strict := n == len(text); strict != canonical {
		t.Fatalf("%s: strict %v, canonical %v (%s %s)", text, strict, canonical, number, reason)
	}
	if canonical && value != number.Float() {
		t.Fatalf("%s: strict reads %v, ParseFloat %v", text, value, number.Float())
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
