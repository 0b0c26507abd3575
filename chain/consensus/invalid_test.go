package consensus_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

func TestReadTransactionIsTheTutorialsForm(t *testing.T) {
	r := consensus.Classic()
	body := `{"sender": "alice", "recipient": "bob", "amount": 5E0, "note": {"a": []}}`
	first, err := r.ReadPayment([]byte(body), chain.NewID())
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.ReadPayment([]byte(body), chain.NewID())
	if err != nil {
		t.Fatal(err)
	}
	if !first.Transaction().HasID || !second.Transaction().HasID || first.ID() == second.ID() {
		t.Errorf("two payments without ids got %s and %s", first.ID(), second.ID())
	}
	bare := first.Transaction()
	bare.ID = consensus.ID{}
	if want := (consensus.Transaction{Sender: "alice", Recipient: "bob", Amount: "5.0", HasID: true}); bare != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	own, err := r.ReadPayment([]byte(`{"id": "000102030405060708090a0b0c0d0e0f", "sender": "a", "recipient": "b", "amount": 1}`), chain.NewID())
	if err != nil || own.ID().String() != "000102030405060708090a0b0c0d0e0f" {
		t.Errorf("the client's id became %s, %v", own.ID(), err)
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
		_, err := consensus.Classic().ReadPayment([]byte(body), chain.NewID())
		var missing *consensus.MissingError
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
		_, err := consensus.Classic().ReadPayment([]byte(body), chain.NewID())
		var invalid *consensus.InvalidError
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
	_, err := consensus.Classic().ReadPayment([]byte(`{"sender": "a", "recipient": "b", "amount": "`+strings.Repeat("\\u0007x", 1000)+`"}`), chain.NewID())
	if err == nil || len(err.Error()) > 700 || strings.ContainsRune(err.Error(), '\a') {
		t.Errorf("the error is %q", err)
	}
}

func TestHashesAndIDsAreReadAsTheyArePrinted(t *testing.T) {
	h := consensus.Classic().Genesis.Hash()
	if again, err := consensus.ParseHash(h.String()); err != nil || again != h {
		t.Errorf("ParseHash(%s) = %s, %v", h, again, err)
	}
	id := chain.NewID()
	if again, err := consensus.ParseID(id.String()); err != nil || again != id {
		t.Errorf("ParseID(%s) = %s, %v", id, again, err)
	}
	for _, bad := range []string{"", "00", strings.ToUpper(h.String()), h.String() + "0", "g" + h.String()[1:]} {
		if _, err := consensus.ParseHash(bad); err == nil {
			t.Errorf("ParseHash(%q) is taken", bad)
		}
	}
}

func TestNewPaymentRefusesWhatNoBlockCanHold(t *testing.T) {
	for name, change := range map[string]func(*consensus.Transaction){
		"no id":       func(p *consensus.Transaction) { p.HasID = false },
		"a reward":    func(p *consensus.Transaction) { p.Sender = consensus.RewardSender },
		"no amount":   func(p *consensus.Transaction) { p.Amount = "0" },
		"no sender":   func(p *consensus.Transaction) { p.Sender = "" },
		"a long name": func(p *consensus.Transaction) { p.Recipient = strings.Repeat("x", 257) },
	} {
		p := chaintest.Payment().Transaction()
		change(&p)
		var invalid *consensus.InvalidError
		if _, err := chaintest.Rules().NewPayment(p); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
