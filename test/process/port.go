package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreePort returns a TCP port of loopback that nobody listens on, and that is this test's until it ends: no other caller gets it, in
// whichever process. It is below the ports that systems give to those who ask for any port, so that nobody gets it in between: a
// daemon listens later, and again after each restart.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		if claim(t, port) && !listening(port) {
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// claim holds the UDP port of the same number until the test ends: the system lets one process have it, and takes it back from one
// that was killed.
func claim(t testing.TB, port int) bool {
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	t.Cleanup(func() { _ = c.Close() })
	return true
}

// listening reports whether somebody listens on the port, on loopback or on all addresses.
func listening(port int) bool {
	for _, host := range []string{"127.0.0.1", ""} {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, port))
		if err != nil {
			return true
		}
		l.Close()
	}
	return false
}
