package grade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// offer is a chain that a rival answers with.
type offer struct {
	chain  []block
	length int // that it claims; 0: the right one
}

// outcome is what a resolve did.
type outcome struct {
	before, after []block
	answer        map[string]any
	asked         bool // some rival was
}

// resolve makes the rivals offer chains and the node resolve. Afterwards they offer what no node adopts.
func (s *session) resolve(ctx context.Context, offers ...offer) (o outcome, err error) {
	if o.before, err = s.node.chain(ctx); err != nil {
		return o, err
	}
	s.idle(o.before)
	defer s.idle(o.before)
	for i, f := range offers {
		if f.length == 0 {
			f.length = len(f.chain)
		}
		s.rivals[i].serve(f.chain, f.length)
	}
	a, err := s.node.ask(ctx, http.MethodGet, "/nodes/resolve", "")
	if err == nil {
		err = a.want(http.StatusOK)
	}
	if err != nil {
		return o, err
	}
	s.typed(a)
	o.asked = s.rivals[0].wasAsked() || s.rivals[1].wasAsked()
	if o.answer, err = a.object(); err != nil {
		return o, err
	}
	o.after, err = s.node.chain(ctx)
	return o, err
}

// idle makes the rivals offer the first block alone, which is not longer than any chain.
func (s *session) idle(chain []block) {
	for _, r := range s.rivals {
		r.serve(chain[:1], 1)
	}
}

// base returns the node's chain up to where it is valid for everybody, and how many blocks make it longer than the node's by more.
func (s *session) base(ctx context.Context, more int) (base []block, blocks int, err error) {
	chain, err := s.node.chain(ctx)
	if err != nil {
		return nil, 0, err
	}
	base = validPrefix(chain, s.rule, s.zeros)
	return base, len(chain) - len(base) + more, nil
}

// longer makes a valid chain that is longer than the node's by that many blocks.
func (s *session) longer(ctx context.Context, more int) ([]block, error) {
	base, n, err := s.base(ctx, more)
	if err != nil {
		return nil, err
	}
	return s.rule.extend(ctx, base, n, s.zeros)
}

// judgeLongest looks by which rule the node judges, too.
func judgeLongest(ctx context.Context, s *session) error {
	rules := []*rule{s.mined}
	for _, r := range allRules {
		if r != s.mined {
			rules = append(rules, r)
		}
	}
	var first error
	for _, r := range rules {
		err := s.adoptsBy(ctx, r)
		if s.adopts {
			return err
		}
		if first == nil {
			first = err
		}
	}
	s.rule = s.mined
	return first
}

// adoptsBy offers two longer chains whose proofs fit the rule.
func (s *session) adoptsBy(ctx context.Context, r *rule) error {
	s.rule = r
	long, err := s.longer(ctx, 3)
	if err != nil {
		return err
	}
	o, err := s.resolve(ctx, offer{chain: long[:len(long)-2]}, offer{chain: long})
	if err != nil {
		return err
	}
	s.adopts = same(o.after, long) || same(o.after, long[:len(long)-2])
	switch {
	case !o.asked:
		return fmt.Errorf("the node asked neither %s nor %s for /chain, which were registered: can it reach this machine by that address? (--rival-host)",
			s.rivals[0].url(), s.rivals[1].url())
	case same(o.after, long[:len(long)-2]):
		return fmt.Errorf("with valid chains of %d and %d blocks among its neighbours it adopted the shorter one", len(long)-2, len(long))
	case !same(o.after, long):
		return fmt.Errorf("a neighbour's valid chain of %d blocks was not adopted by a node with %d", len(long), len(o.before))
	case o.answer["message"] != "Our chain was replaced":
		return fmt.Errorf("the message is %q instead of %q", text(o.answer["message"]), "Our chain was replaced")
	}
	if adopted, ok := blocksOf(o.answer["new_chain"]); !ok || !same(adopted, long) {
		return errors.New(`"new_chain" in the answer is not the adopted chain`)
	}
	return nil
}

func judgeOwn(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	equal, err := s.longer(ctx, 0)
	if err != nil {
		return err
	}
	if len(equal) > 1 {
		sibling := equal[len(equal)-1].clone()
		sibling["timestamp"] = now()
		equal = append(slices.Clip(equal[:len(equal)-1]), sibling)
	}
	if err := s.keeps(ctx, "a chain that is as long as its own", offer{chain: equal}); err != nil {
		return err
	}
	forged, err := s.tampered(ctx)
	if err != nil {
		return err
	}
	return s.keeps(ctx, "a longer chain with a changed payment in an old block", offer{chain: forged})
}

// holding makes a chain that is longer than the node's, with the transactions in a block that two or more follow.
func (s *session) holding(ctx context.Context, txs []any) ([]block, error) {
	base, n, err := s.base(ctx, 3)
	if err != nil {
		return nil, err
	}
	b, err := s.rule.next(ctx, base[len(base)-1], s.zeros)
	if err != nil {
		return nil, err
	}
	b["transactions"] = txs
	return s.rule.extend(ctx, append(base, b), n-1, s.zeros)
}

