package rpc

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"kuai/chain/consensus"
)

const payment = `{"sender":"alice","recipient":"bob","amount":5}`

func TestMineAnswersAsTheTutorial(t *testing.T) {
	n := start(t, Config{})
	n.do("POST", "/transactions/new", `{"sender":"é<&>😀","recipient":"bob","amount":5.0,"id":"000102030405060708090a0b0c0d0e0f"}`)
	genesis := n.chain.Tip()
	w := n.do("GET", "/mine", "")
	h := n.chain.Tip()
	want(t, w, 200, fmt.Sprintf(`{"index":2,"message":"New Block Forged","previous_hash":"%s","proof":%d,"transactions":[`+
		`{"amount":5.0,"id":"000102030405060708090a0b0c0d0e0f","recipient":"bob","sender":"\u00e9<&>\ud83d\ude00"},`+
		`{"amount":1,"recipient":"%s","sender":"0"}]}`+"\n", genesis.Hash, h.Proof, testPeer))
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	if got := w.Header().Get("Content-Length"); got != fmt.Sprint(w.Body.Len()) {
		t.Errorf("Content-Length is %q of %d", got, w.Body.Len())
	}
}

func TestPaymentIsAcceptedInAnySpelling(t *testing.T) {
	for name, body := range map[string]string{
		"integer":     payment,
		"float":       `{"sender":"a","recipient":"b","amount":5.0}`,
		"exponent":    `{"sender":"a","recipient":"b","amount":1e2}`,
		"spaces":      " {\n\"sender\" : \"a\" , \"recipient\":\"b\",\"amount\":5 }\n",
		"unicode":     `{"sender":"é","recipient":"\u00e9<&>","amount":5}`,
		"other keys":  `{"sender":"a","recipient":"b","amount":5,"note":[1,{"x":null}]}`,
		"largest int": `{"sender":"a","recipient":"b","amount":9223372036854775807}`,
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, Config{})
			w := n.do("POST", "/transactions/new", body) // no Content-Type at all
			want(t, w, 201, `{"message":"Transaction will be added to Block 2"}`+"\n")
			id := strings.TrimPrefix(w.Header().Get("Location"), "/transactions/")
			if found := decode(t, n.do("GET", "/transactions/"+id, ""), 200); found["status"] != "pending" {
				t.Errorf("the payment at Location is %v", found)
			}
		})
	}
}

func TestMissingValuesAreFlasksPlainText(t *testing.T) {
	n := start(t, Config{})
	for _, body := range []string{`{}`, `{"sender":"a","recipient":"b"}`, `{"Sender":"a","recipient":"b","amount":5}`, `[]`, `["sender","recipient","amount"]`, `null`, `5`, `"sender recipient amount"`} {
		w := n.do("POST", "/transactions/new", body)
		want(t, w, 400, "Missing values")
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type is %q", body, got)
		}
	}
	for _, body := range []string{`{}`, `{"nodes":null}`, `{"nodes":"http://127.0.0.1:5001"}`, `{"nodes":{}}`, `[]`, `null`, `7`} {
		w := n.do("POST", "/nodes/register", body)
		want(t, w, 400, "Error: Please supply a valid list of nodes")
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type is %q", body, got)
		}
	}
}

