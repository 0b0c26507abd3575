package p2p_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
)

// BenchmarkBareHops is the ceiling of BenchmarkHops: gossipsub alone in a line of hosts over loopback TCP,
// messages of a small block's size that nobody signs, checks or keeps.
func BenchmarkBareHops(b *testing.B) {
	for _, hops := range []int{1, 2, 8} {
		b.Run(fmt.Sprint(hops), func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			topics := bareLine(b, ctx, hops+1)
			last, err := topics[hops].Subscribe()
			if err != nil {
				b.Fatal(err)
			}
			for _, t := range topics[:hops] {
				if _, err := t.Relay(); err != nil {
					b.Fatal(err)
				}
			}
			// Until the line stands, messages are sent again.
			arrived := make(chan struct{}, 1)
			go func() {
				for {
					if _, err := last.Next(ctx); err != nil {
						return
					}
					select {
					case arrived <- struct{}{}:
					default:
					}
				}
			}()
			publish := func(i int) {
				if err := topics[0].Publish(ctx, fmt.Appendf(make([]byte, 0, 400), "%0400d", i)); err != nil {
					b.Fatal(err)
				}
			}
			stands := false
			for i := -1; !stands; i-- {
				publish(i)
				select {
				case <-arrived:
					stands = true
				case <-time.After(100 * time.Millisecond):
				}
			}
			time.Sleep(2 * time.Second) // the meshes grow; messages that were late arrive
			for len(arrived) > 0 {
				<-arrived
			}
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				began := time.Now()
				publish(i)
				<-arrived
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// bareLine connects n hosts in a line, each with the topic.
func bareLine(b *testing.B, ctx context.Context, n int) (topics []*pubsub.Topic) {
	b.Helper()
	var before host.Host
	for range n {
		h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { h.Close() })
		byContent := func(m *pb.Message) string { sum := sha256.Sum256(m.Data); return string(sum[:]) }
		router, err := pubsub.NewGossipSub(ctx, h, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithMessageIdFn(byContent))
		if err != nil {
			b.Fatal(err)
		}
		topic, err := router.Join("blocks")
		if err != nil {
			b.Fatal(err)
		}
		if before != nil {
			if err := h.Connect(ctx, *host.InfoFromHost(before)); err != nil {
				b.Fatal(err)
			}
		}
		before, topics = h, append(topics, topic)
	}
	return topics
}
