package process

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPortIsHeldAcrossProcesses asks for the same ports in another process.
func TestPortIsHeldAcrossProcesses(t *testing.T) {
	const asked = "KUAI_TEST_PORT"
	if port := os.Getenv(asked); port != "" {
		var n int
		_, err := fmt.Sscan(port, &n)
		fmt.Printf("claimed %v, error %v\n", claim(t, n), err)
		return
	}
	var port int
	again := func(want bool) {
		t.Helper()
		cmd := exec.Command(os.Args[0], "-test.run=^TestPortIsHeldAcrossProcesses$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", asked, port))
		out, err := cmd.CombinedOutput()
		if says := fmt.Sprintf("claimed %v, error <nil>", want); err != nil || !strings.Contains(string(out), says) {
			t.Errorf("the other process does not say %q: %v\n%s", says, err, out)
		}
	}
	t.Run("held", func(t *testing.T) {
		port = FreePort(t)
		again(false)
	})
	again(true)
}

func TestPortInUseIsNotFree(t *testing.T) {
	for _, host := range []string{"127.0.0.1", ""} {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		if !listening(port) {
			t.Errorf("port %d of %q seems free", port, host)
		}
		l.Close()
		if listening(port) {
			t.Errorf("port %d of %q seems in use after the close", port, host)
		}
	}
}

func TestCommandsHaveAHomeOfTheirOwn(t *testing.T) {
	t.Setenv("KUAI_PORT", "5009")
	t.Setenv("XDG_DATA_HOME", "/home/me/data")
	t.Setenv("HOME", "/home/me")
	cmd := exec.Command("sh", "-c", `echo "$HOME,$XDG_DATA_HOME,$KUAI_PORT"`)
	cmd.Env = Environment()
	out, err := cmd.Output()
	if err != nil || string(out) != home+",,\n" {
		t.Errorf("%q, %v", out, err)
	}
}
