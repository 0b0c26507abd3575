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
// data directories: they meet without multicast, and verbs find them. Each has one file there. Its name begins with the machine's, as
// home directories may be shared.
type localNodes struct {
	dir    string // "": there is none
	prefix string // of the names of this machine's files
	meet   bool   // they look for each other
	log    *slog.Logger
}

// localNode is what a file of the directory says.
type localNode struct {
	PID       int      `json:"pid"`
	Addresses []string `json:"addresses"` // multiaddrs with /p2p/ that work on that machine; none of a node that others are not to dial
	API       []string `json:"api"`       // URLs
}

// newLocalNodes returns the directory for a network's id. A user without a home has none.
func newLocalNodes(cfg Config, network string, log *slog.Logger) localNodes {
	dir, prefix, err := runningDir()
	if err != nil {
		log.Debug("this user's other nodes on this machine are not found", "error", err)
		return localNodes{log: log}
	}
	return localNodes{filepath.Join(dir, network), prefix, cfg.MDNS, log}
}

// runningDir returns the directory that has one for each network, and how the names of this machine's files begin.
func runningDir() (dir, prefix string, err error) {
	home, err := dataHome()
	host, hostErr := os.Hostname()
	return filepath.Join(home, "kuai", "running"), host + "_", errors.Join(err, hostErr)
}

// enter writes the file of n, whose API is at the URLs, and returns what removes it again. Without it the node runs, too.
func (l localNodes) enter(n *p2p.Node, api []string) (leave func()) {
	if l.dir == "" {
		return func() {}
	}
	entry := localNode{PID: os.Getpid(), Addresses: []string{}, API: api}
	if l.meet {
		entry.Addresses = n.LocalAddresses()
	}
	leave, err := l.write(fmt.Sprintf("%s-%d.json", n.ID(), os.Getpid()), entry)
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

// list returns the addresses of the nodes that run.
func (l localNodes) list() (addresses []string) {
	if !l.meet {
		return nil
	}
	for _, n := range l.running() {
		addresses = append(addresses, n.Addresses...)
	}
	return addresses
}

// running returns the nodes that run, and removes the files of those that ended without doing so.
func (l localNodes) running() (nodes []localNode) {
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
		case err != nil: // its node leaves, or it is not a node's
		case !alive(n.PID):
			_ = os.Remove(path)
		default:
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// allRunning returns the nodes of this user that run on this machine, of whatever network.
func allRunning() (nodes []localNode) {
	dir, prefix, err := runningDir()
	if err != nil {
		return nil
	}
	networks, _ := filepath.Glob(filepath.Join(dir, "*")) // a home with a * in its name has none
	for _, network := range networks[:min(len(networks), maxLocalNodes)] {
		nodes = append(nodes, localNodes{dir: network, prefix: prefix, log: slog.New(slog.DiscardHandler)}.running()...)
	}
	return nodes
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
