//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// killGroup makes the end of c's context end all that c has started, too.
func killGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
