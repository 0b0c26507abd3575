package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"kuai/p2p"
)

// Limits of what is read of the directory of running nodes.
const (
	maxLocalNames = 4096     // names in it
	maxLocalNodes = 64       // of them read: those of this machine
	maxLocalFile  = 16 << 10 // bytes
)

// localNodes is the directory in which the running nodes of one user and network tell each other where they are, whatever their
// data directories: they meet without multicast. Each has one file there. Its name begins with the machine's, as home directories may
// be shared.
type localNodes struct {
	dir    string // "": they do not look for each other
	prefix string // of the names of this machine's files
	log    *slog.Logger
}

// localNode is what a file of the directory says.
type localNode struct {
	PID       int      `json:"pid"`
	Addresses []string `json:"addresses"` // multiaddrs with /p2p/ that work on that machine
}

// newLocalNodes returns the directory for a network's id. A user without a home has none, and neither has a node that is to find
// nobody by itself.
func newLocalNodes(cfg Config, network string, log *slog.Logger) localNodes {
	home, err := dataHome()
	host, hostErr := os.Hostname()
	if err = errors.Join(err, hostErr); err != nil || !cfg.MDNS {
		if err != nil {
			log.Debug("this user's other nodes on this machine are not found", "error", err)
		}
		return localNodes{log: log}
	}
	return localNodes{filepath.Join(home, "kuai", "running", network), host + "_", log}
}

// enter writes the file of n and returns what removes it again. Without it the node runs, too.
func (l localNodes) enter(n *p2p.Node) (leave func()) {
	if l.dir == "" {
		return func() {}
	}
	leave, err := l.write(fmt.Sprintf("%s-%d.json", n.ID(), os.Getpid()), localNode{os.Getpid(), n.LocalAddresses()})
	if err != nil {
		level := slog.LevelInfo
		if errors.Is(err, fs.ErrPermission) { // a container, whose user has no home
			level = slog.LevelDebug
		}
		l.log.Log(context.Background(), level, "this user's other nodes on this machine do not find this one", "error", err)
		return func() {}
	}
	return leave
}

func (l localNodes) write(name string, n localNode) (remove func(), err error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, err
	}
	return writeFile(filepath.Join(l.dir, l.prefix+name), n)
}

// list returns the addresses of the nodes that run, and removes the files of those that ended without doing so.
func (l localNodes) list() (addresses []string) {
	dir, err := os.Open(l.dir)
	if err != nil {
		return nil // no node has run yet
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxLocalNames)
	if err != nil && !errors.Is(err, io.EOF) {
		l.log.Debug("this user's other nodes on this machine are not found", "error", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, l.prefix) || !strings.HasSuffix(name, ".json") // another machine's, or not in its place yet
	})
	for _, name := range names[:min(len(names), maxLocalNodes)] {
		path := filepath.Join(l.dir, name)
		n, err := readLocalNode(path)
		switch {
		case err != nil: // its node leaves, or it is no node's
		case !alive(n.PID):
			_ = os.Remove(path)
		default:
			addresses = append(addresses, n.Addresses...)
		}
	}
	return addresses
}

func readLocalNode(path string) (n localNode, err error) {
	f, err := os.Open(path)
	if err != nil {
		return n, err
	}
	defer f.Close()
	return n, json.NewDecoder(io.LimitReader(f, maxLocalFile)).Decode(&n)
}

// alive reports whether a process runs.
func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }() // a handle, of which nothing is left to do
	if runtime.GOOS == "windows" {
		return true // or it would not have been found
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}
