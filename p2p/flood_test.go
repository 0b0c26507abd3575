package p2p_test

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

var flood = flag.Int("flood", 40_000, "how many payments TestPaymentFlood sends")

// TestSiblingsAreHardlyPassedOn sends 10,000 valid blocks on one parent. Classic's proof does not cover the
// block, so they cost nothing; a node that hears them passes on a few.
func TestSiblingsAreHardlyPassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 3})
		net.Connected(10 * time.Second)
		evil, leave := enlist(t, net)
		defer leave()
		rules, parent := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
		net.Mine(1, 1)
		net.Converge(time.Second)
		honest := net.Nodes[0].Chain.Tip()
		var siblings []*consensus.Block
		for proof := int64(0); len(siblings) < 10_000; proof++ {
			if !rules.ValidProof(parent.Proof, proof, parent.Hash) {
				continue
			}
			b, err := rules.NewBlock(parent, proof, parent.Timestamp+1, []consensus.Transaction{chaintest.Reward(rules, fmt.Sprint(proof))})
			if err != nil {
				t.Fatal(err)
			}
			siblings = append(siblings, b)
			say(t, evil.blocks, b.Canonical())
			if len(siblings)%1000 == 0 {
				net.Rest(100 * time.Millisecond)
			}
		}
		net.Rest(5 * time.Second)
		for _, n := range net.Nodes[1:] {
			held := 0
			for _, b := range siblings {
				if n.Chain.Has(b.Hash()) {
					held++
				}
			}
			if held == 0 || held > 16 {
				t.Errorf("node %d heard %d of them, want 1 to 16", n.Index, held)
			}
			if n.Chain.Tip() != honest {
				t.Errorf("node %d left the block that it saw first", n.Index)
			}
		}
		net.Mine(2, 1)
		net.Reach(time.Second, net.Nodes[2].Chain.Tip().Hash)
		nobodyBlamed(t, net)
	})
}

// TestPaymentFlood sends more payments than a pool holds. What one peer sends fills half a pool at most; honest
// payments and blocks get through.
func TestPaymentFlood(t *testing.T) {
	count := *flood
	if p2p.Raced {
		count /= 10
	}
	before := heap()
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 3})
		net.Connected(10 * time.Second)
		evil, node := meet(t, net)
		defer evil.Close()
		const each = 400 // payments in an RPC
		most, topic := int64(0), "/kuai/"+net.Nodes[0].Chain.Rules().Network()+"/tx/1"
		for sent := 0; sent < count; sent += each {
			rpc := &pb.RPC{}
			for range each {
				rpc.Publish = append(rpc.Publish, &pb.Message{Data: chaintest.Payment().Transaction().AppendCanonical(nil), Topic: &topic})
			}
			sendRPC(t, evil, node, rpc)
			net.Rest(20 * time.Millisecond) // 20,000 a second
			if sent%20_000 == 0 {
				most = max(most, heap()-before)
			}
		}
		net.Rest(2 * time.Second)
		most = max(most, heap()-before)
		if t.Logf("at most %d MiB of heap", most>>20); most > maxHostileHeap {
			t.Errorf("%d MiB of heap are in use, at most %d are fine", most>>20, maxHostileHeap>>20)
		}
		for _, n := range net.Nodes {
			pending, bytes := n.Chain.PoolSize()
			t.Logf("node %d: %d pending, %d bytes", n.Index, pending, bytes)
			if pending > chain.MaxPoolTransactions || bytes > chain.MaxPoolBytes {
				t.Errorf("node %d: %d pending of %d bytes", n.Index, pending, bytes)
			}
		}
		if pending, _ := net.Nodes[0].Chain.PoolSize(); pending == 0 {
			t.Error("nothing of the flood came in")
		}
		ids := net.Pay(1, 20)
		net.AllKnown(5*time.Second, ids)
		net.Mine(2, 3)
		net.Reach(2*time.Second, net.Nodes[2].Chain.Tip().Hash)
		nobodyBlamed(t, net)
	})
}
