package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portHolder names the process that listens on a TCP port, "" if the system does not tell. Linux does in /proc, of other users' processes
// the user only.
func portHolder(port int) string {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		if inode, user, ok := listenerIn(string(text), port); ok {
			if process := socketOwner(inode); process != "" {
				return process
			}
			return "a process of user " + user
		}
	}
	return ""
}

// listenerIn looks for the socket that listens on a port in the form of /proc/net/tcp.
func listenerIn(table string, port int) (inode, user string, ok bool) {
	const listening = "0A"
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(strings.NewReader(table))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) > 9 && f[3] == listening && strings.HasSuffix(f[1], suffix) {
			return f[9], f[7], true
		}
	}
	return "", "", false
}

// socketOwner names the process that has a socket open, "" if it is not ours to see.
func socketOwner(inode string) string {
	want := "socket:[" + inode + "]"
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is right
	for _, file := range files {
		if target, err := os.Readlink(file); err != nil || target != want {
			continue
		}
		dir := filepath.Dir(filepath.Dir(file))
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		if pid, pidErr := strconv.Atoi(filepath.Base(dir)); err == nil && pidErr == nil {
			return fmt.Sprintf("%q, process %d,", strings.TrimSpace(string(name)), pid)
		}
	}
	return ""
}
