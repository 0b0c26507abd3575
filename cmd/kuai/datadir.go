package main

import (
	"os"
	"path/filepath"
	"strconv"

	"kuai/chain/consensus"
)

// usualDir is where the chain of c's network is kept below home, unless --data-dir says otherwise. A network from a file goes by
// its id, as two may have one name; a directory that an earlier program named by the genesis alone stays in use.
func usualDir(home string, c *Config, r *consensus.Rules) string {
	port := strconv.Itoa(c.Port)
	if isBuiltIn(c.Network) {
		return filepath.Join(home, c.Network, port)
	}
	dir, former := filepath.Join(home, r.Network(), port), filepath.Join(home, r.GenesisNetwork(), port)
	if !exists(dir) && exists(former) {
		return former
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
