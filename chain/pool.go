package chain

import (
	"container/list"
	"slices"
	"strconv"
	"time"

	"kuai/chain/store"
)

// Bounds of the pool.
const (
	MaxPoolTransactions = 50_000
	MaxPoolBytes        = 16 << 20
	MaxPoolAge          = 24 * time.Hour

	// PoolShare is the part of the pool, one in PoolShare, that one sending peer can fill; this node's own API can fill all.
	PoolShare = 2
)

// firstSeq is the first sequence number of an empty pool. What a reorg returns is numbered downwards from the first
// pending transaction, what arrives upwards from the last.
const firstSeq = 1 << 63

// pending is a transaction of the pool.
type pending struct {
	Transaction
	size     int // canonical bytes
	seq      uint64
	from     string
	received int64 // Unix milliseconds
	returned bool
	element  *list.Element
}

// pool is what memory keeps of the pending transactions.
type pool struct {
	byID    map[ID]*pending
	order   list.List // of *pending, by sequence number
	bytes   int
	senders map[string]usage
	oldest  int64 // no transaction came before this, Unix milliseconds
}

// usage is what one sender holds of the pool.
type usage struct{ count, bytes int }

func newPool() pool {
	return pool{byID: make(map[ID]*pending), senders: make(map[string]usage)}
}

// insert puts p behind the others.
func (l *pool) insert(p *pending) {
	p.element = l.order.PushBack(p)
	l.count(p, 1)
}

// insertFront puts the transactions before the others, in their order.
func (l *pool) insertFront(ps []*pending) {
	for _, p := range slices.Backward(ps) {
		p.element = l.order.PushFront(p)
		l.count(p, 1)
	}
}

func (l *pool) removeAll(ps []*pending) {
	for _, p := range ps {
		l.order.Remove(p.element)
		l.count(p, -1)
	}
}

func (l *pool) count(p *pending, sign int) {
	u := l.senders[p.from]
	u.count, u.bytes = u.count+sign, u.bytes+sign*p.size
	l.bytes += sign * p.size
	l.senders[p.from] = u
	if u.count == 0 {
		delete(l.senders, p.from)
	}
	if sign < 0 {
		delete(l.byID, p.ID)
		return
	}
	l.byID[p.ID] = p
	if len(l.byID) == 1 || p.received < l.oldest {
		l.oldest = p.received
	}
}

// each yields the transactions in order.
func (l *pool) each(yield func(*pending) bool) {
	for e := l.order.Front(); e != nil && yield(e.Value.(*pending)); e = e.Next() {
	}
}

// nextSeq numbers the next arrival.
func (l *pool) nextSeq() uint64 {
	if last := l.order.Back(); last != nil {
		return last.Value.(*pending).seq + 1
	}
	return firstSeq
}

// room says whether a transaction of this size fits, in all and in its sender's share.
func (l *pool) room(size int, from string) bool {
	u, share := l.senders[from], 1
	if from != "" {
		share = PoolShare
	}
	return len(l.byID) < MaxPoolTransactions && l.bytes+size <= MaxPoolBytes &&
		u.count < MaxPoolTransactions/share && u.bytes+size <= MaxPoolBytes/share
}

// number gives returned transactions their place before all others, except for those that leave. What is pending keeps its place;
// of the returned ones the first that fit in the free room are kept.
func (l *pool) number(returned, leaving []*pending) []*pending {
	count, bytes := len(l.byID)-len(leaving), l.bytes
	for _, p := range leaving {
		bytes -= p.size
	}
	kept := returned[:0]
	for _, p := range returned {
		if count >= MaxPoolTransactions || bytes+p.size > MaxPoolBytes {
			break
		}
		count, bytes, kept = count+1, bytes+p.size, append(kept, p)
	}
	seq := uint64(firstSeq)
	if first := l.order.Front(); first != nil {
		seq = first.Value.(*pending).seq
	}
	for i, p := range kept {
		p.seq = seq - uint64(len(kept)-i)
	}
	return kept
}

func (c *Chain) record(b *store.Batch, p *pending) store.Pending {
	return store.Pending{
		Seq: p.seq, Origin: store.Origin{From: c.senders.number(b, p.from), Received: p.received},
		Returned: p.returned, Canonical: p.AppendCanonical(nil),
	}
}

// Submit adds t to the pool and returns the index of the block that can hold it at the earliest. It does not wait for the
// disk. from names the sending peer, "" for this node. Errors: ErrKnown (pending or mined), ErrPoolFull, *InvalidError, or a failure of the store.
func (c *Chain) Submit(t Transaction, from string) (next int64, err error) {
	canonical := t.AppendCanonical(make([]byte, 0, 256))
	if t, err = c.rules.ParseTransaction(canonical); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil {
		return 0, err
	}
	now := c.now()
	if err := c.expire(now); err != nil {
		return 0, err
	}
	if err := c.unknown(t.ID); err != nil {
		return 0, err
	}
	if !c.pool.room(len(canonical), from) {
		return 0, ErrPoolFull
	}
	p := &pending{Transaction: t, size: len(canonical), seq: c.pool.nextSeq(), from: from, received: now.UnixMilli()}
	return c.tip.Index + 1, c.enter(p, canonical)
}

// unknown returns ErrKnown for a transaction that is pending or on the active chain.
func (c *Chain) unknown(id ID) error {
	if _, ok := c.pool.byID[id]; ok {
		return ErrKnown
	}
	_, _, mined, err := c.store.Mined(id)
	if mined {
		return ErrKnown
	}
	return err
}

func (c *Chain) enter(p *pending, canonical []byte) error {
	batch := c.store.NewBatch()
	defer batch.Close()
	origin := store.Origin{From: c.senders.number(batch, p.from), Received: p.received}
	batch.SetPending(store.Pending{Seq: p.seq, Origin: origin, Canonical: canonical})
	if err := c.apply(batch); err != nil {
		return err
	}
	c.pool.insert(p)
	c.events.add(Event{Kind: EventTransaction, From: p.from, Transaction: p.Transaction})
	return nil
}

// expire drops what has been pending for too long. It looks at all only when something can have expired.
func (c *Chain) expire(now time.Time) error {
	limit := now.Add(-MaxPoolAge).UnixMilli()
	if len(c.pool.byID) == 0 || c.pool.oldest > limit {
		return nil
	}
	batch, oldest := c.store.NewBatch(), now.UnixMilli()
	defer batch.Close()
	var gone []*pending
	for p := range c.pool.each {
		if p.received <= limit {
			gone = append(gone, p)
			batch.DeletePending(p.seq)
		} else {
			oldest = min(oldest, p.received)
		}
	}
	if len(gone) > 0 {
		if err := c.apply(batch); err != nil {
			return err
		}
	}
	c.pool.removeAll(gone)
	c.pool.oldest = oldest
	return nil
}

// lockPool locks the chain for a look at the pool without what has expired. On a failed store expired transactions
// are still shown.
func (c *Chain) lockPool() (unlock func()) {
	now := c.now()
	c.mu.Lock()
	if c.writable() == nil {
		_ = c.expire(now) // the store keeps its failure, and the next change reports it
	}
	return c.mu.Unlock
}

// Pending returns the pool's transactions in order of arrival.
func (c *Chain) Pending() []Transaction {
	defer c.lockPool()()
	all := make([]Transaction, 0, len(c.pool.byID))
	for p := range c.pool.each {
		all = append(all, p.Transaction)
	}
	return all
}

// PendingIDs returns the ids of the pool's transactions in order of arrival.
func (c *Chain) PendingIDs() []ID {
	defer c.lockPool()()
	all := make([]ID, 0, len(c.pool.byID))
	for p := range c.pool.each {
		all = append(all, p.ID)
	}
	return all
}

// PendingByID returns the pending transaction with this id.
func (c *Chain) PendingByID(id ID) (Transaction, bool) {
	defer c.lockPool()()
	if p, ok := c.pool.byID[id]; ok {
		return p.Transaction, true
	}
	return Transaction{}, false
}

// PoolSize returns the number and the canonical bytes of the pending transactions.
func (c *Chain) PoolSize() (count, bytes int) {
	defer c.lockPool()()
	return len(c.pool.byID), c.pool.bytes
}

// Lookup is where a transaction is.
type Lookup struct {
	Transaction Transaction
	Pending     bool
	Block       Header // where it was mined, unless Pending
	Returned    bool   // pending again: a reorg dropped its block
}

// Transaction finds a transaction in the pool or on the active chain, or returns ErrNotFound.
func (c *Chain) Transaction(id ID) (Lookup, error) {
	unlock := c.lockPool()
	p, ok := c.pool.byID[id]
	if ok {
		defer unlock()
		return Lookup{Transaction: p.Transaction, Pending: true, Returned: p.returned}, nil
	}
	snap := c.store.NewSnapshot()
	unlock()
	defer snap.Close()
	index, offset, ok, err := snap.Mined(id)
	if err != nil {
		return Lookup{}, err
	}
	if !ok {
		return Lookup{}, ErrNotFound
	}
	b, _, err := c.blockAt(snap.Reader, store.Place{Index: index})
	if err != nil {
		return Lookup{}, err
	}
	t, _, _ := b.TransactionAt(offset)
	return Lookup{Transaction: t, Block: b.header}, nil
}

// Template is the work for the next block: the tip, and the pending transactions that fit, without the reward.
type Template struct {
	Parent       Header
	Transactions []Transaction
}

// frameSize returns how many bytes a block on parent has at most besides its transactions.
func frameSize(parent Header) int {
	const longest = `{"index": , "previous_hash": "", "proof": 9007199254740991, "timestamp": 1234567890.1234567, "transactions": []}`
	return len(longest) + len(strconv.FormatInt(parent.Index+1, 10)) + 2*len(parent.Hash)
}

// Template selects pending transactions in order of arrival within the limits of a block; recipient is the reward's, for its size.
// It stops at the first that does not fit, so that no later one overtakes it.
func (c *Chain) Template(recipient string) Template {
	defer c.lockPool()()
	t := Template{Parent: c.tip}
	reward := Transaction{Sender: RewardSender, Recipient: recipient, Amount: c.rules.Reward}
	room := c.rules.MaxBlockBytes - frameSize(c.tip) - len(reward.AppendCanonical(nil))
	most := c.rules.MaxBlockTransactions - 1
	for p := range c.pool.each {
		room -= p.size + len(", ")
		if room < 0 || len(t.Transactions) == most {
			break
		}
		t.Transactions = append(t.Transactions, p.Transaction)
	}
	return t
}
