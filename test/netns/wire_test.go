//go:build linux

package netns

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	tunDevice = "/dev/net/tun"
	packet    = 1<<16 + 64 // a packet of several segments, and what the kernel says of it
	underway  = 1 << 14    // packets on a wire, each way; more are lost
)

// stretch joins two namespaces by a wire on which a packet takes delay, either way: two TUN devices, whose packets this process
// carries over. What tc's netem does, on kernels that lack it. Packets are as the kernel makes them, several segments in one, so
// that TCP sees nothing but the time.
func stretch(t testing.TB, delay time.Duration, a *space, addressA string, b *space, addressB string) {
	t.Helper()
	endA, endB := tun(t, a, addressA), tun(t, b, addressB)
	var carriers sync.WaitGroup
	carriers.Go(func() { carry(endA, endB, delay) })
	carriers.Go(func() { carry(endB, endA, delay) })
	t.Cleanup(func() {
		if err := errors.Join(endA.Close(), endB.Close()); err != nil {
			t.Error(err)
		}
		carriers.Wait()
	})
}

// tun makes a device called far in s.
func tun(t testing.TB, s *space, address string) *os.File {
	t.Helper()
	request, err := unix.NewIfreq("far")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	var fd int
	err = s.do(func() error { // it belongs to the namespace that it is opened in
		if fd, err = unix.Open(tunDevice, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			return err
		}
		return unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4)
	})
	if err != nil {
		t.Fatalf("make a device of %s: %v", tunDevice, err)
	}
	s.run(fmt.Sprintf("ip addr add %s dev far", address))
	s.run("ip link set far up txqueuelen 10000")
	return os.NewFile(uintptr(fd), tunDevice)
}

// sent is a packet and when it arrives.
type sent struct {
	bytes []byte
	due   time.Time
}

// carry takes packets from one end to the other until the ends are closed.
func carry(from, to *os.File, delay time.Duration) {
	wire := make(chan sent, underway)
	var deliverer sync.WaitGroup
	defer deliverer.Wait()
	defer close(wire)
	deliverer.Go(func() {
		for p := range wire {
			time.Sleep(time.Until(p.due))
			_, _ = to.Write(p.bytes) // an end that is down loses it
		}
	})
	buffer := make([]byte, packet)
	for {
		n, err := from.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		select {
		case wire <- sent{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}:
		default:
		}
	}
}
