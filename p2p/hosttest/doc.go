// Package hosttest makes bare hosts on the loopback interface for the tests of package p2p and its rooms, and
// waits for what they do. Whole nodes on simulated links are in package p2ptest.
package hosttest
