// Package grade checks whether a node keeps to the blockchain tutorial, and whether it has one of ten well-known bugs.
//
// The node may be any program in any language that serves the tutorial's five endpoints. Only HTTP is used: requests to the node, and
// rival nodes of the package's own, which the node is told to register and which offer it chains.
//
// A mistake costs its own point only, as far as that is possible: if the node checks proofs by another rule, the rivals' chains of the
// later checks are mined by that rule.
package grade

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Groups of checks.
const (
	Requirement = "requirement" // of the tutorial
	Bug         = "bug"         // a well-known one, which the node does not have
)

// Defaults and bounds of Options.
const (
	DefaultZeros       = 4
	MaxZeros           = 6 // a rival's block takes some seconds to mine
	DefaultRequestTime = 15 * time.Second
)

// Options say what is graded and how.
type Options struct {
	URL         string        // of the node
	RivalHost   string        // by which the node reaches this machine; "": 127.0.0.1
	Zeros       int           // that a proof starts with, in hex; 0: DefaultZeros
	RequestTime time.Duration // for the answer to one request; 0: DefaultRequestTime
	StartTime   time.Duration // for which a node that does not listen yet is waited for
	Token       string        // that the node asks for; "": none
}

// Result is the outcome of one check.
type Result struct {
	ID      string  `json:"id"`
	Group   string  `json:"group"`
	Title   string  `json:"title"` // what a correct node does
	Passed  bool    `json:"passed"`
	Why     string  `json:"why"` // the point was lost; "" if it was not
	Points  int     `json:"points"`
	Of      int     `json:"of"`
	Seconds float64 `json:"seconds"`
}

// Report is the outcome of a grading.
type Report struct {
	URL     string   `json:"url"`
	Points  int      `json:"points"`
	Of      int      `json:"of"`
	Passed  bool     `json:"passed"` // with all points
	Seconds float64  `json:"seconds"`
	Checks  []Result `json:"checks"`
}

// check is one requirement or bug.
type check struct {
	id, group, title string
	judge            func(context.Context, *session) error // why the point is lost
}

// checks are made in this order. What can leave the node with a broken chain or hanging comes last.
var checks = []check{
	{"chain", Requirement, "GET /chain answers with the blocks and their number", judgeChain},
	{"genesis", Requirement, `the first block has index 1, proof 100, previous_hash "1" and no transactions`, judgeGenesis},
	{"methods", Requirement, "other methods are answered with 405, other paths with 404", judgeMethods},
	{"payment", Requirement, "POST /transactions/new takes a payment with 201", judgePayment},
	{"payment-index", Requirement, "the message of /transactions/new names the next block", judgePaymentIndex},
	{"payment-missing", Requirement, "a payment without sender, recipient or amount is answered with 400", judgeMissing},
	{"mine", Requirement, "GET /mine answers with the block that it adds to the chain", judgeMine},
	{"mine-payments", Requirement, "a block holds the payments that were pending, and the next block does not hold them again", judgeMinePayments},
	{"reward", Requirement, `a block holds one reward of 1 from "0" to the node`, judgeReward},
	{"links", Requirement, "previous_hash is the SHA-256 of json.dumps(last_block, sort_keys=True)", judgeLinks},
	{"proof", Requirement, "the SHA-256 of last proof, proof and last hash starts with the zeros", judgeProof},
	{"register", Requirement, "POST /nodes/register adds nodes, each once", judgeRegister},
	{"register-missing", Requirement, "POST /nodes/register without a list of nodes is answered with 400", judgeRegisterMissing},
	{"json", Requirement, "JSON answers have the Content-Type application/json", judgeJSON},
	{"resolve-longest", Requirement, "GET /nodes/resolve adopts the longest valid chain of the neighbours", judgeLongest},
	{"resolve-own", Requirement, "GET /nodes/resolve keeps the node's own chain against chains that are not longer, or invalid", judgeOwn},

	{"wrong-hash", Bug, "a proof is checked against the hash of the last block, not against the hash in it", judgeWrongHash},
	{"claimed-length", Bug, "the blocks of a neighbour's chain are counted; its length is not believed", judgeClaimedLength},
	{"foreign-genesis", Bug, "a longer chain with another first block is not adopted", judgeForeignGenesis},
	{"tampered-tip", Bug, "a longer chain whose last block is not valid is not adopted", judgeTamperedTip},
	{"minted-reward", Bug, "nobody can pay himself a larger or a second reward", judgeMinted},
	{"lost-payments", Bug, "payments of a dropped block, and pending ones, are mined after a resolve", judgeLostPayments},
	{"head-mines", Bug, "HEAD /mine mines nothing", judgeHead},
	{"parallel-mining", Bug, "parallel requests for /mine make blocks that are linked", judgeParallel},
	{"dead-neighbour", Bug, "a dead neighbour does not stop /nodes/resolve", judgeDeadNeighbour},
	{"self-registration", Bug, "a node that is registered with itself goes on answering", judgeSelf},
}

// session is what the checks of one grading share.
type session struct {
	node  *node
	zeros int
	tag   string // in the names of payers, so that no payment is one of an earlier grading

	mined  *rule // by which the node mines
	rule   *rule // by which it judges other chains
	adopts bool  // it has adopted a chain of a rival
	links  bool  // its blocks name the hashes of those before them

	rivals  [2]*rival
	payment map[string]any // that judgePayment sent
	paid    answer         // what was answered
	dropped [2][]block     // the chains before and after judgeMine
	forged  map[string]any // what /mine answered there
	untyped []string       // JSON answers without its Content-Type
}