// TestBodyThatIsNoJSONIsToldHow does what the hint says.
func TestBodyThatIsNoJSONIsToldHow(t *testing.T) {
	n := start(t, Config{})
	base := listen(t, n.Handler())
	for path, body := range map[string]string{"/transactions/new": "sender=alice&recipient=bob&amount=5", "/nodes/register": "", "/mine": "{", "/mining": "mode=instant"} {
		code, got := ask(t, base+path, body)
		line, whole := strings.CutSuffix(got, "\n")
		_, curl, found := strings.Cut(line, "Try: curl ")
		if code != 400 || !whole || !found || strings.Contains(line, "\n") || !strings.Contains(line, "at byte") {
			t.Errorf("%s: %d %q", path, code, got)
			continue
		}
		words := inShell(t, curl)
		if len(words) != 7 || !slices.Equal(words[:5], []string{"-X", "POST", "-H", "Content-Type: application/json", "-d"}) || words[6] != base+path {
			t.Errorf("%s: curl %s is %q", path, curl, words)
			continue
		}
		if code, said := ask(t, words[6], words[5]); code >= 300 {
			t.Errorf("%s: curl %s: %d %s", path, curl, code, said)
		}
		if strings.ContainsAny(curl, "'<>|&^%`$!") {
			t.Errorf("%s: cmd.exe or sh reads curl %s in another way", path, curl)
		}
	}
	for _, body := range []string{`{"sender":"a","recipient":"b","amount":12345678901234567890123}`, `{"sender":"a","sender":"b"}`, `[[[[[[[[[[]]]]]]]]]]`} {
		if got := n.do("POST", "/transactions/new", body).Body.String(); !json.Valid([]byte(body)) || strings.Contains(got, "not JSON") || !strings.Contains(got, "at byte") {
			t.Errorf("%s is JSON: %s", body, got)
		}
	}
	v := decode(t, n.do("POST", "/mine", "{", "Accept: application/json"), 400)
	if hint := v["hint"].(string); !strings.HasSuffix(hint, " http://localhost:5000/mine") {
		t.Errorf("hint %q", hint)
	}
}

// inShell returns the words that sh makes of a command line.
func inShell(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// TestBodiesAreReadInAnyEncoding: PowerShell and Notepad write a byte order mark or UTF-16, and Flask reads it.
func TestBodiesAreReadInAnyEncoding(t *testing.T) {
	big, little := binary.BigEndian, binary.LittleEndian
	encodings := map[string]func(string) string{
		"mark":     func(s string) string { return "\ufeff" + s },
		"UTF-16LE": func(s string) string { return in16(little, s) }, "UTF-16LE, mark": func(s string) string { return in16(little, "\ufeff"+s) },
		"UTF-16BE": func(s string) string { return in16(big, s) }, "UTF-16BE, mark": func(s string) string { return in16(big, "\ufeff"+s) },
		"UTF-32LE": func(s string) string { return in32(little, s) }, "UTF-32LE, mark": func(s string) string { return in32(little, "\ufeff"+s) },
		"UTF-32BE": func(s string) string { return in32(big, s) }, "UTF-32BE, mark": func(s string) string { return in32(big, "\ufeff"+s) },
	}
	for name, encode := range encodings {
		n := start(t, Config{})
		url := listen(t, n.Handler())
		for _, contentType := range []string{"application/json", "application/json; charset=utf-16", "text/plain; charset=gbk", ""} {
			for how, r := range map[string]func(string) io.Reader{
				"whole":   func(s string) io.Reader { return strings.NewReader(s) },
				"chunked": func(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} },
			} {
				res, err := http.Post(url+"/transactions/new", contentType, r(encode(`{"sender": "块 😀", "recipient": "é", "amount": 5}`)))
				if code, _, said := toTheEnd(t, res, err); code != 201 {
					t.Errorf("%s, %s, %q: %d %s", name, how, contentType, code, said)
				}
			}
		}
		for _, p := range n.chain.Pending() {
			if p.Transaction().Sender != "块 😀" || p.Transaction().Recipient != "é" {
				t.Errorf("%s: read as %q, %q", name, p.Transaction().Sender, p.Transaction().Recipient)
			}
		}
		if v := decode(t, n.do("POST", "/mine", encode(`{"blocks": 2}`)), 200); len(v["blocks"].([]any)) != 2 {
			t.Errorf("%s: %v", name, v)
		}
		if v := decode(t, n.do("POST", "/nodes/register", encode(`{"nodes": []}`)), 201); v["message"] != "New nodes have been added" {
			t.Errorf("%s: %v", name, v)
		}
		decode(t, n.do("POST", "/mining", encode(`{"mode": "instant"}`)), 200)
		want(t, n.do("POST", "/transactions/new", encode(`{}`)), 400, missingValues)
	}
}

