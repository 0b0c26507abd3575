package peers

import (
	"errors"
	"strings"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// hint returns one line about what a failed dial may mean to an operator, "" if the error is clear by itself.
func hint(err error) string {
	text := err.Error()
	switch {
	case errors.As(err, new(sec.ErrPeerIDMismatch)):
		return "another peer answers there: its identity is new, or the address is another node's"
	case errors.Is(err, swarm.ErrGaterDisallowedConnection):
		return "this node refuses that peer for a while: of another network, or it answered badly"
	case errors.Is(err, network.ErrResourceLimitExceeded):
		return "this node has as many connections as it may"
	case strings.Contains(text, "negotiate stream multiplexer"):
		return "it closed the connection after the handshake: it has as many peers as it takes, or it refuses this node for a while"
	case !strings.Contains(text, "negotiate security protocol"):
		return ""
	case strings.Contains(text, "EOF"), strings.Contains(text, "reset by peer"):
		return "it closed the connection at once: another swarm key, or one on one side only ('kuai join CODE' enters a private network); or its limits, or it refuses this node"
	default:
		return "it answers in no way that is understood: another swarm key, or one on one side only ('kuai join CODE' enters a private network); or it is not a kuai node"
	}
}
