package store_test

import (
	"flag"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// clones is how many crashes are simulated; by hand: go test ./chain/store -run Crash -timeout 1h -clones 10000
var clones = flag.Int("clones", unlessRaced(1000, 100), "crash clones to open in TestCrashClones")

// unlessRaced is n, and few with the race detector: the engine then keeps a stack for each table that it opens for reading, which
// takes most of the time. What the detector looks for is the same in every clone; what they are counted for is found without it.
func unlessRaced(n, few int) int {
	if raced {
		return few
	}
	return n
}

// disk is a file system that can be cloned at any moment. MemFS alone deadlocks when it is cloned during ReuseForWrite, which
// takes its read lock twice.
type disk struct {
	*vfs.MemFS
	mu sync.Mutex
}

func (d *disk) ReuseForWrite(oldname, newname string, kind vfs.DiskWriteCategory) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.MemFS.ReuseForWrite(oldname, newname, kind)
}

func (d *disk) crash(cfg vfs.CrashCloneCfg) *vfs.MemFS {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.CrashClone(cfg)
}

// clone is a disk as a crash would leave it, and the state that was acknowledged before.
type clone struct {
	fs    *vfs.MemFS
	acked int
}

// TestCrashClones crashes a chain at random moments, with a random part of what was not synced on the disk. Each clone must
// open to a state that the chain went through, not older than the last that was acknowledged, and be sound.
func TestCrashClones(t *testing.T) {
	const perRun = 20
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for run := 0; run*perRun < *clones; run++ {
		r := rules()
		if run%4 == 3 {
			r = chaintest.SecureRules()
		}
		crashRun(t, seed+uint64(run), perRun, r)
		if t.Failed() {
			return
		}
	}
}

func crashRun(t *testing.T, seed uint64, n int, r *consensus.Rules) {
	fs := &disk{MemFS: vfs.NewCrashableMem()}
	st, err := store.OpenOn(fs, "data", smallMemTable)
	if err != nil {
		t.Fatal(err)
	}
	c, err := openChain(st, r)
	if err != nil {
		t.Fatal(err)
	}
	w := startWorkload(t, c, seed)
	if err := w.sync(); err != nil {
		t.Fatal(err)
	}
	moments := make(chan struct{}, 1) // room for one: the clone is taken while the workload goes on
	taken := make(chan []clone)
	go func() { taken <- takeClones(fs, w.h, moments, seed) }()
	for range n {
		for range 1 + w.random.IntN(8) {
			if err := w.step(); err != nil {
				t.Fatal(err)
			}
		}
		moments <- struct{}{}
	}
	close(moments)
	for _, cl := range <-taken {
		cl.check(t, w.h, r)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

func takeClones(fs *disk, h *history, moments <-chan struct{}, seed uint64) (all []clone) {
	random := rand.New(rand.NewPCG(seed, 2))
	for range moments {
		acked := h.acknowledged()
		percent := []int{0, 100, random.IntN(101)}[random.IntN(3)]
		all = append(all, clone{fs.crash(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: random}), acked})
	}
	return all
}

// check opens the clone.
func (cl clone) check(t *testing.T, h *history, r *consensus.Rules) {
	t.Helper()
	st, err := store.OpenOn(cl.fs, "data", smallMemTable)
	if err != nil {
		t.Errorf("a crashed store does not open: %v", err)
		return
	}
	defer st.Close()
	c, err := openChain(st, r)
	if err != nil {
		t.Errorf("a crashed chain does not open: %v", err)
		return
	}
	if !h.since(cl.acked, state(c)) {
		t.Errorf("after a crash the state is none of those from the acknowledged on (tip %d)", c.Tip().Index)
	}
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
