package web

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed index.html
var source string

//go:embed files text
var embedded embed.FS

// Languages of the page. English is what a browser gets that asks for neither.
const (
	English = "en"
	Chinese = "zh"
)

// Page is what the first paint shows.
type Page struct {
	Language    string // English or Chinese
	Network     string // its id
	NetworkName string // what people call it
	Secure      bool   // payments are signed
	Payer       string // that the form of a payment begins with
	Payee       string
	PeerID      string
	Height      int64
	Peers       int // connected ones
	Pending     int
	Mode        string    // of the miner
	Blocks      []Block   // newest first
	Payments    []Payment // pending ones, in order of arrival
	State       State
}

// Block is a card of the strip.
type Block struct {
	Index    int64
	Hash     string
	Payments int    // without the reward
	Miner    string // whom the reward pays, "" for the first block
}

// Payment is a pending payment.
type Payment struct{ ID, Sender, Recipient, Amount string }

// State is what the scripts begin with instead of asking for it.
type State struct {
	Answers    map[string]json.RawMessage `json:"answers"` // by the path and query that would be asked
	Operations map[string]Operation       `json:"operations"`
	Zeros      int                        `json:"zeros"`              // hex zeros that a proof's hash starts with
	Lab        bool                       `json:"lab"`                // the node was started with --lab
	Accounts   map[string]string          `json:"accounts,omitempty"` // names of a secure network's accounts, by address
}

// name is how the page shows an address: by its name if it has one.
func (s State) name(address string) string { return short(cmp.Or(s.Accounts[address], address)) }

// Operation is a row of the API's table, from which the page writes curl commands.
type Operation struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

var pages = parsePages()

// Render writes the page.
func Render(w io.Writer, p Page) error {
	if pages[p.Language] == nil {
		p.Language = English
	}
	v, err := p.values()
	if err != nil {
		return err
	}
	var b strings.Builder
	fill(&b, pages[p.Language], v)
	_, err = io.WriteString(w, b.String())
	return err
}

// values are what stands in the page.
func (p Page) values() (values, error) {
	state, err := json.Marshal(p.State)
	if err != nil {
		return nil, err
	}
	v := values{
		"chinese": p.Language == Chinese, "secure": p.Secure, "lab": p.State.Lab, "network": p.Network, "network.name": p.NetworkName, "mode": p.Mode,
		"peer": p.PeerID, "peer.short": short(p.PeerID), "payer": p.Payer, "payee": p.Payee,
		"height": strconv.FormatInt(p.Height, 10), "peers": strconv.Itoa(p.Peers), "pending": strconv.Itoa(p.Pending),
		"cards": fmt.Sprintf("%.0d", len(p.Blocks)), "state": script(state),
	}
	var blocks, payments []values
	for _, b := range p.Blocks {
		blocks = append(blocks, values{"index": strconv.FormatInt(b.Index, 10), "hash": b.Hash, "hash.short": start(b.Hash), "miner": p.State.name(b.Miner)})
	}
	for _, t := range p.Payments {
		payments = append(payments, values{
			"id": t.ID, "id.short": start(t.ID), "amount": t.Amount,
			"sender": t.Sender, "sender.name": p.State.name(t.Sender), "recipient": t.Recipient, "recipient.name": p.State.name(t.Recipient),
		})
	}
	v["blocks"], v["payments"] = blocks, payments
	return v, nil
}

// start is how the page shows a hash or an id.
func start(hex string) string { return hex[:min(len(hex), 8)] }

// contentTypes are the page's own: a system's table may say anything.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// File is a part of the page.
type File struct {
	Type string // content type
	Body []byte
}

// Files returns all parts of the page, by name.
func Files() map[string]File {
	all := map[string]File{"text.js": {contentTypes[".js"], textScript()}}
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		panic("web: the page is built into the program: " + err.Error())
	}
	for _, e := range entries {
		all[e.Name()] = File{contentTypes[path.Ext(e.Name())], mustRead("files/" + e.Name())}
	}
	return all
}

func mustRead(name string) []byte {
	body, err := embedded.ReadFile(name)
	if err != nil {
		panic("web: the page is built into the program, but lacks " + name)
	}
	return body
}

// textScript is the module from which the scripts take their texts.
func textScript() []byte {
	return fmt.Appendf(nil, "export const texts = {%q: %s, %q: %s};\n", English, mustRead("text/en.json"), Chinese, mustRead("text/zh.json"))
}

func readTexts(language string) map[string]string {
	var texts map[string]string
	if err := json.Unmarshal(mustRead("text/"+language+".json"), &texts); err != nil {
		panic("web: the texts are built into the program: " + err.Error())
	}
	return texts
}

// parsePages makes the page's parts for each language.
func parsePages() map[string][]part {
	all := map[string][]part{}
	for _, language := range []string{English, Chinese} {
		all[language], _, _ = parse(insert(source, readTexts(language)))
	}
	return all
}

var textMark = regexp.MustCompile(`data-(t|label|hint)="([a-z0-9.]+)"(>?)`)

// insert writes texts where the page names them: data-t="key"> gets its text as content, data-label a name for
// those who cannot see it, data-hint a placeholder. The scripts do the same when the language is switched.
func insert(page string, texts map[string]string) string {
	return textMark.ReplaceAllStringFunc(page, func(mark string) string {
		parts := textMark.FindStringSubmatch(mark)
		text, ok := texts[parts[2]]
		if !ok {
			panic("web: no text " + parts[2])
		}
		if parts[1] == "t" && parts[3] == "" {
			panic("web: data-t=\"" + parts[2] + "\" is not the last attribute: its text would stand in the tag")
		}
		text = html.EscapeString(text)
		switch parts[1] {
		case "label":
			return fmt.Sprintf(`data-label="%s" aria-label="%s"%s`, parts[2], text, parts[3])
		case "hint":
			return fmt.Sprintf(`data-hint="%s" placeholder="%s"%s`, parts[2], text, parts[3])
		}
		return mark + text
	})
}

// Columns of a name that the page shows whole, and of the start and the end of a longer one.
const (
	wholeName = 24
	nameStart = 13
	nameEnd   = 10
)

// short is how the page shows a name: whole if it is short, else its start and its end, by which names of a kind differ; of a peer id the
// end, as all of them start alike.
func short(name string) string {
	letters := []rune(name)
	if strings.HasPrefix(name, "12D3KooW") && len(letters) == 52 {
		return "12D3…" + string(letters[len(letters)-6:])
	}
	start, end, all := 0, len(letters), columns(letters...)
	if all <= wholeName {
		return name
	}
	for columns(letters[:start+1]...) <= nameStart {
		start++
	}
	for columns(letters[end-1:]...) <= nameEnd {
		end--
	}
	return string(letters[:start]) + "…" + string(letters[end:])
}

// columns is how wide letters are: a Chinese one is as wide as two others.
func columns(letters ...rune) (n int) {
	for _, r := range letters {
		n++
		if r > 0x2e7f {
			n++
		}
	}
	return n
}
