package store_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// made is something that a node makes itself: a payment or a block.
type made struct {
	payment consensus.Payment
	block   *consensus.Block // nil for a payment
}

func (m made) add(c *chain.Chain) error {
	if m.block != nil {
		return c.AddMined(m.block)
	}
	_, err := c.Pay(m.payment)
	return err
}

// holds reports whether the chain holds it, pending or in a block.
func (m made) holds(t *testing.T, c *chain.Chain) bool {
	t.Helper()
	found, err := c.Transaction(m.payment.ID())
	if err != nil && !errors.Is(err, chain.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil && found.Transaction == m.payment.Transaction() && (m.block == nil || c.Has(m.block.Hash()))
}

// made returns a payment, and a block with another one, for c.
func bothMade(t *testing.T, c *chain.Chain) map[string]made {
	t.Helper()
	payment := chaintest.Payment()
	return map[string]made{
		"payment": {payment: chaintest.Payment()},
		"block":   {payment: payment, block: chaintest.Block(t, c.Rules(), c.Tip(), "m", payment.Transaction())},
	}
}

// view is all that readers can see of a chain: the HTTP API, gossip, the pool exchange, status, sync and the miner read no more.
func view(t *testing.T, c *chain.Chain, m made) string {
	t.Helper()
	snap := c.Snapshot()
	defer snap.Close()
	events, _ := c.Events(0)
	count, bytes := c.PoolSize()
	_, pending := c.PendingByID(m.payment.ID())
	_, lookup := c.Transaction(m.payment.ID())
	account, err := c.Address(m.payment.Transaction().Recipient, chain.Spot{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(state(c), len(events), count, bytes, pending, lookup, account, c.Draft("m"), c.Locator(), snap.Tip())
	for raw, err := range snap.Blocks(1, 100) {
		text += fmt.Sprintln(string(raw), err)
	}
	_, above := c.At(c.Tip().Index + 1)
	if m.block != nil {
		_, held := c.Block(m.block.Hash())
		text += fmt.Sprint(c.Has(m.block.Hash()), held)
	}
	return text + fmt.Sprint(above)
}

// TestNothingIsSeenBeforeItIsOnDisk: what a node makes itself stays unseen while its write waits. If the write fails it stays
// unseen, the error says that the outcome is not known, and the next start has it or not; the same payment is then no second one.
func TestNothingIsSeenBeforeItIsOnDisk(t *testing.T) {
	for _, kind := range []string{"payment", "block"} {
		for _, failure := range []error{nil, errorfs.ErrInjected} {
			t.Run(fmt.Sprint(kind, " ", failure), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, st, disk, s := slow(t)
					defer shut(t, c, st)
					m := bothMade(t, c)[kind]
					before := view(t, c, m)

					release := s.stop()
					result := make(chan error, 1)
					go func() { result <- m.add(c) }()
					synctest.Wait()
					if now := view(t, c, m); now != before {
						t.Errorf("seen before it is on disk:\n%s\nbefore:\n%s", now, before)
					}
					release(failure)
					err := <-result
					if failure == nil {
						if err != nil || !m.holds(t, c) {
							t.Errorf("on disk, but %v, held: %v", err, m.holds(t, c))
						}
						after, stop := restarted(t, disk, 0)
						defer stop()
						if !m.holds(t, after) {
							t.Error("acknowledged, and lost in a crash")
						}
						return
					}
					if !errors.Is(err, chain.ErrUnsettled) || !errors.Is(err, chain.ErrFailed) {
						t.Errorf("after the failure: %v", err)
					}
					if now := view(t, c, m); now != before {
						t.Errorf("seen after the failure:\n%s\nbefore:\n%s", now, before)
					}
					refusedAgain(t, c, m)
					for _, percent := range []int{0, 100} {
						after, stop := restarted(t, disk, percent)
						if held := m.holds(t, after); held != (percent == 100) {
							t.Errorf("with %d %% of the unwritten on disk the next start holds it: %v", percent, held)
						}
						sentAgain(t, after, m)
						stop()
					}
				})
			})
		}
	}
}

