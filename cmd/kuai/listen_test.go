package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestTakenOnIPv6: browsers ask ::1 first, so another program there is not ignored.
func TestTakenOnIPv6(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for _, host := range []string{"127.0.0.1", "localhost"} {
		lns, err := listenHTTP(t.Context(), host, port)
		closeAll(lns)
		if exitCode(err) != exitInUse || !strings.Contains(err.Error(), fmt.Sprintf("[::1]:%d", port)) || !strings.Contains(err.Error(), "--port") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// TestInUseOnEverySystem: Windows has numbers of its own for an address in use, and for one that the system has reserved.
func TestInUseOnEverySystem(t *testing.T) {
	for _, code := range []syscall.Errno{syscall.EADDRINUSE, 10048, 10013} {
		err := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", code)}
		if got := exitCode(fmt.Errorf("HTTP: %w", err)); got != exitInUse {
			t.Errorf("error %d: exit code %d, want %d", code, got, exitInUse)
		}
	}
}
