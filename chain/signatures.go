package chain

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"kuai/chain/consensus"
)

// Signatures take most of the time that a block of a secure network takes, so they are checked before the lock is taken, on all cores,
// and not again for a payment that is pending here, or that was in a recent block: it was checked when it came.

// maxChecked is how many payments of recent blocks are remembered: those of several full blocks, at about 200 bytes each. Two miners who
// find a block at the same time seal the same payments, and the first block takes them out of the pool.
const maxChecked = 8192

// checkedPayments remembers payments of recent blocks whose signature is valid, by the hash of their bytes.
type checkedPayments struct {
	lru *lru.Cache[consensus.Hash, struct{}]
}

func newCheckedPayments() checkedPayments {
	payments, err := lru.New[consensus.Hash, struct{}](maxChecked)
	if err != nil {
		panic("chain: the size is greater than 0: " + err.Error())
	}
	return checkedPayments{payments}
}

func (c checkedPayments) has(raw []byte) bool { return c.lru.Contains(sha256.Sum256(raw)) }

// remember keeps the payments of a block that was checked.
func (c checkedPayments) remember(b *consensus.Block) {
	for offset, raw := range b.Spans() {
		if _, ok := b.PaymentAt(offset); ok {
			c.lru.Add(sha256.Sum256(raw), struct{}{})
		}
	}
}

// checkSigned checks the signatures in a run of blocks, after what is cheaper to check of the first that is new. It returns how many blocks,
// from the first on, can be added, and why the next is refused.
func (c *Chain) checkSigned(run []*consensus.Block) (n int, err error) {
	if !c.rules.IsSecure() {
		return len(run), nil
	}
	for n < len(run) && c.Has(run[n].Hash()) {
		n++
	}
	if n == len(run) {
		return n, nil
	}
	if err := c.precheck(run[n]); err != nil {
		return n, err
	}
	valid, err := c.checkSignatures(run[n:])
	for _, b := range run[n : n+valid] {
		c.checked.remember(b)
	}
	if n += valid; err != nil {
		err = c.invalid.remember(run[n].Hash(), err)
	}
	return n, err
}

// precheck checks a new block as far as that takes little: who sends a block without work does not get its signatures checked.
func (c *Chain) precheck(b *consensus.Block) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.invalid.check(b.Header()); err != nil {
		return err
	}
	at, held, err := c.store.Position(b.Header().Previous)
	if err != nil {
		return err
	}
	if !held {
		return ErrOrphan
	}
	parent, _, err := c.header(at)
	if err != nil {
		return err
	}
	if err := c.rules.CheckLink(parent, b); err != nil {
		return c.invalid.remember(b.Hash(), err)
	}
	return c.rules.CheckTime(b, c.now())
}

// signedPayment is a payment whose signature is to be checked.
type signedPayment struct {
	block int // of the run
	raw   []byte
}

// checkSignatures checks the signatures in the blocks. It returns how many blocks, from the first on, are valid.
func (c *Chain) checkSignatures(run []*consensus.Block) (valid int, err error) {
	all := c.unchecked(run)
	if i, err := checkAll(c.rules.Signatures(), all); err != nil {
		return all[i].block, err
	}
	return len(run), nil
}

// unchecked lists the payments in the blocks that are neither pending here nor remembered.
func (c *Chain) unchecked(run []*consensus.Block) (all []signedPayment) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i, b := range run {
		for offset, raw := range b.Spans() {
			p, ok := b.PaymentAt(offset)
			if !ok {
				continue // the reward
			}
			if known, ok := c.pool.byID[p.ID()]; (!ok || known.Payment != p) && !c.checked.has(raw) {
				all = append(all, signedPayment{i, raw})
			}
		}
	}
	return all
}

// checkAtOnce is how many signatures a core checks before it looks whether an earlier one was found invalid.
const checkAtOnce = 16

// checkAll returns the first payment whose signature is invalid, and why.
func checkAll(signatures consensus.Signatures, all []signedPayment) (first int, err error) {
	var next, lowest atomic.Int64
	lowest.Store(int64(len(all)))
	work := func() {
		for {
			from := int(next.Add(checkAtOnce)) - checkAtOnce
			if from >= int(lowest.Load()) {
				return
			}
			for i, p := range all[from:min(from+checkAtOnce, len(all))] {
				if signatures.Check(p.raw) != nil {
					lower(&lowest, int64(from+i))
					break
				}
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(all)+checkAtOnce-1)/checkAtOnce) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	if first = int(lowest.Load()); first < len(all) {
		return first, signatures.Check(all[first].raw)
	}
	return first, nil
}

// lower makes n the value if it is lower.
func lower(value *atomic.Int64, n int64) {
	for old := value.Load(); n < old; old = value.Load() {
		if value.CompareAndSwap(old, n) {
			return
		}
	}
}