func in16(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func in32(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, c := range s {
		b = order.AppendUint32(b, uint32(c))
	}
	return string(b)
}

func TestBodiesThatCannotBeDecoded(t *testing.T) {
	n := start(t, Config{})
	for name, body := range map[string]string{
		"two marks": "\ufeff\ufeff" + payment, "half a unit": in16(binary.LittleEndian, payment) + "x", "a lone surrogate": "\xff\xfe\"\x00\x00\xd8\"\x00",
		"GBK": "{\"sender\":\"\xbf\xe9\",\"recipient\":\"b\",\"amount\":5}", "a mark alone": "\ufeff", "a mark of UTF-16 alone": "\xff\xfe",
	} {
		if w := n.do("POST", "/transactions/new", body); w.Code != 400 || !strings.Contains(w.Body.String(), "Try: curl ") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := n.do("POST", "/mine", "\ufeff"); w.Code != 200 || n.chain.Tip().Index != 2 {
		t.Errorf("a mark without a body mines one block: %d %s", w.Code, w.Body)
	}
}

// ask sends body, as curl would.
func ask(t *testing.T, url, body string) (code int, said string) {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	code, _, said = toTheEnd(t, res, err)
	return code, said
}

func TestRefusedValuesNameTheField(t *testing.T) {
	n := start(t, Config{})
	for body, field := range map[string]string{
		`{"sender":"a","recipient":"b","amount":-5}`:             "amount",
		`{"sender":"a","recipient":"b","amount":0}`:              "amount",
		`{"sender":"a","recipient":"b","amount":"5"}`:            "amount",
		`{"sender":"a","recipient":"b","amount":true}`:           "amount",
		`{"sender":"0","recipient":"b","amount":5}`:              "sender",
		`{"sender":"","recipient":"b","amount":5}`:               "sender",
		`{"sender":"a","recipient":7,"amount":5}`:                "recipient",
		`{"sender":"a","recipient":"b","amount":5,"id":"short"}`: "id",
	} {
		w := n.do("POST", "/transactions/new", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `rule "`+field+`"`) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: text that quotes the request has Content-Type %q", body, w.Header().Get("Content-Type"))
		}
	}
	if count, _ := n.chain.PoolSize(); count != 0 {
		t.Errorf("%d refused payments are pending", count)
	}
}

func TestSamePaymentTwiceIsOne(t *testing.T) {
	n := start(t, Config{})
	const body = `{"sender":"a","recipient":"b","amount":5,"id":"000102030405060708090a0b0c0d0e0f"}`
	for range 2 {
		want(t, n.do("POST", "/transactions/new", body), 201, `{"message":"Transaction will be added to Block 2"}`+"\n")
	}
	if count, _ := n.chain.PoolSize(); count != 1 {
		t.Errorf("%d payments are pending", count)
	}
	if w := n.do("POST", "/transactions/new", strings.Replace(body, "5", "6", 1)); w.Code != http.StatusConflict {
		t.Errorf("another payment with the id: %d %s", w.Code, w.Body)
	}
	n.do("GET", "/mine", "")
	w := n.do("POST", "/transactions/new", body)
	want(t, w, 200, `{"message":"Transaction was added to Block 2"}`+"\n")
	if got := w.Header().Get("Location"); got != "/transactions/000102030405060708090a0b0c0d0e0f" {
		t.Errorf("Location is %q", got)
	}
}

func TestParallelMiningMakesLinkedBlocks(t *testing.T) {
	n := start(t, Config{})
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if w := n.do("GET", "/mine", ""); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	if tip := n.chain.Tip().Index; tip != 65 {
		t.Errorf("the chain ends at %d after 64 blocks", tip)
	}
}

func TestBusyMinerSaysWhenToTryAgain(t *testing.T) {
	n := start(t, Config{})
	n.miner.mine = func(context.Context) (*consensus.Block, error) { return nil, fmt.Errorf("queue: %w", ErrBusy) }
	w := n.do("GET", "/mine", "")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

func TestAClockBehindTheChainIsSaid(t *testing.T) {
	n := start(t, Config{})
	n.miner.mine = func(context.Context) (*consensus.Block, error) {
		return nil, fmt.Errorf("mining: %w", &consensus.ClockError{Behind: 3599500 * time.Millisecond})
	}
	want(t, n.do("GET", "/mine", ""), http.StatusServiceUnavailable, "This machine's clock is 3600 s behind the chain. Set it, then try again.\n")
}

func TestClientThatHangsUpEndsItsSearch(t *testing.T) {
	n := start(t, Config{})
	searching, ended := make(chan struct{}), make(chan struct{})
	n.miner.mine = func(ctx context.Context) (*consensus.Block, error) {
		close(searching)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", listen(t, n.Handler())+"/mine", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-searching; hangUp() }()
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		t.Errorf("status %d", res.StatusCode)
	}
	<-ended
}

func TestMineMany(t *testing.T) {
	n := start(t, Config{})
	v := decode(t, n.do("POST", "/mine", `{"blocks": 3}`), 200)
	blocks, _ := v["blocks"].([]any)
	if len(blocks) != 3 || v["message"] != "New Blocks Forged" || n.chain.Tip().Index != 4 {
		t.Errorf("%v, chain ends at %d", v, n.chain.Tip().Index)
	}
	for _, body := range []string{"", " \n", "{}"} {
		if v := decode(t, n.do("POST", "/mine", body), 200); v["message"] != "New Block Forged" {
			t.Errorf("body %q: %v", body, v)
		}
	}
	for _, body := range []string{`{"blocks":0}`, `{"blocks":-1}`, `{"blocks":1001}`, `{"blocks":2.5}`, `{"blocks":"3"}`, `{"blocks":null}`, `{"blocks":1e2}`} {
		if w := n.do("POST", "/mine", body); w.Code != 400 || !strings.Contains(w.Body.String(), `1 to 1000. Send {"blocks": 3}`) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestMineManyKeepsWhatItMined(t *testing.T) {
	n := start(t, Config{})
	calls := 0
	n.miner.mine = func(context.Context) (*consensus.Block, error) {
		if calls++; calls > 2 {
			return nil, ErrBusy
		}
		return n.miner.try()
	}
	v := decode(t, n.do("POST", "/mine", `{"blocks": 5}`), 200)
	if blocks, _ := v["blocks"].([]any); len(blocks) != 2 || !strings.HasPrefix(v["message"].(string), "Stopped after 2 of 5 blocks") {
		t.Errorf("%v", v)
	}
}

// TestRefusedNamesAreReadable: an answer that quotes a name shows it as it is written, cut between characters.
func TestRefusedNamesAreReadable(t *testing.T) {
	n := start(t, Config{})
	name := strings.Repeat("块", 100)
	for what, body := range map[string]string{
		"sender": `{"sender":"` + name + `","recipient":"b","amount":5}`, "recipient": `{"sender":"a","recipient":"` + name + `","amount":5}`,
		"amount": `{"sender":"a","recipient":"b","amount":"` + name + `"}`, "id": `{"sender":"a","recipient":"b","amount":5,"id":"` + name + `"}`,
		"key": `{"` + name + `":1,"` + name + `":2}`,
	} {
		got := n.do("POST", "/transactions/new", body).Body.String()
		if !strings.Contains(got, "块块") || strings.Contains(got, `\x`) || strings.Contains(got, `\u`) || !utf8.ValidString(got) {
			t.Errorf("%s: %s", what, got)
		}
	}
	got := n.do("GET", "/addresses/"+url.PathEscape(name), "").Body.String()
	if strings.Contains(got, `\x`) || strings.Contains(got, "\ufffd") || !strings.Contains(got, "1 to 256 bytes") {
		t.Error(got)
	}
}
