package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
	"kuai/test/process"
)

// typist runs a command on a terminal of its own.
type typist struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	closed chan struct{} // the last end of the terminal is closed

	mu    sync.Mutex
	shown strings.Builder
}

func startTyping(t *testing.T, bin string, args ...string) *typist {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "kuai"), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ty := &typist{t: t, master: master, cmd: cmd, closed: make(chan struct{})}
	t.Cleanup(func() { slave.Close() })
	t.Cleanup(func() { cmd.Process.Kill() })
	go func() {
		defer close(ty.closed)
		_, _ = io.Copy(ty, master) // ends with an error when the terminal is closed
	}()
	return ty
}

// Write takes what the terminal shows.
func (ty *typist) Write(p []byte) (int, error) {
	ty.mu.Lock()
	defer ty.mu.Unlock()
	return ty.shown.Write(p)
}

func (ty *typist) text() string {
	ty.mu.Lock()
	defer ty.mu.Unlock()
	return ty.shown.String()
}

// echoes reports whether the terminal shows what is typed.
func (ty *typist) echoes() bool {
	state, err := unix.IoctlGetTermios(int(ty.master.Fd()), unix.TCGETS)
	return err == nil && state.Lflag&unix.ECHO != 0
}

// types waits until the terminal asks the question and hides what is typed, and types.
func (ty *typist) types(question, text string) {
	ty.t.Helper()
	process.Eventually(ty.t, question, time.Minute, func() error {
		if shown := ty.text(); !strings.Contains(shown, question) || ty.echoes() {
			return fmt.Errorf("shown: %q", shown)
		}
		return nil
	})
	if _, err := io.WriteString(ty.master, text); err != nil {
		ty.t.Fatal(err)
	}
}

// ends waits for the command and returns its exit code and what was shown.
func (ty *typist) ends() (code int, shown string) {
	ty.t.Helper()
	ty.cmd.Wait()
	if !ty.echoes() {
		ty.t.Error("the terminal still hides what is typed")
	}
	ty.cmd.Stdin.(*os.File).Close()
	<-ty.closed
	return ty.cmd.ProcessState.ExitCode(), ty.text()
}

// TestPasswordOnTerminal types passwords on a terminal, which shows none of them.
func TestPasswordOnTerminal(t *testing.T) {
	bin, dir := buildKuai(t), filepath.Join(t.TempDir(), "wallets")
	for _, c := range []struct {
		typed []string
		code  int
		says  string
	}{
		{[]string{"secret one\r", "secret two\r"}, exitFailure, "the two passwords differ"},
		{[]string{"\r"}, exitFailure, "the password is empty"},
		{[]string{"secret\x03"}, exitFailure, "interrupted"},
		{[]string{"secret one\r", "secret one\r"}, exitOK, "not shown again"},
	} {
		ty := startTyping(t, bin, "wallet", "new", "alice", "--wallet-dir", dir, "--work", "10")
		for i, text := range c.typed {
			ty.types([]string{"Password for the new wallet: ", "The same again: "}[i], text)
		}
		if code, shown := ty.ends(); code != c.code || !strings.Contains(shown, c.says) || strings.Contains(shown, "secret one") {
			t.Errorf("%q: exit code %d, want %d with %q: %q", c.typed, code, c.code, c.says, shown)
		}
	}
	ty := startTyping(t, bin, "wallet", "show", "alice", "--wallet-dir", dir)
	if code, shown := ty.ends(); code != exitOK || !strings.Contains(shown, "12D3KooW") {
		t.Errorf("show: exit code %d: %q", code, shown)
	}
	ty = startTyping(t, bin, "wallet", "export", "alice", "--wallet-dir", dir)
	ty.types("Password: ", "secret one\r")
	if code, shown := ty.ends(); code != exitOK || len(strings.TrimSpace(strings.TrimPrefix(shown, "Password: "))) != 64 {
		t.Errorf("export: exit code %d: %q", code, shown)
	}
}

// TestNoTerminal: a process without a terminal is told what to give instead.
func TestNoTerminal(t *testing.T) {
	bin := buildKuai(t)
	for verb, says := range map[string]string{"new": "give --password-file FILE or --password-fd N\n", "import": "and FILE (- for standard input)"} {
		cmd := exec.Command(filepath.Join(bin, "kuai"), "wallet", verb, "alice", "--wallet-dir", t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), says) {
			t.Errorf("%s: exit code %d: %s", verb, cmd.ProcessState.ExitCode(), out)
		}
	}
}

// TestSendAsksOnTerminal: a payment to an address without a name is stopped by any answer but yes.
func TestSendAsksOnTerminal(t *testing.T) {
	bin, dir := buildKuai(t), t.TempDir()
	bob := wallet.DevelopmentKey("bob").Address().String()
	url := readOnlyNode(t, consensus.Secure().Network())
	key, err := wallet.RandomKey()
	if err == nil {
		err = wallet.Wallets{Dir: dir}.Create("ann", key, "secret", wallet.MinWork)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		answer, flag string
		says         string
	}{
		{"n\r", "--json=false", "kuai: nothing was sent"},
		{"\r", "--json=false", "kuai: nothing was sent"},
		{"\x03", "--json=false", "kuai: nothing was sent"},
		{"y\r", "--json=false", "the password is wrong"},
		{"", "--yes", "the password is wrong"},
	} {
		ty := startTyping(t, bin, "send", "ann", bob, "1", c.flag, "--wallet-dir", dir, "--password-file", write(t, "x"), "--api", url)
		if c.answer != "" {
			process.Eventually(t, "a question", time.Minute, func() error {
				if shown := ty.text(); !strings.Contains(shown, "Pay it? [y/N] ") {
					return fmt.Errorf("shown: %q", shown)
				}
				return nil
			})
			if _, err := io.WriteString(ty.master, c.answer); err != nil {
				t.Fatal(err)
			}
		}
		if code, shown := ty.ends(); code != exitFailure || !strings.Contains(shown, c.says) || strings.Contains(shown, "Pay it?") != (c.answer != "") {
			t.Errorf("%q: exit code %d: %q", c.answer, code, shown)
		}
	}
}
