package peers

import (
	"context"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	localInterval = 30 * time.Second // between two searches; a node that starts dials those that run
	maxLocal      = 256              // addresses taken from one search
)

// runLocal looks for this user's other nodes on this machine until ctx ends.
func (t *Table) runLocal(ctx context.Context) {
	told := make(map[string]bool)
	for ctx.Err() == nil {
		var news []string
		news, told = newAddresses(t.local(), told)
		for _, a := range news {
			if info, err := parsePeer(a); err == nil {
				t.neighbour(info)
			}
		}
		pause(ctx, localInterval)
	}
}

// newAddresses returns the addresses in list that are not in told, and the set to pass next time. So an address
// goes to the book once, and the book's waits decide when it is dialled again.
func newAddresses(list []string, told map[string]bool) (news []string, all map[string]bool) {
	all = make(map[string]bool)
	for _, a := range list[:min(len(list), maxLocal)] {
		if !told[a] && !all[a] {
			news = append(news, a)
		}
		all[a] = true
	}
	return news, all
}

// LocalAddresses returns the multiaddrs at which other nodes on this machine reach this one, each with /p2p/<id>.
func (t *Table) LocalAddresses() []string {
	var out []string
	for _, a := range t.h.Network().ListenAddresses() {
		out = append(out, onLoopback(a).String()+"/p2p/"+t.h.ID().String())
	}
	return out
}

// onLoopback puts the loopback address in place of the unspecified one.
func onLoopback(a ma.Multiaddr) ma.Multiaddr {
	switch {
	case !manet.IsIPUnspecified(a):
		return a
	case hasIP6(a):
		return withHost(a, "::1")
	default:
		return withHost(a, "127.0.0.1")
	}
}
