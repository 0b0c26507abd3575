package store_test

import (
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/store"
)

// faults fails the writes, syncs, renames, … from number at on: one, or all that follow.
type faults struct {
	mu        sync.Mutex
	at, count int
	forever   bool
	seen      map[string]int // operations by kind of file
}

func (f *faults) String() string { return "faults" }

// MaybeError implements errorfs.Injector.
func (f *faults) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	base := strings.TrimLeft(path.Base(op.Path), "0123456789")
	f.seen[strings.TrimRight(base, "-.0123456789")]++
	if f.count == f.at || f.forever && f.count > f.at {
		return errorfs.ErrInjected
	}
	return nil
}

// failing is a disk with faults. errorfs alone lets through what is written to a log that is used again.
type failing struct {
	*errorfs.FS
	f *faults
}

func (d failing) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := d.FS.ReuseForWrite(from, to, category)
	if err != nil {
		return nil, err
	}
	return errorfs.WrapFile(file, errorfs.InjectorFunc(func(op errorfs.Op) error {
		op.Path = "reused"
		return d.f.MaybeError(op)
	})), nil
}

// came reports whether an operation failed.
func (f *faults) came() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count >= f.at
}

// faultSteps is long enough for several changes of the log, tables and compactions.
const faultSteps = 80

// TestEveryWriteFails fails each write, sync, rename, … of a workload in turn, once and from then on (with -short or the race
// detector every seventh). Nothing panics, nothing is acknowledged that is not on disk, the chain says that it takes no more, and
// what is held can be read.
func TestEveryWriteFails(t *testing.T) {
	for _, forever := range []bool{false, true} {
		for at := 1; ; at++ {
			if (testing.Short() || raced) && at%7 != 0 {
				continue
			}
			f := &faults{forever: forever, at: at, seen: make(map[string]int)}
			if !faultRun(t, f) {
				t.Logf("%d operations change the disk: %v", at-1, f.seen)
				for _, kind := range []string{".log", "reused", ".sst", "MANIFEST", "data"} {
					if f.seen[kind] == 0 {
						t.Errorf("the workload never changes a file of kind %s", kind)
					}
				}
				break
			}
			if t.Failed() {
				t.Fatalf("with operation %d failed, forever %v", at, forever)
			}
		}
	}
}

// faultRun reports whether the fault came.
func faultRun(t *testing.T, f *faults) bool {
	disk := vfs.NewCrashableMem()
	st, err := store.OpenOn(failing{errorfs.Wrap(disk, f), f}, "data", smallMemTable)
	if err != nil {
		return true // said so before anything was acknowledged
	}
	c, err := openChain(st, rules())
	if err != nil {
		_ = st.Close() // the chain's error came first
		return true
	}
	w := startWorkload(t, c, 7)
	err = w.sync()
	for i := 0; err == nil && i < faultSteps; i++ {
		err = w.step()
	}
	if err != nil {
		refusesAll(t, c, w)
	}
	held := state(c)
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Errorf("reading after the failure: %v", err)
	}
	crashed := clone{disk.CrashClone(vfs.CrashCloneCfg{}), w.h.acknowledged()}
	if err := st.Close(); err != nil && !f.came() {
		t.Errorf("closing: %v", err)
	}
	crashed.check(t, w.h, rules())
	clone{disk, w.h.acknowledged()}.check(t, w.h, rules())
	if !f.came() {
		return false
	}
	if !w.h.since(0, held) {
		t.Error("after the failure the chain shows a state that it was never in")
	}
	return true
}

// refusesAll checks that a chain whose disk failed takes nothing more.
func refusesAll(t *testing.T, c *chain.Chain, w *workload) {
	t.Helper()
	before := state(c)
	if _, err := c.Submit(chaintest.Payment(), ""); err == nil {
		t.Error("a payment is taken after the failure")
	}
	if _, err := c.Add(w.block(c.Tip()), ""); err == nil {
		t.Error("a block is taken after the failure")
	}
	if err := c.AddMined(w.block(c.Tip())); err == nil {
		t.Error("a mined block is acknowledged after the failure")
	}
	if c.Sync() == nil || c.Err() == nil {
		t.Error("a sync is acknowledged after the failure")
	}
	if state(c) != before {
		t.Error("the state changed after the failure")
	}
}