// refusedAgain sends what has failed again, before the restart, and what is new.
func refusedAgain(t *testing.T, c *chain.Chain, m made) {
	t.Helper()
	if m.block == nil {
		if err := m.add(c); !errors.Is(err, chain.ErrUnsettled) {
			t.Errorf("the same payment again, before the restart: %v", err)
		}
	}
	for name, m := range bothMade(t, c) {
		if err := m.add(c); !errors.Is(err, chain.ErrFailed) || errors.Is(err, chain.ErrUnsettled) {
			t.Errorf("another %s after the failure: %v", name, err)
		}
	}
	other := m.payment.Transaction()
	other.Recipient = "somebody else"
	if _, err := c.Pay(chaintest.Checked(other)); !errors.Is(err, chain.ErrFailed) || errors.Is(err, chain.ErrUnsettled) {
		t.Errorf("another payment with the id of the one that waits: %v", err)
	}
}

// sentAgain sends it again after the restart: it is there once.
func sentAgain(t *testing.T, c *chain.Chain, m made) {
	t.Helper()
	if err := m.add(c); err != nil && !errors.Is(err, chain.ErrKnown) && !errors.Is(err, chain.ErrStale) {
		t.Error(err)
	}
	count := 0
	for _, p := range c.Pending() {
		if p.ID() == m.payment.ID() {
			count++
		}
	}
	if m.block != nil {
		count = int(c.Tip().Index) - 1
	}
	if count != 1 || !m.holds(t, c) {
		t.Errorf("sent again after the restart it is there %d times", count)
	}
}

// TestStagedPaymentMeetsItself: while a payment waits for the disk, the same one comes by HTTP again, from a peer, and in a block.
func TestStagedPaymentMeetsItself(t *testing.T) {
	for name, tc := range map[string]struct {
		meet func(t *testing.T, c *chain.Chain, p consensus.Transaction)
		seen bool  // before it is on disk
		want error // of the first
	}{
		"a peer's": {func(t *testing.T, c *chain.Chain, p consensus.Transaction) {
			if _, err := c.Submit(chaintest.Checked(p), "peer"); err != nil {
				t.Errorf("a peer's payment that waits here is refused, so gossip loses it: %v", err)
			}
			if _, err := c.Submit(chaintest.Checked(p), "peer"); !errors.Is(err, chain.ErrKnown) {
				t.Errorf("a peer's payment for the second time: %v", err)
			}
		}, true, nil},
		"another payment of its id": {func(t *testing.T, c *chain.Chain, p consensus.Transaction) {
			p.Recipient = "somebody else"
			if _, err := c.Submit(chaintest.Checked(p), "peer"); !errors.Is(err, chain.ErrKnown) {
				t.Error(err)
			}
		}, false, nil},
		"one in a block": {func(t *testing.T, c *chain.Chain, p consensus.Transaction) {
			if _, err := c.Add(chaintest.Block(t, c.Rules(), c.Tip(), "m", p), "peer"); err != nil {
				t.Error(err)
			}
		}, true, chain.ErrKnown},
		"later arrivals": {func(t *testing.T, c *chain.Chain, _ consensus.Transaction) {
			for range 3 {
				if _, err := c.Submit(chaintest.Payment(), "peer"); err != nil {
					t.Error(err)
				}
			}
		}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, st, disk, s := slow(t)
				defer shut(t, c, st)
				m := made{payment: chaintest.Payment()}
				release := s.stop()
				first, second, other := make(chan error, 1), make(chan error, 1), make(chan error, 1)
				go func() { first <- m.add(c) }()
				synctest.Wait()
				go func() { second <- m.add(c) }()
				go func() {
					p := m.payment.Transaction()
					p.Recipient = "a third"
					_, err := c.Pay(chaintest.Checked(p))
					other <- err
				}()
				synctest.Wait()
				tc.meet(t, c, m.payment.Transaction())
				if m.holds(t, c) != tc.seen {
					t.Errorf("seen before it is on disk: %v", m.holds(t, c))
				}
				select {
				case err := <-second:
					if !tc.seen {
						t.Errorf("the same payment again does not wait: %v", err)
					}
					second <- err
				default:
				}
				release(nil)
				if err := <-first; !errors.Is(err, tc.want) {
					t.Errorf("the first: %v, want %v", err, tc.want)
				}
				if err := <-second; !errors.Is(err, chain.ErrKnown) {
					t.Errorf("the same again: %v", err)
				}
				if err := <-other; !errors.Is(err, chain.ErrKnown) {
					t.Errorf("another payment with its id: %v", err)
				}
				if !m.holds(t, c) {
					t.Error("the payment is lost")
				}
				once(t, c, m.payment.ID())
				after, stop := restarted(t, disk, 100)
				defer stop()
				if state(after) != state(c) {
					t.Errorf("after a restart the chain is another one: %s, was %s", state(after), state(c))
				}
			})
		})
	}
}

