package gossip

import (
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"kuai/chain/chaintest"
)

func TestMessagesAboveTheRateAreCounted(t *testing.T) {
	d := newEntryPoints(t, newTestPeer(t, chaintest.Open(t, chaintest.Rules())), fixed, chaintest.Rules())
	const more = 1000
	burst := d.v.Limit(RatePayments).Burst
	rpc := &pubsub.RPC{}
	topic := "any but that of blocks"
	for range burst + more {
		rpc.Publish = append(rpc.Publish, &pb.Message{Topic: &topic})
	}
	if err := d.inspect("a stranger", rpc); err != nil {
		t.Fatal(err)
	}
	left, counted := len(rpc.Publish), d.m.(*counted).rejected
	if left < burst || counted == 0 || left+counted != burst+more {
		t.Errorf("%d messages pass, %v are counted of %d", left, counted, burst+more)
	}
}
