//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kuai/chain/chaintest"
)

// notify makes a notifier of a script of sh, which gets a new directory as $0 and the hash as $1.
func notify(t *testing.T, script string) (n *notifier, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	return newNotifier("sh -c '"+script+"' "+dir+" %s", chaintest.Open(t, chaintest.Rules()), slog.New(slog.DiscardHandler)), dir
}

// runs has n run until stop is called, or the test ends.
func runs(t *testing.T, n *notifier) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// TestBlockNotifyRunsOnceForTipsThatComeMeanwhile: one run at a time, for the newest tip.
func TestBlockNotifyRunsOnceForTipsThatComeMeanwhile(t *testing.T) {
	n, dir := notify(t, "echo $1 > $0/fifo; read go < $0/fifo")
	runs(t, n)
	for range 3 {
		for range 4 { // those after the first come while the command runs
			chaintest.MineOn(t, n.chain, 1)
		}
		hash := readFifo(t, dir)
		if tip := n.chain.Tip().Hash.String(); hash != tip {
			writeFifo(t, dir)
			if hash = readFifo(t, dir); hash != tip {
				t.Errorf("told of %s, the tip is %s", hash, tip)
			}
		}
		writeFifo(t, dir)
	}
}

func readFifo(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "fifo"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func writeFifo(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "fifo"), []byte("go\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBlockNotifyEndsWithAllThatItStarted, when the node stops and when its time is over.
func TestBlockNotifyEndsWithAllThatItStarted(t *testing.T) {
	n, dir := notify(t, "sleep 1000 > $0/fifo & wait")
	stop := runs(t, n)
	chaintest.MineOn(t, n.chain, 1)
	f, err := os.Open(filepath.Join(dir, "fifo")) // waits for the sleep
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stop()
	if _, err := f.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	n.limit = time.Millisecond
	if err := n.notify(t.Context(), n.told); err == nil || !strings.Contains(err.Error(), "it was ended after 1ms") {
		t.Errorf("its time is over: %v", err)
	}
}

// TestBlockNotifyFailuresAreToldOnce, with what the command printed.
func TestBlockNotifyFailuresAreToldOnce(t *testing.T) {
	n, _ := notify(t, "echo broken $1; exit 3")
	var out bytes.Buffer
	n.log = slog.New(slog.NewTextHandler(&out, nil))
	for range 3 {
		n.report(t.Context(), n.told, n.notify(t.Context(), n.told))
	}
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "exit status 3: broken "+n.told.String()) {
		t.Errorf("%q", text)
	}
	n.report(t.Context(), n.told, nil)
	if text := out.String(); !strings.Contains(text, "succeeds again") {
		t.Errorf("%q", text)
	}
	n, _ = notify(t, "yes | head -c 100000; exit 3")
	if err := n.notify(t.Context(), n.told); err == nil || len(err.Error()) > 2*maxNotifyOutput {
		t.Errorf("the output is not bounded: %d bytes", len(err.Error()))
	}
	n = newNotifier("/nowhere/command %s", n.chain, n.log)
	if err := n.notify(t.Context(), n.told); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no command: %v", err)
	}
}