// tampered makes a longer chain in which a payment was changed after its block was followed by others.
func (s *session) tampered(ctx context.Context) ([]block, error) {
	reward := payment("0", "rival", "1")
	chain, err := s.holding(ctx, []any{s.payer("mallory", "5"), reward})
	if err != nil {
		return nil, err
	}
	for i, b := range chain {
		if count(b, s.payer("mallory", "5")) > 0 {
			chain[i] = b.clone()
			chain[i]["transactions"] = []any{s.payer("mallory", "5000"), reward}
		}
	}
	return chain, nil
}

// must returns why checks of what is not adopted show nothing, nil if they do.
func (s *session) must() error {
	if !s.adopts {
		return errors.New("not judged: the node adopts no chain at all (see resolve-longest)")
	}
	return nil
}

// keeps returns an error if the node adopts what is offered, or does not say that it does not.
func (s *session) keeps(ctx context.Context, what string, f offer) error {
	o, err := s.resolve(ctx, f)
	switch {
	case err != nil:
		return fmt.Errorf("offered %s: %w", what, err)
	case !same(o.before, o.after):
		return fmt.Errorf("the node gave up its chain of %d blocks for %s (of %d)", len(o.before), what, len(f.chain))
	case o.answer["message"] != "Our chain is authoritative":
		return fmt.Errorf("offered %s, the message is %q instead of %q", what, text(o.answer["message"]), "Our chain is authoritative")
	}
	if kept, ok := blocksOf(o.answer["chain"]); !ok || !same(kept, o.before) {
		return fmt.Errorf(`offered %s, "chain" in the answer is not the node's chain`, what)
	}
	return nil
}

func judgeWrongHash(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	const wrong = `valid_chain checks a proof against last_block["previous_hash"]; it must use hash(last_block), as the miner does`
	if s.rule != s.mined {
		if s.rule == printedRule {
			return errors.New(wrong)
		}
		return errors.New("the node mines by one rule and checks the proofs of others by another one")
	}
	if s.mined == printedRule {
		return nil // it costs the point of "proof"
	}
	base, n, err := s.base(ctx, 2)
	if err != nil {
		return err
	}
	chain, err := printedRule.extend(ctx, base, n, s.zeros)
	if err != nil {
		return err
	}
	o, err := s.resolve(ctx, offer{chain: chain})
	if err == nil && !same(o.before, o.after) {
		err = errors.New("a chain was adopted whose proofs fit another hash than that of the last block")
	}
	return err
}

func judgeClaimedLength(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	chain, err := s.longer(ctx, 1)
	if err != nil {
		return err
	}
	short := chain[:max(1, len(chain)-2)]
	return s.keeps(ctx, "a shorter chain that claims to be longer", offer{short, len(chain) + 100})
}

func judgeForeignGenesis(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	own, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	const day = 24 * 3600
	genesis := own[0].clone()
	stamp, _ := own[0]["timestamp"].(json.Number) // another one will do as well
	at, _ := stamp.Float64()
	genesis["timestamp"] = seconds(max(at-day, 1))
	chain, err := s.rule.extend(ctx, []block{genesis}, len(own)+1, s.zeros)
	if err != nil {
		return err
	}
	return s.keeps(ctx, "a longer chain with another first block", offer{chain: chain})
}

func judgeTamperedTip(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	for _, c := range []struct {
		what   string
		change func(last, tip block)
	}{
		{"a longer chain whose last proof is wrong", func(last, tip block) { tip["proof"] = noProof(last) }},
		{"a longer chain whose last block has another previous_hash", func(_, tip block) { tip["previous_hash"] = strings.Repeat("0", 64) }},
	} {
		chain, err := s.longer(ctx, 2)
		if err != nil {
			return err
		}
		tip := chain[len(chain)-1].clone()
		c.change(chain[len(chain)-2], tip)
		chain[len(chain)-1] = tip
		if err := s.keeps(ctx, c.what, offer{chain: chain}); err != nil {
			return err
		}
	}
	return nil
}

// noProof returns a number that is not a proof after last by any rule, with any number of zeros.
func noProof(last block) json.Number {
	for n := 1; ; n++ {
		text := fmt.Sprint(n)
		if !slices.ContainsFunc(allRules, func(r *rule) bool { return r.fits(last, text, 1) }) {
			return json.Number(text)
		}
	}
}

func judgeMinted(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	for _, c := range []struct {
		what string
		txs  []any
	}{
		{"a longer chain with a reward of 1000", []any{payment("0", "rival", "1000")}},
		{"a longer chain with two rewards in a block", []any{payment("0", "rival", "1"), payment("0", "rival", "1")}},
	} {
		chain, err := s.holding(ctx, c.txs)
		if err != nil {
			return err
		}
		if err := s.keeps(ctx, c.what, offer{chain: chain}); err != nil {
			return err
		}
	}
	minted := payment("0", "grade-mallory-"+s.tag, "1000")
	a, err := s.node.pay(ctx, minted)
	if err != nil || a.status >= http.StatusBadRequest {
		return err // refused
	}
	if err := s.node.mine(ctx); err != nil {
		return err
	}
	chain, err := s.node.chain(ctx)
	if err == nil && count(chain[len(chain)-1], minted) > 0 {
		err = errors.New(`a payment of 1000 from "0" through /transactions/new was mined`)
	}
	return err
}
