package rpc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/store"
)

// full is a disk that fails its writes, or only its syncs, once it is told to.
type full struct{ writes, syncs atomic.Bool }

func (f *full) String() string { return "full" }

// MaybeError implements errorfs.Injector.
func (f *full) MaybeError(op errorfs.Op) error {
	sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
	if f.syncs.Load() && sync || f.writes.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		return syscall.ENOSPC
	}
	return nil
}

// onDiskThatFails is a node with a payment and a block, on a disk that f fails.
func onDiskThatFails(t *testing.T) (n *node, disk *vfs.MemFS, f *full) {
	t.Helper()
	disk, f = vfs.NewCrashableMem(), &full{}
	st, err := store.OpenOn(errorfs.Wrap(disk, f), "data", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	c, err := chain.Open(st, chaintest.Rules(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(c.Close(), st.Close()) }) // the disk has failed
	chaintest.MineOn(t, c, 1)
	if _, err := c.Pay(chaintest.Payment()); err != nil {
		t.Fatal(err)
	}
	net := &fakeNetwork{id: testPeer}
	m := &testMiner{chain: c, name: net.id, MinerStatus: MinerStatus{Mode: "manual", Cores: 2, Share: 100}}
	return &node{New(Config{}, c, net, m, quiet()), net, m}, disk, f
}

// seen is what clients, peers and the miner can see of a node.
func (n *node) seen() string {
	events, _ := n.chain.Events(0)
	count, bytes := n.chain.PoolSize()
	text := fmt.Sprint(n.chain.Tip(), len(events), count, bytes, chaintest.PendingIDs(n.chain), n.chain.Draft("m"), n.chain.Locator())
	for _, path := range []string{"/chain", "/transactions/pending", "/blocks/latest", "/mining/work", "/peers", "/forks"} {
		text += n.do("GET", path, "").Body.String()
	}
	return text
}

// TestFailedMeansNothingHappened: whatever the API answers with 507 has changed nothing that anybody can see, and reports whether it may
// be there after a restart.
func TestFailedMeansNothingHappened(t *testing.T) {
	const unknown, nothing = "is not known", "Nothing was changed"
	for name, tc := range map[string]struct {
		method, path string
		body         func(*node) string
		first        string // of the answer when the disk fails at this request
	}{
		"a payment": {"POST", "/transactions/new", func(*node) string { return `{"sender":"a","recipient":"b","amount":5}` }, unknown},
		"a payment with its id": {"POST", "/transactions/new", func(*node) string {
			return `{"sender":"a","recipient":"b","amount":5,"id":"` + strings.Repeat("a", 32) + `"}`
		}, unknown},
		"a block":                  {"GET", "/mine", func(*node) string { return "" }, unknown},
		"blocks":                   {"POST", "/mine", func(*node) string { return `{"blocks": 3}` }, unknown},
		"a proof found elsewhere":  {"POST", "/mining/submit", proofFor, unknown},
		"resolving, without peers": {"GET", "/nodes/resolve", func(*node) string { return "" }, ""},
	} {
		for _, what := range []string{"writes", "syncs"} {
			t.Run(name+", "+what, func(t *testing.T) {
				n, _, f := onDiskThatFails(t)
				body := tc.body(n)
				before := n.seen()
				f.writes.Store(what == "writes")
				f.syncs.Store(what == "syncs")
				for i, want := range []string{tc.first, nothing} {
					w := n.do(tc.method, tc.path, body, "Accept: application/json")
					if want == "" {
						return // it writes nothing
					}
					if i > 0 && strings.HasPrefix(name, "a payment with") {
						want = unknown // still
					}
					if w.Code != http.StatusInsufficientStorage || !strings.Contains(w.Body.String(), want) {
						t.Errorf("answer %d is %d %s, want %q", i+1, w.Code, w.Body, want)
					}
					if now := n.seen(); now != before {
						t.Errorf("refused, and seen:\n%s\nbefore:\n%s", now, before)
					}
				}
			})
		}
	}
}

func proofFor(n *node) string {
	work := n.miner.Work()
	return fmt.Sprintf(`{"parent": "%s", "proof": %d}`, work.Parent.Hash, chaintest.Proof(n.chain.Rules(), work.Parent))
}

// TestUnsettledPaymentNamesItsID: after a payment whose outcome is not known the client sends the id that the answer names again, and
// the payment is there once, whether the disk has it or not.
func TestUnsettledPaymentNamesItsID(t *testing.T) {
	n, disk, f := onDiskThatFails(t)
	f.syncs.Store(true)
	answer := decode(t, n.do("POST", "/transactions/new", `{"sender":"a","recipient":"b","amount":5}`, "Accept: application/json"), 507)
	id, _ := answer["id"].(string)
	if hint, _ := answer["hint"].(string); len(id) != 32 || !strings.Contains(hint, id) {
		t.Fatalf("the answer does not say how to send the payment again: %v", answer)
	}
	for _, percent := range []int{0, 100} { // of what was not synced
		left := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 2))})
		st, err := store.OpenOn(left, "data", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		c, err := chain.Open(st, chaintest.Rules(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		again := &node{New(Config{}, c, n.net, n.miner, quiet()), n.net, n.miner}
		if w := again.do("POST", "/transactions/new", `{"sender":"a","recipient":"b","amount":5,"id":"`+id+`"}`); w.Code != http.StatusCreated {
			t.Errorf("sent again: %d %s", w.Code, w.Body)
		}
		if count, _ := c.PoolSize(); count != 2 {
			t.Errorf("%d payments are pending, want the first and this one", count)
		}
		if err := errors.Join(c.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestFilesOnAFullDisk: a registration that cannot be remembered is 507 as well, and has not happened.
func TestFilesOnAFullDisk(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS} {
		err := fmt.Errorf("remember registered nodes: %w", &os.PathError{Op: "write", Path: "nodes.json", Err: cause})
		if p := problemOf(err); p.status != http.StatusInsufficientStorage || !strings.HasPrefix(p.detail, "Nothing was changed") {
			t.Errorf("%v: %d %s", cause, p.status, p.detail)
		}
	}
	if p := problemOf(&os.PathError{Op: "open", Path: "nodes.json", Err: syscall.ENOENT}); p.status != http.StatusInternalServerError {
		t.Errorf("a missing file: %d", p.status)
	}
}
