package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/p2p/wire"
)

// A peer that answers must deliver StallBytes in each stallAfter, or the end of its answer. If its latency is
// high it has stallTrips round trips, up to maxStall.
const (
	StallBytes = 16 << 10
	stallAfter = 2 * time.Second
	maxStall   = 6 * time.Second
	stallTrips = 4
)

// Refused logs a request that was not answered or an answer that was not accepted: the peer, the protocol, a
// description, and attributes.
type Refused func(p peer.ID, protocol, what string, args ...any)

// Client asks connected peers.
type Client struct {
	Host    host.Host
	Network string // id
	Refused Refused

	versions versionTable // nil: those of this program
}

// ids returns the full names of a protocol, newest version first.
func (c *Client) ids(name string) []protocol.ID {
	if c.versions != nil {
		return c.versions.ids(c.Network, name)
	}
	return versions.ids(c.Network, name)
}

// Speaks reports whether p lists a protocol, in a version that we speak. Ask asks only peers that do.
func (c *Client) Speaks(p peer.ID, name string) bool {
	known, err := c.Host.Peerstore().SupportsProtocols(p, c.ids(name)...)
	return err == nil && len(known) > 0
}

// HasDialled reports whether this node opened a connection to p.
func (c *Client) HasDialled(p peer.ID) bool {
	return slices.ContainsFunc(c.Host.Network().ConnsToPeer(p), func(c network.Conn) bool { return c.Stat().Direction == network.DirOutbound })
}

// Ask opens a stream to a connected peer that lists the protocol, in the newest version that both speak, and
// runs talk on it. The stream is closed if talk returns nil, and reset otherwise. The end of ctx interrupts
// talk; its cause may prove that p broke the protocol.
func (c *Client) Ask(ctx context.Context, p peer.ID, name string, within time.Duration, talk func(network.Stream) error) error {
	if !c.Speaks(p, name) {
		return fmt.Errorf("%s: %w", ID(c.Network, name), ErrUnlisted)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	st, err := c.Host.NewStream(network.WithNoDial(ctx, "kuai asks connected peers only"), p, c.ids(name)...)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { resetFor(st, context.Cause(ctx)) })
	err = talk(st)
	switch {
	case !stop():
		return errors.Join(ctx.Err(), err)
	case err == nil:
		return st.Close()
	}
	code := resetFor(st, err)
	c.Refused(p, string(st.Protocol()), "answer not taken", "error", err, "code", hexCode(code))
	return err
}

// SendRequest writes a request of one frame and closes the stream for writing.
func SendRequest(st network.Stream, payload []byte) error {
	if err := st.SetDeadline(time.Now().Add(RequestWithin)); err != nil {
		return err
	}
	if _, err := st.Write(wire.AppendFrame(nil, payload)); err != nil {
		return err
	}
	return st.CloseWrite()
}

// Reader reads a stream, and fails if the peer delivers too slowly.
type Reader struct {
	st    network.Stream
	after time.Duration
	since int // bytes read since the deadline was set
}

// NewReader returns a reader of the stream of a peer with a round-trip time of trip. The time for the first
// bytes starts now.
func NewReader(st network.Stream, trip time.Duration) *Reader {
	return &Reader{st: st, after: min(max(stallAfter, stallTrips*trip), maxStall), since: StallBytes}
}

// Read reads from the stream. It fails if too few bytes arrived in time.
func (r *Reader) Read(b []byte) (int, error) {
	if r.since >= StallBytes {
		r.since = 0
		if err := r.st.SetReadDeadline(time.Now().Add(r.after)); err != nil {
			return 0, err
		}
	}
	n, err := r.st.Read(b)
	r.since += n
	return n, err
}
