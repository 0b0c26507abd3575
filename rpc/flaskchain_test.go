package rpc

import (
	"bytes"
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/chaintest"
)

func FuzzSplitChain(f *testing.F) {
	rules := chaintest.Rules()
	f.Add([]byte(`{"chain": [` + string(rules.Genesis.Canonical()) + `], "length": 1}`))
	f.Add([]byte(`{"x":"\"]","chain":[{"a":[1,{"b":"}"}]}, 5 ,"x"],"length":[]} `))
	f.Fuzz(func(t *testing.T, text []byte) {
		var parts []string
		err := splitChain(bytes.NewReader(text), 1<<16, func(part []byte) error { parts = append(parts, string(part)); return nil })
		v, bad := canonical.Read(text)
		if err != nil || bad != nil {
			if o, ok := v.(canonical.Object); err != nil && bad == nil && ok {
				if list, found := o.Get("chain"); found {
					if _, isList := list.([]canonical.Value); isList {
						t.Fatalf("refused, though it is JSON with a chain: %v", err)
					}
				}
			}
			return
		}
		list, _ := v.(canonical.Object).Get("chain")
		values, _ := list.([]canonical.Value)
		if len(values) != len(parts) {
			t.Fatalf("%d parts of a list of %d", len(parts), len(values))
		}
		for i, p := range parts {
			part, err := canonical.Read([]byte(p))
			if err != nil || string(canonical.AppendValue(nil, part)) != string(canonical.AppendValue(nil, values[i])) {
				t.Fatalf("part %d is %q: %v", i, p, err)
			}
		}
	})
}
