package main

import (
	"encoding/json"
	"fmt"
	"kuai/chain/atomicfile"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// nodeFile is what the data directory's node.json says while a daemon runs.
type nodeFile struct {
	PID       int      `json:"pid"`
	Version   string   `json:"version"`
	Network   string   `json:"network"`    // its name
	NetworkID string   `json:"network_id"` // genesis and rules
	Genesis   string   `json:"genesis"`
	PeerID    string   `json:"peer_id"`
	Addresses []string `json:"addresses"` // multiaddrs with /p2p/
	API       []string `json:"api"`       // URLs
}

// nodeFileName is the node file's name in the data directory.
const nodeFileName = "node.json"

// readNodeFile reads a node file.
func readNodeFile(path string) (n nodeFile, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	return n, err
}

// write puts n into dir and returns what removes it again.
func (n nodeFile) write(dir string) (remove func(), err error) {
	return writeFile(filepath.Join(dir, nodeFileName), n)
}

// writeFile writes v as JSON and returns what removes the file again. Programs may read it at any time.
func writeFile(path string, v any) (remove func(), err error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(path, append(text, '\n')); err != nil {
		return nil, fmt.Errorf("node file: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil
}

// urls gives the http URLs of the listeners, "localhost" for one on all interfaces.
func urls(lns []net.Listener) []string {
	var all []string
	for _, l := range lns {
		a := l.Addr().(*net.TCPAddr)
		host := a.IP.String()
		if a.IP.IsUnspecified() {
			host = "localhost"
		}
		all = append(all, "http://"+net.JoinHostPort(host, strconv.Itoa(a.Port)))
	}
	return all
}
