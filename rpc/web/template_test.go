package web

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestTextFromTheChainStaysText renders a page on which every text would end its element or its attribute.
func TestTextFromTheChainStaysText(t *testing.T) {
	const evil = `"'></script><b>`
	page := func(text string) string {
		var b strings.Builder
		err := Render(&b, Page{
			Network: text, NetworkName: text, Payer: text, Payee: text, PeerID: text, Mode: text,
			Blocks:   []Block{{Index: 1, Hash: text, Miner: text}},
			Payments: []Payment{{ID: text, Sender: text, Recipient: text, Amount: text}},
			State: State{
				Answers:    map[string]json.RawMessage{text: json.RawMessage(`"</script>"`)},
				Operations: map[string]Operation{text: {text, text}}, Accounts: map[string]string{text: text},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	plain, marked := page("text"), page(evil)
	for _, mark := range []string{"<", ">", `"></`, "</script"} {
		if want, got := strings.Count(plain, mark), strings.Count(marked, mark); got != want {
			t.Errorf("%q stands %d times on the page, want %d", mark, got, want)
		}
	}
}

func TestTemplate(t *testing.T) {
	parts, _, rest := parse("a{{if x}}b{{name}}{{else}}c{{end}}{{each items}}[{{name}}]{{else}}none{{end}}{{state}}d")
	for want, v := range map[string]values{
		"ab&lt;[1][2]<d": {"x": true, "name": "<", "items": []values{{"name": "1"}, {"name": "2"}}, "state": script("<")},
		"acnoned":        {"x": false, "items": []values(nil), "state": script("")},
	} {
		var b strings.Builder
		if fill(&b, parts, v); b.String() != want || rest != "" {
			t.Errorf("%q, not %q", b.String(), want)
		}
	}
}
