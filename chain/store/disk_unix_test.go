//go:build unix

package store_test

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"kuai/chain/chaintest"
)

// TestDiskUse: a store of 1,000 blocks of one payment takes no more than 8 MiB on disk, while it is open and after
// each of several restarts.
func TestDiskUse(t *testing.T) {
	const most = 8 << 20
	dir := t.TempDir()
	for round := range 4 {
		c, shut := chaintest.OpenDisk(t, rules(), dir)
		for range 100 {
			chaintest.Grow(t, c, 10/(1+9*min(round, 1)))
		}
		open := diskUse(t, dir)
		shut()
		closed := diskUse(t, dir)
		t.Logf("round %d: %d KiB open, %d KiB closed", round, open>>10, closed>>10)
		if open > most || closed > most {
			t.Errorf("round %d: a small store takes %d bytes open, %d closed, more than %d", round, open, closed, most)
		}
	}
}

// diskUse returns what the files in dir take on disk.
func diskUse(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		bytes += info.Sys().(*syscall.Stat_t).Blocks * 512 // also what was preallocated
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