// TestPaymentsShareAWrite: payments that come while a write runs go to disk together, in one write, and each gets its own answer.
func TestPaymentsShareAWrite(t *testing.T) {
	for name, tc := range map[string]struct {
		failure  error // of their write
		close    bool  // the chain is closed while they wait
		fresh    error // what those get that are new
		repeated error // and one that is mined already
	}{
		"written": {nil, false, nil, chain.ErrKnown},
		"failed":  {errorfs.ErrInjected, false, chain.ErrUnsettled, chain.ErrKnown},
		"closed":  {nil, true, chain.ErrClosed, chain.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, st, disk, s := slow(t)
				defer shut(t, c, st)
				mined := chaintest.Payment()
				if _, err := c.Add(chaintest.Block(t, c.Rules(), c.Tip(), "m", mined.Transaction()), "peer"); err != nil {
					t.Fatal(err)
				}
				before := s.count.Load()
				releaseFirst := s.stop()
				pay := func(p consensus.Payment) <-chan error {
					result := make(chan error, 1)
					go func() { result <- made{payment: p}.add(c) }()
					synctest.Wait()
					return result
				}
				first, again := pay(chaintest.Payment()), pay(mined)
				others := make(map[consensus.Payment]<-chan error)
				for range 20 {
					p := chaintest.Payment()
					others[p] = pay(p)
				}
				if tc.close {
					go func() { _ = c.Close() }() // shut closes it once more
					synctest.Wait()
				}
				releaseOthers := s.stop()
				releaseFirst(nil)
				if err := <-first; err != nil {
					t.Errorf("the first: %v", err)
				}
				synctest.Wait()
				for _, result := range others {
					if len(result) > 0 && !tc.close {
						t.Error("a payment is answered before it is on disk")
					}
				}
				releaseOthers(tc.failure)
				if err := <-again; !errors.Is(err, tc.repeated) {
					t.Errorf("one that is mined: %v, want %v", err, tc.repeated)
				}
				for p, result := range others {
					if err := <-result; !errors.Is(err, tc.fresh) || (made{payment: p}).holds(t, c) != (err == nil) {
						t.Errorf("one of the others: %v, want %v", err, tc.fresh)
					}
				}
				if n := s.count.Load() - before; n > 2 {
					t.Errorf("%d writes, want one for the first payment and one for the others", n)
				}
				after, stop := restarted(t, disk, 0)
				defer stop()
				if tc.failure == nil && state(after) != state(c) {
					t.Errorf("after a crash the chain is another one: %s, was %s", state(after), state(c))
				}
			})
		})
	}
}

// once checks that one event tells of the payment.
func once(t *testing.T, c *chain.Chain, id consensus.ID) {
	t.Helper()
	events, _ := c.Events(0)
	count := 0
	for _, e := range events {
		if e.Kind == chain.EventTransaction && e.Payment.ID() == id || e.Kind == chain.EventBlock && len(e.Block.Transactions()) > 1 {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d events tell of the payment", count)
	}
}

// TestMinedBlockThatCameTooLate: another block takes the parent while ours waits for the disk. Ours is forgotten, also by the next
// start.
func TestMinedBlockThatCameTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, st, disk, s := slow(t)
		defer shut(t, c, st)
		ours, theirs := bothMade(t, c)["block"], chaintest.Block(t, c.Rules(), c.Tip(), "other")
		release := s.stop()
		result := make(chan error, 1)
		go func() { result <- ours.add(c) }()
		synctest.Wait()
		if _, err := c.Add(theirs, "peer"); err != nil {
			t.Fatal(err)
		}
		release(nil)
		if err := <-result; !errors.Is(err, chain.ErrStale) {
			t.Errorf("the late block: %v", err)
		}
		after, stop := restarted(t, disk, 100)
		defer stop()
		for _, c := range []*chain.Chain{c, after} {
			if c.Tip() != theirs.Header() || ours.holds(t, c) {
				t.Errorf("the tip is %v, the late block is held: %v", c.Tip(), ours.holds(t, c))
			}
		}
	})
}
