package rpc

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/singleflight"

	"kuai/chain/canonical"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// neighbourOf registers h, which answers as a Flask node, with n.
func neighbourOf(t *testing.T, n *node, h http.Handler) {
	t.Helper()
	n.net.register(listen(t, h), "flask")
}

// flaskBlocks are blocks on genesis as a Flask node mines them: the payments have no ids.
func flaskBlocks(t *testing.T, r *consensus.Rules, count int) []*consensus.Block {
	t.Helper()
	parent := r.Genesis.Header()
	var blocks []*consensus.Block
	for i := range count {
		b := chaintest.Block(t, r, parent, "flask", consensus.Transaction{Sender: "é", Recipient: "b", Amount: canonical.Number(fmt.Sprintf("%d.5", i+1))})
		blocks, parent = append(blocks, b), b.Header()
	}
	return blocks
}

// chainAnswer is what Flask's /chain answers with these blocks after the genesis.
func chainAnswer(r *consensus.Rules, blocks []*consensus.Block) string {
	texts := []string{string(r.Genesis.Canonical())}
	for _, b := range blocks {
		texts = append(texts, string(b.Canonical()))
	}
	return fmt.Sprintf(`{"chain": [%s], "length": %d}`, strings.Join(texts, ", "), len(texts))
}

func saying(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
}

func (n *node) resolveNow(t *testing.T) string {
	t.Helper()
	w := n.do("GET", "/nodes/resolve", "")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestResolveAloneIsAuthoritative(t *testing.T) {
	n := start(t, Config{})
	want(t, n.do("GET", "/nodes/resolve", ""), 200,
		`{"chain":[{"index":1,"previous_hash":"1","proof":100,"timestamp":1626739200.0,"transactions":[]}],"message":"Our chain is authoritative"}`+"\n")
}

func TestResolveAdoptsALongerFlaskChain(t *testing.T) {
	n := start(t, Config{})
	chaintest.MineOn(t, n.chain, 3)
	blocks := flaskBlocks(t, n.chain.Rules(), 5)
	neighbourOf(t, n, saying(chainAnswer(n.chain.Rules(), blocks)))
	expected := `{"message":"Our chain was replaced","new_chain":`
	got := n.resolveNow(t)
	if expected += chainJSON(t, n.chain, 1, 7) + "}\n"; got != expected {
		t.Errorf("%s\nexpected %s", got, expected)
	}
	if n.chain.Tip().Hash != blocks[4].Hash() {
		t.Errorf("the tip is %v", n.chain.Tip())
	}
	if again := n.resolveNow(t); !strings.HasSuffix(again, `"message":"Our chain is authoritative"}`+"\n") {
		t.Errorf("a second time: %s", again)
	}
}

func TestResolveAdoptsInManyBatches(t *testing.T) {
	n := start(t, Config{})
	blocks := flaskBlocks(t, n.chain.Rules(), adoptBatch+10)
	neighbourOf(t, n, saying(chainAnswer(n.chain.Rules(), blocks)))
	n.resolveNow(t)
	if n.chain.Tip().Hash != blocks[len(blocks)-1].Hash() {
		t.Errorf("the tip is %v", n.chain.Tip())
	}
	if held, err := n.chain.At(5); err != nil || !strings.HasPrefix(held.From, "http://127.0.0.1:") {
		t.Errorf("block 5 is from %q, %v", held.From, err)
	}
}

func TestResolveFollowsANeighbourOnItsOwnBlocks(t *testing.T) {
	n := start(t, Config{})
	ours := chaintest.MineOn(t, n.chain, 3)
	more := chaintest.Block(t, n.chain.Rules(), n.chain.Tip(), "flask")
	neighbourOf(t, n, saying(chainAnswer(n.chain.Rules(), append(ours, more))))
	n.resolveNow(t)
	if n.chain.Tip().Hash != more.Hash() {
		t.Errorf("the tip is %v", n.chain.Tip())
	}
}

func TestResolveRefusesWhatIsNotLongerValidAndOurs(t *testing.T) {
	rules := chaintest.Rules()
	good := flaskBlocks(t, rules, 9)
	with := func(old, with string) string { return strings.Replace(chainAnswer(rules, good), old, with, 1) }
	last := string(good[8].Canonical())
	ahead, err := rules.NewBlock(good[7].Header(), good[8].Header().Proof, float64(time.Now().Add(3*time.Hour).Unix()), []consensus.Transaction{chaintest.Reward(rules, "flask")})
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{
		"equally long":      chainAnswer(rules, good[:3]),
		"shorter":           chainAnswer(rules, good[:2]),
		"claims only":       `{"chain": [], "length": 1000}`,
		"other genesis":     with(`1626739200.0`, `1626739200`),
		"tampered amount":   with(`3.5`, `4.5`),
		"broken proof":      with(`"proof": `+fmt.Sprint(good[8].Header().Proof)+`, "timestamp"`, `"proof": 0, "timestamp"`),
		"last block twice":  with(last, last+", "+last),
		"no reward":         with(`, {"amount": 1, "recipient": "flask", "sender": "0"}`, ``),
		"extra key":         with(`{"index": 5, `, `{"index": 5, "x": 1, `),
		"far ahead":         strings.Replace(chainAnswer(rules, good), last, string(ahead.Canonical()), 1),
		"cut short":         chainAnswer(rules, good)[:2000],
		"not JSON":          "<html>",
		"empty":             "",
		"two answers":       chainAnswer(rules, good) + chainAnswer(rules, good),
		"chain twice":       with(`"length"`, `"chain": [], "length"`),
		"chain is a number": `{"chain": 5, "length": 5}`,
		"a list":            `[1, 2, 3]`,
		"block too large":   `{"chain": [{"x": "` + strings.Repeat("x", roomForSpelling*rules.MaxBlockBytes) + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, Config{})
			chaintest.MineOn(t, n.chain, 3)
			before := n.chain.Tip()
			neighbourOf(t, n, saying(answer))
			if got := n.resolveNow(t); !strings.Contains(got, "Our chain is authoritative") || n.chain.Tip() != before {
				t.Errorf("%.200s", got)
			}
		})
	}
	n := start(t, Config{})
	neighbourOf(t, n, saying(chainAnswer(rules, good)))
	if n.resolveNow(t); n.chain.Tip().Hash != good[8].Hash() {
		t.Error("the chain that the cases spoil is not adopted unspoilt: the test is about nothing")
	}
}

