package api

import (
	"encoding/json"
	"testing"
	"time"
)

func TestAppendSpellsAsFlaskDoes(t *testing.T) {
	type inner struct {
		B []string   `json:"b"`
		A []BlockRef `json:"a"`
	}
	v := struct {
		Z     *int          `json:"z"`
		A     []float64     `json:"a"`
		T     []bool        `json:"t"`
		I     int64         `json:"i"`
		U     uint64        `json:"u"`
		B     string        `json:"B"`
		M     *inner        `json:"m"`
		N     []json.Number `json:"n"`
		Raw   Block         `json:"raw"`
		When  time.Time     `json:"when,omitzero"`
		Never time.Time     `json:"never,omitzero"`
		None  []string      `json:"none,omitempty"`
		Zero  int           `json:"zero,omitempty"`
		Skip  string        `json:"-"`
	}{
		A: []float64{5, 1e-5, 1e16, -0.5}, T: []bool{true, false}, I: -5, U: 1<<64 - 1, B: "é<&>😀\x7f\"\\\n/", M: &inner{B: []string{"x"}}, N: []json.Number{"1e+22", "7"},
		Raw: Block{Text: []byte(`{"k":1}`)}, When: time.Unix(1, 5).In(time.FixedZone("x", 3600)), None: []string{}, Skip: "s",
	}
	const want = `{"B":"\u00e9<&>\ud83d\ude00\u007f\"\\\n/","a":[5.0,1e-05,1e+16,-0.5],"i":-5,"m":{"a":[],"b":["x"]},"n":[1e+22,7],` +
		`"raw":{"k":1},"t":[true,false],"u":18446744073709551615,"when":"1970-01-01T00:00:01Z","z":null}`
	if got := string(Append(nil, v)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestAppendOfABlockWithoutItsText(t *testing.T) {
	b := Block{Index: 1, PreviousHash: "1", Proof: "100", Timestamp: "1626739200.0"}
	const want = `{"index":1,"previous_hash":"1","proof":100,"timestamp":1626739200.0,"transactions":[]}`
	if got := string(Append(nil, b)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	var back Block
	if err := json.Unmarshal([]byte(want), &back); err != nil || back.Proof != "100" || back.Timestamp != "1626739200.0" {
		t.Errorf("read back: %+v, %v", back, err)
	}
}

// TestAppendRefusesWhatNoAnswerHas shows that a type without one spelling is found when it is printed first.
func TestAppendRefusesWhatNoAnswerHas(t *testing.T) {
	for _, v := range []any{map[string]int{}, make(chan int), struct{ A int }{}, struct{ BlockRef }{}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T was printed", v)
				}
			}()
			Append(nil, v)
		}()
	}
}
