package chain

import (
	"sync"
	"time"

	"kuai/chain/store"
)

// MaxSenders is how many different senders are remembered by name, so that strangers who come and go cannot fill
// memory; those that come later are all called otherSender.
const MaxSenders = 4096

const (
	otherSender       = "another peer"
	otherSenderNumber = 1
)

// senders numbers those who sent blocks and payments. Number 0 is this node.
type senders struct {
	mu      sync.Mutex
	names   []string
	numbers map[string]uint32
}

func (s *senders) name(n uint32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(n) >= len(s.names) {
		return otherSender
	}
	return s.names[n]
}

// number returns the sender's number, a new one where it has none; the batch then carries its name.
func (s *senders) number(b *store.Batch, name string) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.numbers[name]; ok {
		return n
	}
	if len(s.names) >= MaxSenders {
		return otherSenderNumber
	}
	n := uint32(len(s.names))
	s.names = append(s.names, name)
	s.numbers[name] = n
	b.SetSender(n, name)
	return n
}

func (c *Chain) origin(b *store.Batch, from string, now time.Time) store.Origin {
	return store.Origin{From: c.senders.number(b, from), Received: now.UnixMilli()}
}
