package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// explained returns the error of a dial of addrs with its causes in the order of addrs, those of addresses that
// a name led to at the place of the first name. If no address came of a name, it says so.
func explained(ctx context.Context, addrs []ma.Multiaddr, err error) error {
	name := slices.IndexFunc(addrs, func(a ma.Multiaddr) bool {
		head, _ := ma.SplitFirst(a)
		return head != nil && isName(head.Protocol().Code)
	})
	all := (*swarm.DialError)(nil)
	switch {
	case !errors.As(err, &all):
	case len(all.DialErrors) > 0:
		place := func(e swarm.TransportError) int {
			if i := slices.IndexFunc(addrs, e.Address.Equal); i >= 0 {
				return i
			}
			if name >= 0 {
				return name
			}
			return len(addrs)
		}
		slices.SortStableFunc(all.DialErrors, func(a, b swarm.TransportError) int { return place(a) - place(b) })
	case errors.Is(err, swarm.ErrNoGoodAddresses) && name >= 0:
		return unresolved(ctx, addrs[name])
	case errors.Is(err, swarm.ErrNoGoodAddresses), errors.Is(err, swarm.ErrNoAddresses):
		return errNoAddr
	}
	return err
}

var errNoAddr = errors.New("no address that can be dialled")

// unresolved returns why the name in a leads to no address.
func unresolved(ctx context.Context, a ma.Multiaddr) error {
	head, _ := ma.SplitFirst(a)
	_, err := net.DefaultResolver.LookupHost(ctx, head.Value())
	var failed *net.DNSError
	switch {
	case err == nil:
		return errNoAddr
	case errors.As(err, &failed) && failed.IsNotFound:
		return fmt.Errorf("no machine is known by the name %s", head.Value())
	default:
		return fmt.Errorf("the name %s cannot be looked up", head.Value())
	}
}
