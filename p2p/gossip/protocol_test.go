package gossip

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// TestProtocolSaysTheLimits holds docs/PROTOCOL.md against the limits of gossip.
func TestProtocolSaysTheLimits(t *testing.T) {
	h := hosttest.New(t)
	table := peers.New(h, peers.NewGater(h.ID(), "", nil, slog.New(slog.DiscardHandler)), peers.Config{}, slog.New(slog.DiscardHandler))
	server := stream.NewServer(table)
	New(Parts{Host: h, Chain: chaintest.Open(t, chaintest.Rules()), Server: server, Table: table})
	payments, blocks, mesh := server.Limit(RatePayments), server.Limit(RateBlocks), meshParams()
	var versions []string
	for _, id := range gossipsubOnly {
		versions = append(versions, strings.TrimSuffix(strings.TrimPrefix(string(id), "/meshsub/"), ".0"))
	}
	hosttest.Documented(t, "../../docs/PROTOCOL.md",
		fmt.Sprintf("Gossipsub %s to %s with two topics", versions[len(versions)-1], versions[0]),
		fmt.Sprintf("A message's id is the first %d bytes of SHA-256(topic, one zero byte, data)", messageIDLen),
		fmt.Sprintf("An RPC has at most %d bytes, its control part at most %d: more resets the stream", maxMessage, maxControl),
		fmt.Sprintf("One with more than %d subscriptions is dropped whole", maxTopics),
		fmt.Sprintf("Of one peer %v payments (%d at once) and %v blocks (%d at once) a second are heard", payments.Rate, payments.Burst, blocks.Rate, blocks.Burst),
		fmt.Sprintf("Mesh degree %d (%d..%d)", mesh.D, mesh.Dlo, mesh.Dhi),
		fmt.Sprintf("heartbeat %d ms, prune backoff %.0f s, unsubscribe backoff %.0f s", mesh.HeartbeatInterval.Milliseconds(), mesh.PruneBackoff.Seconds(), mesh.UnsubscribeBackoff.Seconds()),
		fmt.Sprintf("A block of more than %d bytes is announced", wire.MaxWhole),
		fmt.Sprintf("Of one peer %d announced blocks wait at most", maxPeerPulls),
		fmt.Sprintf("Below −%d a node is *graylisted*", -graylistBelow),
		fmt.Sprintf("Below −%d nothing is gossiped to a node", -gossipBelow),
		fmt.Sprintf("counts %d for a while, too", appWeight),
		fmt.Sprintf("At most %d siblings of one parent are passed on", maxSiblings),
	)
}