func TestResolveReadsAnySpelling(t *testing.T) {
	rules := chaintest.Rules()
	blocks := flaskBlocks(t, rules, 4)
	answer := chainAnswer(rules, blocks)
	for name, spelling := range map[string]string{
		"compact":      string(canonical.AppendCompact(nil, []byte(answer))),
		"indented":     strings.NewReplacer(", ", " ,\n\t", ": ", " :\r\n ").Replace(answer),
		"length first": `{"length":5,` + strings.TrimSuffix(answer[1:], `, "length": 5}`) + "}\n",
		"not escaped":  strings.ReplaceAll(answer, `\u00e9`, `é`),
		"a mark":       "\ufeff" + answer,
		"UTF-16":       in16(binary.LittleEndian, "\ufeff"+answer),
		"UTF-32BE":     in32(binary.BigEndian, answer),
		"other keys":   strings.TrimSuffix(answer, "}") + `,"x":{"a]}":["}","\"]"]},"y":"\\"}`,
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, Config{})
			neighbourOf(t, n, saying(spelling))
			if n.resolveNow(t); n.chain.Tip().Hash != blocks[3].Hash() {
				t.Errorf("the tip is %v", n.chain.Tip())
			}
		})
	}
}

func TestResolveIsNotFailedByNeighbours(t *testing.T) {
	n := start(t, Config{})
	blocks := flaskBlocks(t, n.chain.Rules(), 4)
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"chain": [`+string(n.chain.Rules().Genesis.Canonical())+`, "`)
		for junk := bytes.Repeat([]byte("x"), 64<<10); ; {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	})
	spaces := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for junk := bytes.Repeat([]byte(" "), 64<<10); ; {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	})
	hangsUp := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"chain": [`)
		panic(http.ErrAbortHandler)
	})
	for _, h := range []http.Handler{endless, spaces, hangsUp, http.NotFoundHandler(), http.RedirectHandler("/elsewhere", 302), saying(chainAnswer(n.chain.Rules(), blocks))} {
		neighbourOf(t, n, h)
	}
	n.net.register("http://"+nobody(t), "flask")
	n.net.register("http://x.invalid:1", "unknown")
	n.net.sync = func(context.Context) error { return context.DeadlineExceeded }
	if n.resolveNow(t); n.chain.Tip().Hash != blocks[3].Hash() {
		t.Errorf("the good neighbour among the bad was not heard: %v", n.chain.Tip())
	}
}

func TestResolveEndsInTime(t *testing.T) {
	n := start(t, Config{})
	n.net.register("http://slow:1", "flask")
	synctest.Test(t, func(t *testing.T) {
		n.out = newOutbound("")
		n.out.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		n.net.sync = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		n.resolves = singleflight.Group{}
		began := time.Now()
		n.resolveNow(t)
		if took := time.Since(began); took > resolveTimeout {
			t.Errorf("it took %v", took)
		}
	})
}

func TestResolvesAtOnceShareOneRun(t *testing.T) {
	n := start(t, Config{})
	var runs atomic.Int64
	n.net.sync = func(context.Context) error { runs.Add(1); return nil }
	var waiting sync.WaitGroup
	synctest.Test(t, func(t *testing.T) {
		n.resolves = singleflight.Group{}
		release := make(chan struct{})
		n.net.sync = func(context.Context) error { runs.Add(1); <-release; return nil }
		for range 64 {
			waiting.Go(func() { n.do("GET", "/nodes/resolve", "") })
		}
		synctest.Wait()
		close(release)
		waiting.Wait()
	})
	if runs.Load() != 1 {
		t.Errorf("%d runs for 64 requests at once", runs.Load())
	}
}

func TestASharedRunOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs singleflight.Group
		ctx, leave := context.WithCancel(t.Context())
		go func() { _ = shared(ctx, &runs, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }) }()
		synctest.Wait()
		done := make(chan error, 1)
		ran := false
		go func() { done <- shared(t.Context(), &runs, func(context.Context) error { ran = true; return nil }) }()
		synctest.Wait()
		leave()
		if err := <-done; err != nil || !ran {
			t.Errorf("who waited was not served: %v, ran %v", err, ran)
		}
	})
}

func TestResolveBoundsWhatItKeeps(t *testing.T) {
	n := start(t, Config{})
	blocks := flaskBlocks(t, n.chain.Rules(), 4)
	var budget atomic.Int64
	budget.Store(int64(len(blocks[0].Canonical())) + 1)
	in := &inflow{chain: n.chain, budget: &budget, now: time.Now()}
	if err := splitChain(strings.NewReader(chainAnswer(n.chain.Rules(), blocks)), 1<<20, in.take); err == nil || !strings.Contains(err.Error(), "more new blocks") {
		t.Errorf("%v", err)
	}
	in.release()
	if budget.Load() != int64(len(blocks[0].Canonical()))+1 {
		t.Errorf("%d bytes of the budget are left after the release", budget.Load())
	}
}
