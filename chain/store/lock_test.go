package store_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"kuai/chain/store"
)

// TestSecondProcess: a directory that another process has open is refused by name.
func TestSecondProcess(t *testing.T) {
	const env = "KUAI_TEST_STORE_DIR"
	if dir := os.Getenv(env); dir != "" {
		if _, err := store.Open(dir); !errors.Is(err, store.ErrLocked) {
			t.Errorf("opening a store that is open: %v", err)
		}
		return
	}
	dir := t.TempDir()
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	second := exec.Command(os.Args[0], "-test.run=TestSecondProcess")
	second.Env = append(os.Environ(), env+"="+dir)
	if out, err := second.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestClosedStore(t *testing.T) {
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	b := st.NewBatch()
	b.SetMeta("x", nil)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.Apply(b); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Apply after Close: %v", err)
	}
	if err := st.Sync(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Sync after Close: %v", err)
	}
}
