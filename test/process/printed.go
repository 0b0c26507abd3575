package process

import (
	"bytes"
	"sync"
)

// Printed collects what a process prints.
type Printed struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // of size one
}

// Write takes more.
func (p *Printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.grown <- struct{}{}:
	default:
	}
	return p.buf.Write(b)
}

// String returns all so far.
func (p *Printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}
