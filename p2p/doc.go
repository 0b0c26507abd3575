// Package p2p carries blocks and transactions between nodes.
package p2p