// Run grades a node. progress, if it is not nil, is given each result as it comes. An error means that nothing could be graded;
// Ungraded makes a report of it.
func Run(ctx context.Context, o Options, progress func(Result)) (Report, error) {
	s, err := begin(ctx, &o)
	if err != nil {
		return Report{}, err
	}
	defer s.end()
	started := time.Now()
	report := Report{URL: o.URL}
	for _, c := range checks {
		r := c.run(ctx, s)
		report.Checks = append(report.Checks, r)
		report.Points += r.Points
		report.Of += r.Of
		if progress != nil {
			progress(r)
		}
	}
	report.Passed = report.Points == report.Of
	report.Seconds = time.Since(started).Seconds()
	return report, nil
}

// begin looks whether there is a node to grade, and starts the rivals.
func begin(ctx context.Context, o *Options) (*session, error) {
	if o.RivalHost == "" {
		o.RivalHost = "127.0.0.1"
	}
	if o.Zeros == 0 {
		o.Zeros = DefaultZeros
	}
	if o.RequestTime == 0 {
		o.RequestTime = DefaultRequestTime
	}
	n := newNode(o.URL, o.RequestTime)
	n.token = o.Token
	s := &session{node: n, zeros: o.Zeros, tag: rand.Text()[:8], mined: rightRule, rule: rightRule}
	a, err := s.node.firstAnswer(ctx, o.StartTime)
	if err != nil {
		return nil, noAnswer(ctx, o.URL, err)
	}
	if err := s.isNode(ctx, a); err != nil {
		return nil, err
	}
	if v, err := a.object(); err == nil {
		if chain, ok := blocksOf(v["chain"]); ok && len(chain) > maxBlocks {
			return nil, fmt.Errorf("the node has %d blocks: grade a freshly started one, of at most %d", len(chain), maxBlocks)
		}
	}
	for i := range s.rivals {
		if s.rivals[i], err = newRival(ctx, o.RivalHost); err != nil {
			s.end()
			return nil, err
		}
		s.rivals[i].serve(nil, 0)
	}
	return s, nil
}

// noAnswer returns the error of a grading whose first request got no answer.
func noAnswer(ctx context.Context, url string, err error) error {
	if why := ended(ctx); why != "" {
		return fmt.Errorf("%s before %s answered", why, url)
	}
	if isDial(err) {
		return fmt.Errorf("no node to grade at %s: %w; start it first", url, err)
	}
	return fmt.Errorf("%s cannot be graded: %w. Look whether the address and the port are right, and restart the program", url, err)
}

// isDial reports whether an error is that of a connection that could not be made.
func isDial(err error) bool {
	dial := (*net.OpError)(nil)
	return errors.As(err, &dial) && dial.Op == "dial"
}

// Ungraded returns the report of a node that could not be graded: no points, and each check says why.
func Ungraded(url string, why error) Report {
	report := Report{URL: url}
	for _, c := range checks {
		r := c.result()
		r.Why = why.Error()
		report.Checks = append(report.Checks, r)
		report.Of += r.Of
	}
	return report
}

// ErrToken is wrapped by the error of Run if the node asks for another token than that of Options.
var ErrToken = errors.New("the node asks for a token")

// isNode looks whether what answered GET /chain with a is a node of the tutorial, even a bad one: it has a chain, or does something with
// payments. Otherwise some checks would be passed by what does nothing at all.
func (s *session) isNode(ctx context.Context, a answer) error {
	empty, err := s.node.ask(ctx, http.MethodPost, "/transactions/new", "{}")
	if a.status == http.StatusUnauthorized || empty.status == http.StatusUnauthorized {
		return fmt.Errorf("%w at %s", ErrToken, s.node.base)
	}
	if _, isObject := a.object(); isObject == nil && a.status < http.StatusBadRequest {
		return nil
	}
	if err == nil {
		switch empty.status {
		case http.StatusOK, http.StatusCreated, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError:
			if a.status != empty.status || a.status == http.StatusInternalServerError {
				return nil
			}
		}
	}
	return fmt.Errorf("%s is not a node of the tutorial: GET /chain answers %d without a chain, and POST /transactions/new answers %s. Look whether the address and the port are right",
		s.node.base, a.status, empty.statusText(err))
}

func (s *session) end() {
	for _, r := range s.rivals {
		if r != nil {
			r.stop()
		}
	}
}

// result is that of a check before it is made: its point is not given yet.
func (c check) result() Result { return Result{ID: c.id, Group: c.group, Title: c.title, Of: 1} }

// ended returns why the grading is over, "" if it goes on.
func ended(ctx context.Context) string {
	switch {
	case ctx.Err() == nil:
		return ""
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return "the time for the whole grading was over"
	}
	return "the grading was stopped"
}

// run makes one check.
func (c check) run(ctx context.Context, s *session) Result {
	r := c.result()
	started := time.Now()
	err := ctx.Err()
	if err == nil {
		err = c.judge(ctx, s)
	}
	switch why := ended(ctx); {
	case why != "":
		r.Why = why + " before this was checked"
	case err != nil:
		r.Why = err.Error()
	default:
		r.Passed, r.Points = true, r.Of
	}
	r.Seconds = time.Since(started).Seconds()
	return r
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }
