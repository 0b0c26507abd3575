package chain

import "sync"

// syncs lets those who wait for the disk share its writes: while one write runs, all who come wait together for the next.
type syncs struct {
	mu   sync.Mutex
	next *write // the one that has not begun; nil while nobody waits
	busy bool   // a write runs, or one of the waiters was told to begin the next
}

// write is one write to disk, for all who joined before it began.
type write struct {
	made []*made       // payments that it brings to disk
	lead chan struct{} // tells one of those who wait to begin it
	done chan struct{} // closed when it has ended
	err  error
}

// Sync returns when everything that was held at the call is on disk. Concurrent calls share a write.
func (c *Chain) Sync() error {
	if c.durable.Load() >= c.applied.Load() {
		return c.store.Err()
	}
	return c.syncs.share(nil, c.bring)
}

// bring brings payments to disk, and all that was held at the call. One call runs at a time.
func (c *Chain) bring(all []*made) (err error) {
	c.stage(all)
	if target := c.applied.Load(); target == c.durable.Load() {
		err = c.store.Err()
	} else if err = c.store.Sync(); err == nil {
		c.durable.Store(target)
	}
	c.enterStaged(all, err)
	return err
}

// share returns the outcome of a write that began after the call, with m in it unless that is nil. One of those who wait makes it, by do.
func (s *syncs) share(m *made, do func([]*made) error) error {
	w := s.join(m)
	select {
	case <-w.lead:
		s.begin()
		w.err = do(w.made)
		s.end()
		close(w.done)
	case <-w.done:
	}
	return w.err
}

// join returns the next write. Where none runs, the caller is to begin it.
func (s *syncs) join(m *made) *write {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &write{lead: make(chan struct{}, 1), done: make(chan struct{})}
	}
	if m != nil {
		s.next.made = append(s.next.made, m)
	}
	if !s.busy {
		s.busy = true
		s.next.lead <- struct{}{}
	}
	return s.next
}

// begin closes the present write to those who come from now on.
func (s *syncs) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = nil
}

// end lets one of those who came meanwhile begin the next write.
func (s *syncs) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy = s.next != nil; s.busy {
		s.next.lead <- struct{}{}
	}
}
