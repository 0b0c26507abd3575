package peers

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-yamux/v5"
	"github.com/quic-go/quic-go"
)

// Codes with which a node closes the connection of a peer that it does not let in.
const (
	codeRefused = network.ConnGated
	codeFull    = network.ConnResourceLimitExceeded
)

// Why a peer closed the connection at once, by its code.
var (
	errRefusesUs = errors.New("it refuses this node for a while")
	errFull      = errors.New("it has as many connections as it may")
)

// closeWith closes a connection that the swarm does not manage yet, on which CloseWithError must not be called.
func closeWith(c network.Conn, code network.ConnErrorCode) {
	var session *yamux.Session
	var conn *quic.Conn
	switch {
	case c.As(&session):
		_ = session.CloseWithError(uint32(code))
	case c.As(&conn):
		_ = conn.CloseWithError(quic.ApplicationErrorCode(code), "")
	}
}

// refusalOf returns why the peer closed a connection that ended with err, nil if it did not say that it refuses
// this node.
func refusalOf(err error) error {
	var end *network.ConnError
	switch {
	case !errors.As(err, &end), !end.Remote:
	case end.ErrorCode == codeRefused:
		return errRefusesUs
	case end.ErrorCode == codeFull:
		return errFull
	}
	return nil
}
