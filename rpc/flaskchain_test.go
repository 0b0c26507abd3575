package rpc

import (
	"bytes"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
)

func FuzzSplitChain(f *testing.F) {
	rules := chaintest.Rules()
	f.Add([]byte(`{"chain": [` + string(rules.Genesis.Canonical()) + `], "length": 1}`))
	f.Add([]byte(`{"x":"\"]","chain":[{"a":[1,{"b":"}"}]}, 5 ,"x"],"length":[]} `))
	f.Fuzz(func(t *testing.T, text []byte) {
		var parts []string
		err := splitChain(bytes.NewReader(text), 1<<16, func(part []byte) error { parts = append(parts, string(part)); return nil })
		v, bad := chain.Read(text)
		if err != nil || bad != nil {
			if o, ok := v.(chain.Object); err != nil && bad == nil && ok {
				if list, found := o.Get("chain"); found {
					if _, isList := list.([]chain.Value); isList {
						t.Fatalf("refused, though it is JSON with a chain: %v", err)
					}
				}
			}
			return
		}
		list, _ := v.(chain.Object).Get("chain")
		values, _ := list.([]chain.Value)
		if len(values) != len(parts) {
			t.Fatalf("%d parts of a list of %d", len(parts), len(values))
		}
		for i, p := range parts {
			part, err := chain.Read([]byte(p))
			if err != nil || string(chain.AppendValue(nil, part)) != string(chain.AppendValue(nil, values[i])) {
				t.Fatalf("part %d is %q: %v", i, p, err)
			}
		}
	})
}
