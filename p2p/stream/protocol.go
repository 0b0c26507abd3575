package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// Codes that a stream is reset with. They are libp2p's own, in its own meaning.
const (
	CodeBusy      = network.StreamResourceLimitExceeded // 0x1002: too many streams at once, ask later or elsewhere
	CodeRate      = network.StreamRateLimited           // 0x1003: too many requests, ask later or elsewhere
	CodeViolation = network.StreamProtocolViolation     // 0x1004: the request breaks the protocol
	CodeShutdown  = network.StreamShutdown              // 0x1007: the node is stopping
)

// ErrUnlisted says that a peer was not asked: its identify does not list the protocol.
var ErrUnlisted = errors.New("the peer does not list the protocol")

// IsProvable reports whether err proves that the other side is bad.
func IsProvable(err error) bool {
	var invalid *consensus.InvalidError
	return errors.Is(err, wire.ErrViolation) || errors.As(err, &invalid)
}

// IsLater reports whether err is a peer's request to ask later.
func IsLater(err error) bool {
	var reset *network.StreamError
	return errors.As(err, &reset) && reset.Remote && (reset.ErrorCode == CodeBusy || reset.ErrorCode == CodeRate)
}

// IsOurs reports whether nothing was asked for a reason on our side: this node stops, the connection has ended, or a limit is reached.
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

// hexCode writes a reset code as the protocol page does.
func hexCode(code network.StreamErrorCode) string { return fmt.Sprintf("%#x", uint32(code)) }
