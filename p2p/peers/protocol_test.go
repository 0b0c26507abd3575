package peers

import (
	"fmt"
	"testing"

	"kuai/p2p/hosttest"
)

// TestProtocolSaysTheLimits holds docs/PROTOCOL.md against the limits of the table.
func TestProtocolSaysTheLimits(t *testing.T) {
	hosttest.Documented(t, "../../docs/PROTOCOL.md",
		fmt.Sprintf("It is refused for %.0f minutes, doubled each time up to %.0f hours", refuseFirst.Minutes(), maxRefuse.Hours()),
		fmt.Sprintf("is not asked for blocks for %.0f s, doubled each time up to %.0f minutes", pauseFirst.Seconds(), maxPause.Minutes()),
		fmt.Sprintf("it is named in the log, not dialled for %.0f minutes, and disconnected %.0f s later", refuseNetwork.Minutes(), foreignDelay.Seconds()),
		fmt.Sprintf("up to %d frames, each a signed peer record", maxRecords),
		fmt.Sprintf("A record has at most %d bytes", maxRecord),
		fmt.Sprintf("A second request within %.0f s is refused", exchangeEvery.Seconds()),
		fmt.Sprintf("once a minute while fewer than %d outbound peers are connected", WantOutbound),
		fmt.Sprintf("While %d outbound peers are connected, every %.0f to %.0f minutes", WantOutbound, RotateEvery.Minutes(), 2*RotateEvery.Minutes()),
	)
}
