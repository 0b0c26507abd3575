package grade

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// student is a node of the tutorial as a careful student writes it, and with mistakes as they are made.
type student struct {
	t       *testing.T
	mistake string
	zeros   int

	whole   sync.Mutex // what a server with one thread holds during a request
	mining  sync.Mutex // one block at a time
	arrived chan struct{}

	mu         sync.Mutex
	chain      []block
	pending    []map[string]any
	neighbours []string
}

// studentZeros keeps the student's miner quick.
const studentZeros = 2

// newStudent starts a node that makes one mistake, "" for none.
func newStudent(t *testing.T, mistake string) *httptest.Server {
	s := &student{t: t, mistake: mistake, zeros: studentZeros, arrived: make(chan struct{}, parallel)}
	s.chain = []block{{"index": json.Number("1"), "previous_hash": "1", "proof": json.Number("100"), "timestamp": now(), "transactions": []any{}}}
	switch mistake {
	case "genesis":
		s.chain[0]["proof"] = json.Number("1")
	case "proof":
		s.zeros = 1
	}
	srv := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(srv.Close)
	return srv
}

// has reports whether the student has made a mistake.
func (s *student) has(mistake string) bool { return s.mistake == mistake }

func (s *student) serve(w http.ResponseWriter, r *http.Request) {
	if s.has("self-registration") {
		s.whole.Lock()
		defer s.whole.Unlock()
	}
	body, _ := io.ReadAll(r.Body)
	var values map[string]any
	_ = decode(body, &values)
	routes := map[string]func(context.Context, map[string]any) (int, any){
		"GET /chain":             s.getChain,
		"GET /mine":              s.mine,
		"POST /transactions/new": s.pay,
		"POST /nodes/register":   s.register,
		"GET /nodes/resolve":     s.resolve,
	}
	route, ok := routes[r.Method+" "+r.URL.Path]
	known := false
	for name := range routes {
		known = known || strings.HasSuffix(name, " "+r.URL.Path)
	}
	switch {
	case r.Method == http.MethodHead && s.has("head-mines") && r.URL.Path == "/mine":
		route = s.mine
	case s.has("methods") && known && !ok:
		w.WriteHeader(http.StatusNotFound)
		return
	case !known:
		w.WriteHeader(http.StatusNotFound)
		return
	case !ok:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	status, answer := route(r.Context(), values)
	if !s.has("json") {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(appendPython(nil, answer))
}

func (s *student) getChain(context.Context, map[string]any) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	length := len(s.chain)
	if s.has("chain") {
		length--
	}
	return http.StatusOK, map[string]any{"chain": s.list(), "length": number(length)}
}

// list is the chain as a JSON value.
func (s *student) list() []any {
	all := make([]any, len(s.chain))
	for i, b := range s.chain {
		all[i] = b
	}
	return all
}

func (s *student) mine(ctx context.Context, _ map[string]any) (int, any) {
	if !s.has("parallel-mining") {
		s.mining.Lock()
		defer s.mining.Unlock()
	}
	s.mu.Lock()
	last := s.chain[len(s.chain)-1]
	s.mu.Unlock()
	if s.has("parallel-mining") {
		s.meet()
	}
	proof, err := rightRule.search(ctx, last, s.zeros)
	if err != nil {
		return http.StatusServiceUnavailable, nil
	}
	if s.has("proof") { // one that is too easy
		for proof = 0; !rightRule.fits(last, fmt.Sprint(proof), 1) || rightRule.fits(last, fmt.Sprint(proof), studentZeros); proof++ {
			continue
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	txs := []any{}
	for _, p := range s.pending {
		txs = append(txs, p)
	}
	reward := "1"
	if s.has("reward") {
		reward = "2"
	}
	txs = append(txs, payment("0", "student", reward))
	b := block{"index": number(len(s.chain) + 1), "previous_hash": last.hash(), "proof": number(int(proof)), "timestamp": now(), "transactions": txs}
	if s.has("links") {
		b["previous_hash"] = strings.Repeat("a", 32) + last.hash()[:32]
	}
	s.chain = append(s.chain, b)
	if !s.has("mine-payments") || len(s.chain) > 3 {
		s.pending = nil
	}
	answer := map[string]any{"message": "New Block Forged", "transactions": txs}
	for _, key := range []string{"index", "previous_hash", "proof"} {
		answer[key] = b[key]
	}
	if s.has("mine") {
		delete(answer, "proof")
	}
	return http.StatusOK, answer
}

// meet waits until a second request has read the tip, for some time.
func (s *student) meet() {
	s.arrived <- struct{}{}
	defer func() { <-s.arrived }()
	late := time.After(300 * time.Millisecond)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for len(s.arrived) < 2 {
		select {
		case <-look.C:
		case <-late:
			return
		}
	}
}

func (s *student) pay(_ context.Context, p map[string]any) (int, any) {
	for _, key := range []string{"sender", "recipient", "amount"} {
		if p[key] == nil && !s.has("payment-missing") {
			return http.StatusBadRequest, "Missing values"
		}
	}
	if p["sender"] == "0" && !s.has("minted-post") {
		return http.StatusBadRequest, "a reward is mined"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p["amount"] != nil {
		s.pending = append(s.pending, p)
	}
	next := len(s.chain) + 1
	if s.has("payment-index") {
		next--
	}
	status := http.StatusCreated
	if s.has("payment") {
		status = http.StatusOK
	}
	return status, map[string]any{"message": fmt.Sprintf("Transaction will be added to Block %d", next)}
}

func (s *student) register(_ context.Context, values map[string]any) (int, any) {
	list, ok := values["nodes"].([]any)
	if !ok && !s.has("register-missing") {
		return http.StatusBadRequest, "Error: Please supply a valid list of nodes"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range list {
		u, err := url.Parse(e.(string))
		if err != nil {
			s.t.Error(err)
			continue
		}
		if known := strings.Contains(strings.Join(s.neighbours, " "), u.Host); !known || s.has("register") {
			s.neighbours = append(s.neighbours, u.Host)
		}
	}
	total := []any{}
	for _, n := range s.neighbours {
		total = append(total, n)
	}
	return http.StatusCreated, map[string]any{"message": "New nodes have been added", "total_nodes": total}
}

func (s *student) resolve(ctx context.Context, _ map[string]any) (int, any) {
	s.mu.Lock()
	neighbours, own := s.neighbours, s.chain
	s.mu.Unlock()
	var best []block
	most := len(own)
	for _, n := range neighbours {
		chain, length, err := s.ask(ctx, n)
		if err != nil {
			if s.has("dead-neighbour") {
				return http.StatusInternalServerError, "ConnectionError"
			}
			continue
		}
		longer := length > most || s.has("resolve-own") && length == most
		if longer && s.valid(own, chain) {
			best, most = chain, length
			if s.has("resolve-longest") {
				break
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if best == nil {
		return http.StatusOK, map[string]any{"message": "Our chain is authoritative", "chain": s.list()}
	}
	s.adopt(best)
	return http.StatusOK, map[string]any{"message": "Our chain was replaced", "new_chain": s.list()}
}

// ask returns a neighbour's chain, and how long it is.
func (s *student) ask(ctx context.Context, neighbour string) (chain []block, length int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+neighbour+"/chain", nil)
	if err != nil {
		return nil, 0, err
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, 0, err
	}
	var v struct {
		Chain  []block
		Length int
	}
	err = decode(body, &v)
	if length = len(v.Chain); s.has("claimed-length") {
		length = v.Length
	}
	return v.Chain, length, err
}

// valid reports whether a chain can replace ours.
func (s *student) valid(own, chain []block) bool {
	if len(chain) == 0 || !s.has("foreign-genesis") && chain[0].hash() != own[0].hash() {
		return false
	}
	r := rightRule
	if s.has("wrong-hash") {
		r = printedRule
	}
	for i := 1; i < len(chain); i++ {
		if s.has("tampered-tip") && i == len(chain)-1 {
			break
		}
		if linked(chain[i-1], chain[i]) != nil && !s.has("links") || !r.fits(chain[i-1], chain[i].text("proof"), s.zeros) {
			return false
		}
		if oneReward(chain[i]) != nil && !s.has("minted-reward") {
			return false
		}
	}
	return true
}

// adopt makes a chain ours. The payments of blocks that it leaves out wait again.
func (s *student) adopt(chain []block) {
	var on []map[string]any
	for _, b := range chain {
		on = append(on, b.transactions()...)
	}
	var lost []map[string]any
	for _, b := range s.chain {
		lost = append(lost, b.transactions()...)
	}
	pending := s.pending
	switch s.mistake {
	case "lost-payments":
		lost = nil
	case "lost-pending":
		pending = nil
	}
	s.chain, s.pending = chain, nil
	for _, p := range append(lost, pending...) {
		if p["sender"] != "0" && !contains(on, p) && !contains(s.pending, p) {
			s.pending = append(s.pending, p)
		}
	}
}

func contains(all []map[string]any, p map[string]any) bool {
	for _, t := range all {
		if string(appendPython(nil, t)) == string(appendPython(nil, p)) {
			return true
		}
	}
	return false
}
