package rpc

import (
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

func TestJSONIsSpelledAsFlaskSpellsIt(t *testing.T) {
	v := object{
		"z": nil, "a": []any{true, false, int64(-5), 7, 5.0, 1e-5, 1e16, canonical.Number("1e+22")}, "B": "é<&>😀\x7f\"\\\n/",
		"m": object{"b": []string{"x"}, "a": []object{}}, "raw": compact(`{"k":1}`), "h": consensus.Hash{0xab},
	}
	const expected = `{"B":"\u00e9<&>\ud83d\ude00\u007f\"\\\n/","a":[true,false,-5,7,5.0,1e-05,1e+16,1e+22],` +
		`"h":"ab00000000000000000000000000000000000000000000000000000000000000","m":{"a":[],"b":["x"]},"raw":{"k":1},"z":null}`
	if got := string(appendJSON(nil, v)); got != expected {
		t.Errorf("%s\nexpected %s", got, expected)
	}
}
