//go:build linux

package netns

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// space is a network namespace with a loopback.
type space struct {
	t     testing.TB
	name  string
	file  *os.File    // keeps the namespace
	calls chan func() // run on the thread that lives in it
}

func newSpace(t testing.TB, name string) *space {
	t.Helper()
	need(t)
	s := &space{t: t, name: name, calls: make(chan func())}
	made := make(chan error)
	go s.live(made)
	t.Cleanup(func() { close(s.calls) })
	if err := <-made; err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() { _ = s.file.Close() })
	s.run("ip link set lo up")
	return s
}

// live enters a new namespace for good. The thread ends with the goroutine, and what it has started dies with the thread.
func (s *space) live(made chan<- error) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		s.file, err = os.Open("/proc/thread-self/ns/net")
	}
	made <- err
	for call := range s.calls {
		call()
	}
}

// do calls f in the namespace.
func (s *space) do(f func() error) error {
	done := make(chan error)
	s.calls <- func() { done <- f() }
	return <-done
}

// start starts cmd in the namespace, to die with this process.
func (s *space) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return s.do(cmd.Start)
}

// run runs the words of a command in the namespace to its end.
func (s *space) run(command string) {
	s.t.Helper()
	words := strings.Fields(command)
	cmd := exec.Command(words[0], words[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := s.do(cmd.Run); err != nil {
		s.t.Fatalf("%s: %s: %v\n%s", s.name, command, err, out.String())
	}
}

// dial connects from the namespace.
func (s *space) dial(d net.Dialer, address string) (c net.Conn, err error) {
	err = s.do(func() error {
		c, err = d.Dial("tcp", address)
		return err
	})
	return c, err
}

// path is where others find the namespace.
func (s *space) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.file.Fd()) }

// lan is a bridge in a namespace of its own.
type lan struct {
	*space
	ports int
}

func newLAN(t testing.TB, name string) *lan {
	l := &lan{space: newSpace(t, name)}
	l.run("ip link add br0 type bridge")
	l.run("ip link set br0 up")
	return l
}

// join gives s an interface on the bridge, with an address like 198.18.0.1/24.
func (l *lan) join(s *space, dev, address string) {
	l.t.Helper()
	l.ports++
	port := fmt.Sprintf("port%d", l.ports)
	l.run(fmt.Sprintf("ip link add %s type veth peer name %s netns %s", port, dev, s.path()))
	l.run(fmt.Sprintf("ip link set %s master br0 up", port))
	s.run(fmt.Sprintf("ip addr add %s dev %s", address, dev))
	s.run(fmt.Sprintf("ip link set %s up", dev))
}

// need skips the test where this machine cannot run it.
func need(t testing.TB) {
	t.Helper()
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for program, from := range map[string]string{"ip": "iproute2", "iptables": "iptables"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program+" (package "+from+")")
		}
	}
	if _, err := os.Stat(tunDevice); err != nil {
		missing = append(missing, tunDevice)
	}
	switch {
	case len(missing) == 0:
	case os.Getenv("CI") != "":
		t.Fatalf("nodes in network namespaces need %s", strings.Join(missing, ", "))
	default:
		t.Skipf("nodes in network namespaces need %s", strings.Join(missing, ", "))
	}
}
