package invite_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/pnet"
	goqr "github.com/piglig/go-qr"

	"kuai/chain/consensus"
	"kuai/cmd/kuai/invite"
)

// codeOf returns the code of an invitation.
func codeOf(t testing.TB, i invite.Invitation) string {
	t.Helper()
	code, err := i.Code()
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func invitationTo(t testing.TB, r *consensus.Rules) invite.Invitation {
	t.Helper()
	i, err := invite.Of(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// class is an invitation as most have it.
func class() invite.Invitation {
	i := invite.New(4)
	i.Addresses = []string{"192.168.1.20:15000"}
	return i
}

func TestCodeIsShort(t *testing.T) {
	code := codeOf(t, class())
	if want := 32 + 7; len(code) != want {
		t.Errorf("%s has %d characters, want %d", code, len(code), want)
	}
}

// TestCodesComeBack: what is written is read again, whatever is in it.
func TestCodesComeBack(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	addresses := []string{"10.0.0.1:15000", "10.0.0.1:15001", "[2001:db8::1]:15000", "kuai-1:80", "node.example.org:65535", "127.0.0.1:1"}
	file := []byte(`{"name": "5b", "zeros": 3, "genesis": {"index": 1, "previous_hash": 1, "proof": 100, "timestamp": 1700000000.5, "transactions": []}}`)
	r, err := consensus.ReadRules(file)
	if err != nil {
		t.Fatal(err)
	}
	fromFile, err := invite.Of(r, key)
	if err != nil {
		t.Fatal(err)
	}
	for name, i := range map[string]invite.Invitation{
		"secure": invitationTo(t, consensus.Secure()), "dev": invitationTo(t, consensus.Dev()),
		"classic": {}, "classic with a key": {SwarmKey: key}, "a file": {Network: file}, "rules": fromFile, "own": invite.New(4), "own, easy": invite.New(0), "own, hard": invite.New(15),
	} {
		for n := range addresses {
			i.Addresses = addresses[:n]
			got, err := invite.Parse(codeOf(t, i))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if codeOf(t, got) != codeOf(t, i) || !slices.Equal(got.Addresses, i.Addresses) {
				t.Errorf("%s: got %+v, want %+v", name, got, i)
			}
			a, errA := got.Rules()
			b, errB := i.Rules()
			if errA != nil || errB != nil || a.Network() != b.Network() || a.Name != b.Name || !bytes.Equal(got.KeyFile(), i.KeyFile()) {
				t.Errorf("%s: another network came back: %v %v", name, errA, errB)
			}
		}
	}
}

// TestTeacherComesBack: a code that names a teacher is of the next version, and any other one as before.
func TestTeacherComesBack(t *testing.T) {
	for name, i := range map[string]invite.Invitation{"own": class(), "classic": {}} {
		plain := codeOf(t, i)
		i.Teacher = invite.TeacherOf("12D3KooWPjrxd2vHyuSXgT6qFMgFpw6uKGqZcuA8yFptRDoVXo6K")
		code := codeOf(t, i)
		got, err := invite.Parse(code)
		if err != nil || got.Teacher != i.Teacher || codeOf(t, got) != code || !slices.Equal(got.Addresses, i.Addresses) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, i)
		}
		if longer := len(code) - len(plain); longer > 24 {
			t.Errorf("%s: the teacher makes the code %d characters longer", name, longer)
		}
		if got, err := invite.Parse(plain); err != nil || got.Teacher != (invite.Teacher{}) {
			t.Errorf("%s without a teacher: %+v, %v", name, got, err)
		}
	}
}

// TestRulesComeBackWhole: a code says all rules of a network.
func TestRulesComeBackWhole(t *testing.T) {
	r := *consensus.Classic()
	genesis := `{"index": 1, "previous_hash": "a class", "proof": 7, "timestamp": 5, "transactions": []}`
	own, err := consensus.ReadRules([]byte(`{"name": "爱丽丝", "genesis": ` + genesis + `}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Name, r.Genesis = own.Name, own.Genesis
	r.Zeros, r.Reward, r.MaxBlockBytes, r.MaxBlockTransactions, r.MaxTransactionBytes, r.MaxNameBytes, r.MaxAhead = 2, "2.5", 65536, 100, 2048, 64, time.Minute
	i, err := invite.Of(&r, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := invite.Parse(codeOf(t, i))
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.Rules()
	if err != nil || got.Network() != r.Network() || got.Name != r.Name {
		t.Errorf("got %+v, %v, want %+v", got, err, r)
	}
}

func TestEachInvitationIsANetworkOfItsOwn(t *testing.T) {
	seen := map[string]bool{consensus.Classic().Network(): true}
	for range 100 {
		i := invite.New(4)
		r, err := i.Rules()
		if err != nil {
			t.Fatal(err)
		}
		key := string(i.KeyFile())
		if _, err := pnet.DecodeV1PSK(strings.NewReader(key)); err != nil || seen[key] || seen[r.Network()] {
			t.Fatalf("network %s, key %q, %v", r.Network(), key, err)
		}
		seen[key], seen[r.Network()] = true, true
	}
}

// TestCodeIsReadAsPeopleTypeIt: case, dashes, spaces, wide letters and the letters that look like digits do not matter.
func TestCodeIsReadAsPeopleTypeIt(t *testing.T) {
	i := class()
	i.Own.Seed = invite.Seed{0x08, 0x42, 0x10, 0x84, 0x21, 0, 0, 0, 0, 1} // many 0 and 1
	code := codeOf(t, i)
	wide := strings.Map(func(r rune) rune { return r + '！' - '!' }, code)
	for _, typed := range []string{
		code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", " \t"), " " + code + "\n", strings.ReplaceAll(code, "-", "–"),
		strings.ReplaceAll(code, "-", "\u3000"), wide, strings.ToLower(wide), strings.ReplaceAll(code, "0", "o"), strings.ReplaceAll(code, "1", "l"), strings.ReplaceAll(code, "1", "I"),
	} {
		got, err := invite.Parse(typed)
		if err != nil || codeOf(t, got) != code {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

// TestTheMistakeInACodeIsNamed: a single one by its group, more than one by what to do.
func TestTheMistakeInACodeIsNamed(t *testing.T) {
	code := codeOf(t, class())
	groups := strings.Split(code, "-")
	change := func(c byte) string {
		if c == '7' {
			return "8"
		}
		return "7"
	}
	third := groups[2]
	two := class()
	two.Addresses = append(two.Addresses, "pc:80")
	short := codeOf(t, two) // its last group is not full
	last, lastShort := groups[len(groups)-1], short[strings.LastIndex(short, "-")+1:]
	if len(last) != 4 || len(lastShort) == 4 {
		t.Fatalf("the last groups are %s and %s", last, lastShort)
	}
	for _, c := range []struct{ typed, want string }{
		{strings.Replace(code, "-"+third, "-"+third[:1]+change(third[1])+third[2:], 1), "its group 3 should be " + third},
		{strings.Replace(code, "-"+third, "-"+third[:1]+third[2:], 1), "one letter is missing: its group 3 should be " + third},
		{strings.Replace(code, "-"+third, "-"+third[:2]+change(third[2])+third[2:], 1), "one letter is too many: its group 3 should be " + third},
		{code + change(code[len(code)-1]), "one letter is too many: it ends with group 8, " + last},
		{code + "-" + code[len(code)-1:], "one letter is too many: it ends with group 8, " + last},
		{code[:len(code)-1], "one letter is missing: its group 8 should be " + last},
		{short + change(short[len(short)-1]), "one letter is too many: it ends with group 11, " + lastShort},
		{short[:len(short)-1], "one letter is missing: its group 11 should be " + lastShort},
	} {
		_, err := invite.Parse(c.typed)
		if want := "the code has a typing error: " + c.want; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", c.typed, err, want)
		}
	}
	_, err := invite.Parse(change(code[0]) + code[1:len(code)-len(last)] + change(last[0]) + last[1:])
	if err == nil || !strings.Contains(err.Error(), "letters with the screen that shows it, group by group, or copy it") {
		t.Error(err)
	}
}

// TestTypingErrorsAreFound tries all wrong letters, exchanged neighbours, missing and doubled letters.
func TestTypingErrorsAreFound(t *testing.T) {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	code := strings.ReplaceAll(codeOf(t, class()), "-", "")
	tries := 0
	wrong := func(typed string) {
		if typed == code {
			return
		}
		tries++
		if _, err := invite.Parse(typed); !errors.Is(err, invite.ErrMistyped) {
			t.Errorf("%s for %s: %v", typed, code, err)
		}
	}
	for at := range code {
		for _, c := range letters {
			wrong(code[:at] + string(c) + code[at+1:])
		}
		wrong(code[:at] + code[at+1:])
		wrong(code[:at] + code[at:at+1] + code[at:])
		if at > 0 {
			wrong(code[:at-1] + code[at:at+1] + code[at-1:at] + code[at+1:])
		}
	}
	for range 10_000 { // two wrong letters
		text := []byte(code)
		for range 2 {
			text[rand.N(len(text))] = letters[rand.N(len(letters))]
		}
		wrong(string(text))
	}
	if tries < 10_000 {
		t.Errorf("%d mistakes were tried only", tries)
	}
	for _, typed := range []string{"", "-", "U", "äbc", "0", strings.Repeat("0", 5000)} {
		if _, err := invite.Parse(typed); err == nil {
			t.Errorf("%q is read", typed)
		}
	}
}

func TestRefusedInvitations(t *testing.T) {
	for name, i := range map[string]invite.Invitation{
		"16 zeros": invite.New(16), "a short key": {SwarmKey: []byte{1}}, "no port": {Addresses: []string{"10.0.0.1"}}, "port 0": {Addresses: []string{"10.0.0.1:0"}},
		"too many": {Addresses: slices.Repeat([]string{"10.0.0.1:1"}, 9)}, "a large file": {Network: make([]byte, 5000)},
	} {
		if code, err := i.Code(); err == nil {
			t.Errorf("%s: %s", name, code)
		}
	}
}

// TestQRSaysTheCode reads the picture again.
func TestQRSaysTheCode(t *testing.T) {
	text := "kuai join " + codeOf(t, class())
	q, err := invite.NewQR(text)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := goqr.EncodeText(text, goqr.Low)
	if err != nil {
		t.Fatal(err)
	}
	edge := (q.Size - plain.Size()) / 2
	for y := range plain.Size() {
		for x := range plain.Size() {
			if q.Dark(x+edge, y+edge) != plain.Module(x, y) {
				t.Fatalf("module %d, %d differs", x, y)
			}
		}
	}
	if lines := strings.Count(q.Terminal(), "\n"); lines != (q.Size+1)/2 || lines > 20 {
		t.Errorf("%d lines for %d rows", lines, q.Size)
	}
	dark := 0
	for d := range strings.SplitSeq(strings.TrimSuffix(q.Path(), "z"), "z") {
		var x, y, w, back int
		if _, err := fmt.Sscanf(d, "M%d %dh%dv1h-%d", &x, &y, &w, &back); err != nil || w != back || !q.Dark(x, y) || !q.Dark(x+w-1, y) {
			t.Fatalf("path %q: %v", d, err)
		}
		dark += w
	}
	for y := range q.Size {
		for x := range q.Size {
			if q.Dark(x, y) {
				dark--
			}
		}
	}
	if dark != 0 {
		t.Errorf("the path has %d modules too many", dark)
	}
}

// FuzzParse: a code that is read is written again with the same meaning.
func FuzzParse(f *testing.F) {
	f.Add(codeOf(f, class()))
	f.Add(codeOf(f, invite.Invitation{SwarmKey: make([]byte, 32), Addresses: []string{"a:1", "[::1]:15000"}}))
	f.Fuzz(func(t *testing.T, text string) {
		i, err := invite.Parse(text)
		if err != nil {
			return
		}
		again, err := invite.Parse(codeOf(t, i))
		if err != nil || !bytes.Equal(again.File(), i.File()) || !slices.Equal(again.Addresses, i.Addresses) {
			t.Errorf("%q: %+v came back as %+v, %v", text, i, again, err)
		}
	})
}

// TestCodeOfABuiltInNetworkIsShort: each program has the network's file, so a code needs its number only.
func TestCodeOfABuiltInNetworkIsShort(t *testing.T) {
	for _, r := range []*consensus.Rules{consensus.Secure(), consensus.Dev()} {
		i := invitationTo(t, r)
		i.Addresses = []string{"192.168.1.20:15000"}
		for _, teacher := range []invite.Teacher{{}, invite.TeacherOf("12D3KooWPjrxd2vHyuSXgT6qFMgFpw6uKGqZcuA8yFptRDoVXo6K")} {
			i.Teacher = teacher
			code := codeOf(t, i)
			if len(code) > 45 {
				t.Errorf("%s: %s has %d characters", r.Name, code, len(code))
			}
			got, err := invite.Parse(code)
			if err != nil || got.Teacher != teacher || !slices.Equal(got.Addresses, i.Addresses) {
				t.Fatalf("%s: got %+v, %v", r.Name, got, err)
			}
			if rules, err := got.Rules(); err != nil || rules.Network() != r.Network() {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	}
}
