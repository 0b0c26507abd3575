package p2p

import (
	"fmt"
	"time"
)

// Blamed says what n holds against which peers: provable faults, refusals and negative scores.
func (n *Node) Blamed() map[string]string {
	out := make(map[string]string)
	n.f.mu.Lock()
	for p, r := range n.f.peers {
		if r.bad > 0 || time.Now().Before(r.refused) {
			out[p.String()] = fmt.Sprintf("%d faults, refused until %v", r.bad, r.refused)
		}
	}
	n.f.mu.Unlock()
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	for p, score := range n.g.scores {
		if score < 0 {
			out[p.String()] += fmt.Sprintf(" score %v", score)
		}
	}
	return out
}
