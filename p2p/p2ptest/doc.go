// Package p2ptest builds networks of real nodes on simulated links, in virtual time.
//
//	synctest.Test(t, func(t *testing.T) {
//		net := p2ptest.New(t, p2ptest.Options{Nodes: 5, Links: p2ptest.Line})
//		net.Mine(0, 1)
//		net.Converge(time.Second)
//	})
//
// A node here is what the daemon runs: p2p.Node on a libp2p host, a chain on the store's engine in memory. Only
// the wire is simulated: QUIC packets travel through simnet, with latency, loss, links that do not exist and
// partitions. Everything must run inside a synctest bubble, whose clock jumps to the next event when all
// goroutines wait.
package p2ptest
