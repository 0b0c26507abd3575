package canonical_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kuai/chain/canonical"
)

func TestReadSaysWhatAndWhere(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
		reason string
	}{
		{``, 0, "expected a value"},
		{"\xef\xbb\xbf{}", 0, "byte order mark"},
		{`{"a": 1, "b": 2, "a": 3}`, 17, `duplicate key "a"`},
		{`{"a": 1, "A": 2} x`, 17, "data after the end"},
		{`["\ud800"]`, 2, "lone surrogate"},
		{`["\udc00\ud800"]`, 2, "lone surrogate"},
		{"[\"ab\xff\"]", 4, "invalid UTF-8"},
		{"[\"\xed\xa0\x80\"]", 2, "invalid UTF-8"},
		{"[\"a\nb\"]", 3, "control character"},
		{`[NaN]`, 1, "NaN"},
		{`[Infinity]`, 1, "Infinity"},
		{`[-Infinity]`, 1, "-Infinity"},
		{`[1e400]`, 1, "too large"},
		{`[01]`, 1, "malformed number"},
		{`[-]`, 1, "malformed number"},
		{`[1.]`, 1, "malformed number"},
		{`[9223372036854775808]`, 1, "2^63-1"},
		{`[-9223372036854775808]`, 1, "2^63-1"},
		{`[0.` + strings.Repeat("1", 63) + `]`, 1, "64 characters"},
		{strings.Repeat("[", 9) + strings.Repeat("]", 9), 8, "8 levels"},
		{strings.Repeat(`{"a":`, 8) + "{}" + strings.Repeat("}", 8), 40, "8 levels"},
		{`["abc`, 1, "without an end"},
		{`["abc\`, 5, "without an end"},
		{`["\x"]`, 2, "unknown escape"},
		{`["\u12g4"]`, 2, "malformed \\u escape"},
		{`[1 2]`, 3, "expected ']'"},
		{`{"a" 1}`, 5, "expected ':'"},
		{`{a: 1}`, 1, "key in quotes"},
		{`{"a": 1,}`, 8, "key in quotes"},
		{`[1,]`, 3, "expected a value"},
		{`tru`, 0, "expected a value"},
	} {
		_, err := canonical.Read([]byte(c.text))
		var syntax *canonical.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != c.offset || !strings.Contains(syntax.Reason, c.reason) {
			t.Errorf("%q: got %v, want %q at byte %d", c.text, err, c.reason, c.offset)
		}
	}
}

func TestReadTakesTheLastValueOfEachLimit(t *testing.T) {
	for _, text := range []string{
		"9223372036854775807", "-9223372036854775807", "0." + strings.Repeat("1", 62), "1.7976931348623157e308",
		strings.Repeat("[", 8) + strings.Repeat("]", 8), " \t\r\n1 \t\r\n", `"\ud83d\ude00"`, `{"a": 1, "A": 2, "": 3}`,
	} {
		if _, err := canonical.Read([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReadFindsADuplicateAmongManyKeys(t *testing.T) {
	var keys []string
	for i := range 200 {
		keys = append(keys, `"k`+strings.Repeat("x", i)+`": 1`)
	}
	if _, err := canonical.Read([]byte("{" + strings.Join(keys, ", ") + "}")); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 7, 8, 9, 198} {
		twice := slices.Concat(keys, keys[at:at+1])
		if _, err := canonical.Read([]byte("{" + strings.Join(twice, ", ") + "}")); err == nil {
			t.Errorf("key %d twice is not found", at)
		}
	}
}

func TestObjectsMatchKeysByExactCase(t *testing.T) {
	v, err := canonical.Read([]byte(`{"Amount": 1, "amount": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := v.(canonical.Object).Get("amount"); !ok || got != canonical.Number("2") {
		t.Errorf("amount is %v, %v", got, ok)
	}
	if _, ok := v.(canonical.Object).Get("AMOUNT"); ok {
		t.Error("AMOUNT is found")
	}
}
