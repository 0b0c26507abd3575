package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// Codes that a stream is reset with. They are libp2p's, with its meaning.
const (
	CodeBusy      = network.StreamResourceLimitExceeded // 0x1002: too many streams at once, ask later or elsewhere
	CodeRate      = network.StreamRateLimited           // 0x1003: too many requests, ask later or elsewhere
	CodeViolation = network.StreamProtocolViolation     // 0x1004: the request breaks the protocol
	CodeShutdown  = network.StreamShutdown              // 0x1007: the node is stopping
)

// ErrUnlisted is returned for a peer whose identify does not list the protocol: it was not asked.
var ErrUnlisted = errors.New("the peer does not list the protocol")

// IsProvable reports whether err proves that the peer broke the protocol or sent something invalid.
func IsProvable(err error) bool {
	var invalid *consensus.InvalidError
	return errors.Is(err, wire.ErrViolation) || errors.As(err, &invalid)
}

// IsLater reports whether err is a reset by which the peer asks for a later try.
func IsLater(err error) bool {
	var reset *network.StreamError
	return errors.As(err, &reset) && reset.Remote && (reset.ErrorCode == CodeBusy || reset.ErrorCode == CodeRate)
}

// IsOurs reports whether err is not the peer's fault: this node stops, the connection has ended, a limit is
// reached, or the peer was not asked.
func IsOurs(err error) bool {
	for _, ours := range []error{context.Canceled, network.ErrNoConn, network.ErrResourceLimitExceeded, ErrUnlisted} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return false
}

// resetFor resets a stream that failed with err, and returns the code.
func resetFor(st network.Stream, err error) network.StreamErrorCode {
	if IsProvable(err) {
		_ = st.ResetWithError(CodeViolation)
		return CodeViolation
	}
	_ = st.Reset()
	return 0
}

// hexCode formats a reset code as in docs/PROTOCOL.md.
func hexCode(code network.StreamErrorCode) string { return fmt.Sprintf("%#x", uint32(code)) }
