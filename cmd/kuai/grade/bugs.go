package grade

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

func judgeLostPayments(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	base, n, err := s.base(ctx, 0)
	if err != nil {
		return err
	}
	mined, pending := s.payer("carol", "2"), s.payer("dave", "3")
	if _, err := s.node.pay(ctx, mined); err != nil {
		return err
	}
	if err := s.node.mine(ctx); err != nil {
		return err
	}
	if _, err := s.node.pay(ctx, pending); err != nil {
		return err
	}
	chain, err := s.rule.extend(ctx, base, n+2, s.zeros) // one more than the node's
	if err != nil {
		return err
	}
	o, err := s.resolve(ctx, offer{chain: chain})
	switch {
	case err != nil:
		return err
	case !same(o.after, chain):
		return errors.New("not judged: the node did not adopt a longer chain that leaves its last block out")
	}
	if err := s.node.mine(ctx); err != nil {
		return err
	}
	after, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	tip := after[len(after)-1]
	if n := count(tip, pending); n != 1 {
		return fmt.Errorf("a payment that was pending when another chain was adopted is %d times in the next block", n)
	}
	if n := count(tip, mined); n != 1 {
		return fmt.Errorf("a payment whose block was dropped for a longer chain is %d times in the next block", n)
	}
	return nil
}

func judgeHead(ctx context.Context, s *session) error {
	before, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	if _, err := s.node.ask(ctx, http.MethodHead, "/mine", ""); err != nil {
		return err
	}
	after, err := s.node.chain(ctx)
	if err == nil && len(after) > len(before) {
		err = errors.New("a HEAD request made a block: Flask answers HEAD with the function for GET unless it looks at request.method")
	}
	return err
}

// parallel is how many requests for /mine are made at once.
const parallel = 8

func judgeParallel(ctx context.Context, s *session) error {
	before, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	var answers [parallel]answer
	var errs [parallel]error
	var all sync.WaitGroup
	for i := range parallel {
		all.Go(func() { answers[i], errs[i] = s.node.ask(ctx, http.MethodGet, "/mine", "") })
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return errors.New(strings.SplitN(err.Error(), "\n", 2)[0])
	}
	forged := 0
	for _, a := range answers {
		switch {
		case a.status == http.StatusOK:
			forged++
		case a.status != http.StatusServiceUnavailable && a.status != http.StatusTooManyRequests: // busy
			return fmt.Errorf("one of %d requests for /mine at once was answered with %d", parallel, a.status)
		}
	}
	after, err := s.node.chain(ctx)
	if err != nil {
		return err
	}
	if len(after) != len(before)+forged {
		return fmt.Errorf("%d requests for /mine at once said that they made a block, and the chain grew by %d", forged, len(after)-len(before))
	}
	for i := len(before); i < len(after); i++ {
		last, b := after[i-1], after[i]
		err := linked(last, b)
		if !s.links { // it costs the point of "links"
			err = siblings(last, b)
		}
		if err != nil {
			return fmt.Errorf("after %d requests for /mine at once %w", parallel, err)
		}
	}
	return nil
}

// siblings returns an error if two blocks that follow each other name the same one before them.
func siblings(last, b block) error {
	if b.text("previous_hash") == last.text("previous_hash") {
		return fmt.Errorf("blocks %s and %s have the same previous_hash", last.text("index"), b.text("index"))
	}
	return nil
}

func judgeDeadNeighbour(ctx context.Context, s *session) error {
	if err := s.must(); err != nil {
		return err
	}
	chain, err := s.longer(ctx, 1)
	if err != nil {
		return err
	}
	dead := s.rivals[1]
	dead.stop()
	o, err := s.resolve(ctx, offer{chain: chain})
	if again := dead.start(ctx); again != nil {
		return fmt.Errorf("not judged: the rival that was stopped cannot start again: %w", again)
	}
	if err == nil && !same(o.after, chain) {
		err = errors.New("with one dead neighbour the longer chain of the other one was not adopted")
	}
	return err
}

func judgeSelf(ctx context.Context, s *session) error {
	if _, err := s.node.register(ctx, s.node.base); err != nil {
		return err
	}
	if _, err := s.node.ask(ctx, http.MethodGet, "/nodes/resolve", ""); err != nil {
		return fmt.Errorf("registered with itself, %w", err)
	}
	if _, err := s.node.ask(ctx, http.MethodGet, "/chain", ""); err != nil {
		return fmt.Errorf("registered with itself, %w", err)
	}
	return nil
}
