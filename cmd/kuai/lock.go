package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// errHeld is what tryLock returns where another process holds the lock.
var errHeld = errors.New("held by another process")

// holder is what a lock file says of the process that holds it.
type holder struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// lockedError says who uses the data directory.
type lockedError struct {
	dir string
	by  holder
}

func (e *lockedError) Error() string {
	who := "another process"
	if e.by.PID != 0 {
		who = fmt.Sprintf("process %d, started at %s", e.by.PID, e.by.Started.Format(time.RFC3339))
	}
	return fmt.Sprintf("data directory %s is in use by %s: stop it, or choose another --data-dir or --port", e.dir, who)
}

// lockDir makes dir where it is missing and locks it until release, or until this process dies. The lock file names its holder.
func lockDir(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := tryLock(f); err != nil {
		defer f.Close()
		if errors.Is(err, errHeld) {
			return nil, &lockedError{dir, readHolder(f)}
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	if err := writeHolder(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return func() { _ = f.Truncate(0); f.Close() }, nil
}

func writeHolder(f *os.File) error {
	text, err := json.Marshal(holder{os.Getpid(), time.Now().Truncate(time.Second)})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(append(text, '\n'), 0)
	}
	return err
}

// readHolder returns what the file says, or nothing: its holder may be writing just now.
func readHolder(f *os.File) (h holder) {
	if text, err := io.ReadAll(f); err == nil {
		_ = json.Unmarshal(text, &h)
	}
	return h
}
