package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kuai/rpc/api"
)

// TestFullDisk fills the disk under a node: it says so, goes on answering, ends with code 1, and has everything that it
// acknowledged once there is room again. A peer beside it never sees what was refused.
func TestFullDisk(t *testing.T) { onEachProfile(t, fullDiskStory) }

func fullDiskStory(t *testing.T, n network) {
	d := newDaemonOn(t, n)
	smallDisk(t, filepath.Dir(d.dir))
	d.Start()
	peer := startDaemonOn(t, n, "--peer", d.url())
	var said acknowledged
	said.mineOne(t, d)
	filler := fillDisk(t, filepath.Dir(d.dir))

	var err error
	for range 1000 {
		var b api.Forged
		if err = d.ask("GET", "/mine", nil, 200, &b); err != nil {
			break
		}
		said.blocks = append(said.blocks, b)
	}
	if err == nil || !strings.Contains(err.Error(), "status 507") || !strings.Contains(err.Error(), "no space left on device") {
		t.Fatalf("the node does not say that the disk is full: %v", err)
	}
	if err := d.tryPay(paymentID(1)); err == nil || !strings.Contains(err.Error(), "status 507") {
		t.Errorf("a payment on a full disk: %v", err)
	}
	register := []byte(`{"nodes":["http://127.0.0.1:9"]}`)
	err = d.ask("POST", "/nodes/register", register, 201, &struct{}{})
	if err == nil || !strings.Contains(err.Error(), "status 507") || !strings.Contains(err.Error(), "Nothing was changed") {
		t.Errorf("a registration on a full disk: %v", err)
	}
	said.check(t, d, 0) // reads go on
	agreed(t, d, peer)
	if n := peer.node().Height; n != int64(len(said.blocks))+1 {
		t.Errorf("the peer has %d blocks, %d were acknowledged", n, len(said.blocks))
	}
	peer.mine() // whatever the peer has pending is in this block
	err = peer.ask("GET", "/transactions/"+paymentID(1), nil, 200, &api.TransactionInfo{})
	if err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("the peer knows the payment that was refused: %v", err)
	}
	var ready api.Readiness
	if err := d.ask("GET", "/readyz", nil, 503, &ready); err != nil || ready.Error == "" {
		t.Errorf("readyz: %q, %v", ready.Error, err)
	}
	if code := d.Signal(syscall.SIGTERM); code != 1 || !strings.Contains(d.Out.String(), "\nkuai: store: the disk failed") {
		t.Errorf("ended with %d, want 1 and the reason:\n%s", code, d.Out)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	d.Start()
	said.check(t, d, 1)
	said.mineOne(t, d)
	d.Stop()
}

func (a *acknowledged) mineOne(t *testing.T, d *daemon) {
	t.Helper()
	a.blocks = append(a.blocks, d.mine())
}

// smallDisk mounts 12 MiB at dir. That is less than a log takes beforehand on a larger disk: it would have room when all else is full.
func smallDisk(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", dir).CombinedOutput()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("mount: %v: %s", err, out)
		}
		t.Skipf("a small disk is mounted for this test, as root: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "--lazy", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
}

// fillDisk writes a file until there is no more room, and returns its path.
func fillDisk(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, endless{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(fmt.Errorf("filling the disk: %w", err))
	}
	return f.Name()
}

// endless reads as zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
