package wire_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"kuai/p2p/wire"
)

func TestSidesComeBack(t *testing.T) {
	full := make([]string, wire.MaxOther)
	for i := range full {
		full[i] = strings.Repeat("i", 64)
	}
	for _, m := range []wire.Sides{
		{Side: wire.TeachersSide}, {Within: wire.MaxSplit, Side: wire.OtherSide, Other: []string{"a", "bcd"}}, {Within: time.Second, Side: wire.TeachersSide, Other: full},
	} {
		got, err := wire.ParseSides(m.Append(nil))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%v: got %v, %v", m, got, err)
		}
	}
}

func TestSidesAreChecked(t *testing.T) {
	for name, b := range map[string]string{
		"empty": "", "short": "\x00\x01", "no side": "\x00\x01\x00", "side 3": "\x00\x01\x03", "too long": "\x0e\x11\x01",
		"empty id": "\x00\x01\x01\x00", "id cut short": "\x00\x01\x01\x02a", "long id": "\x00\x01\x01\x41" + strings.Repeat("i", 65),
		"one id too many": "\x00\x01\x01" + strings.Repeat("\x01i", wire.MaxOther+1), "long": strings.Repeat("\x00", wire.MaxSides+1),
	} {
		if _, err := wire.ParseSides([]byte(b)); !errors.Is(err, wire.ErrViolation) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
