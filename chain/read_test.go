package chain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kuai/chain"
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
		_, err := chain.Read([]byte(c.text))
		var syntax *chain.SyntaxError
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
		if _, err := chain.Read([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReadFindsADuplicateAmongManyKeys(t *testing.T) {
	var keys []string
	for i := range 200 {
		keys = append(keys, `"k`+strings.Repeat("x", i)+`": 1`)
	}
	if _, err := chain.Read([]byte("{" + strings.Join(keys, ", ") + "}")); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 7, 8, 9, 198} {
		twice := slices.Concat(keys, keys[at:at+1])
		if _, err := chain.Read([]byte("{" + strings.Join(twice, ", ") + "}")); err == nil {
			t.Errorf("key %d twice is not found", at)
		}
	}
}

func TestObjectsMatchKeysByExactCase(t *testing.T) {
	v, err := chain.Read([]byte(`{"Amount": 1, "amount": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := v.(chain.Object).Get("amount"); !ok || got != chain.Number("2") {
		t.Errorf("amount is %v, %v", got, ok)
	}
	if _, ok := v.(chain.Object).Get("AMOUNT"); ok {
		t.Error("AMOUNT is found")
	}
}

func TestReadTransactionIsTheTutorialsForm(t *testing.T) {
	r := chain.Classic()
	body := `{"sender": "alice", "recipient": "bob", "amount": 5E0, "note": {"a": []}}`
	first, err := r.ReadTransaction([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.ReadTransaction([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if !first.HasID || !second.HasID || first.ID == second.ID {
		t.Errorf("two payments without ids got %s and %s", first.ID, second.ID)
	}
	first.ID = chain.ID{}
	if want := (chain.Transaction{Sender: "alice", Recipient: "bob", Amount: "5.0", HasID: true}); first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	own, err := r.ReadTransaction([]byte(`{"id": "000102030405060708090a0b0c0d0e0f", "sender": "a", "recipient": "b", "amount": 1}`))
	if err != nil || own.ID.String() != "000102030405060708090a0b0c0d0e0f" {
		t.Errorf("the client's id became %s, %v", own.ID, err)
	}
}

func TestReadTransactionNamesWhatIsMissing(t *testing.T) {
	for body, want := range map[string][]string{
		`{}`:                              {"sender", "recipient", "amount"},
		`[]`:                              {"sender", "recipient", "amount"},
		`null`:                            {"sender", "recipient", "amount"},
		`"sender"`:                        {"sender", "recipient", "amount"},
		`{"sender": "a", "amount": null}`: {"recipient"},
		`{"Sender": "a", "recipient": "b", "amount": 5}`: {"sender"},
	} {
		_, err := chain.Classic().ReadTransaction([]byte(body))
		var missing *chain.MissingError
		if !errors.As(err, &missing) || !slices.Equal(missing.Keys, want) {
			t.Errorf("%s: %v, want %q missing", body, err, want)
		}
	}
}

func TestInvalidErrorsNameTheFieldTheValueAndTheRule(t *testing.T) {
	for body, words := range map[string][]string{
		`{"sender": "a", "recipient": "b", "amount": -5}`:           {"amount", "-5", "greater than 0"},
		`{"sender": "a", "recipient": "b", "amount": "5"}`:          {"amount", `"5"`, "number"},
		`{"sender": "0", "recipient": "b", "amount": 5}`:            {"sender", `"0"`, "reward"},
		`{"sender": "", "recipient": "b", "amount": 5}`:             {"sender", `""`, "1 to 256"},
		`{"sender": "a", "recipient": 7, "amount": 5}`:              {"recipient", "7", "string"},
		`{"sender": "a", "recipient": "b", "amount": 5, "id": "X"}`: {"id", `"X"`, "32 lower-case hex"},
	} {
		_, err := chain.Classic().ReadTransaction([]byte(body))
		var invalid *chain.InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v", body, err)
			continue
		}
		for _, word := range words {
			if !strings.Contains(invalid.Error(), word) {
				t.Errorf("%s: %q does not say %s", body, invalid.Error(), word)
			}
		}
	}
}

func TestErrorsDoNotRepeatAStrangersPage(t *testing.T) {
	_, err := chain.Classic().ReadTransaction([]byte(`{"sender": "a", "recipient": "b", "amount": "` + strings.Repeat("\\u0007x", 1000) + `"}`))
	if err == nil || len(err.Error()) > 700 || strings.ContainsRune(err.Error(), '\a') {
		t.Errorf("the error is %q", err)
	}
}

func TestHashesAndIDsAreReadAsTheyArePrinted(t *testing.T) {
	h := chain.Classic().Genesis.Hash()
	if again, err := chain.ParseHash(h.String()); err != nil || again != h {
		t.Errorf("ParseHash(%s) = %s, %v", h, again, err)
	}
	id := chain.NewID()
	if again, err := chain.ParseID(id.String()); err != nil || again != id {
		t.Errorf("ParseID(%s) = %s, %v", id, again, err)
	}
	for _, bad := range []string{"", "00", strings.ToUpper(h.String()), h.String() + "0", "g" + h.String()[1:]} {
		if _, err := chain.ParseHash(bad); err == nil {
			t.Errorf("ParseHash(%q) is taken", bad)
		}
	}
}
