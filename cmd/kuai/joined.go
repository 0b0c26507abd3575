package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kuai/chain/atomicfile"
	"kuai/cmd/kuai/invite"
)

// Files of a network that was joined by a code. They are beside the data directories of its nodes, or in the directory that --data-dir names.
const (
	inviteFileName  = "invitation" // the code: who reads it can join
	networkFileName = "network.json"
	swarmFileName   = "swarm.key"
)

const maxInviteFile = 16 << 10 // bytes read of a kept code

// keepInvitation writes the files of a network into dir. The code is written each time, as the newest one is the network that was used last.
func keepInvitation(dir string, i invite.Invitation) error {
	code, err := i.Code()
	if err != nil {
		return err
	}
	if err := atomicfile.Directory(dir); err != nil {
		return fmt.Errorf("directory of the network: %w", err)
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{networkFileName, i.File()}, {swarmFileName, i.KeyFile()}, {inviteFileName, []byte(code + "\n")}} {
		if f.text == nil {
			continue
		}
		err := atomicfile.Replace(filepath.Join(dir, f.name), 0o600, func(w io.Writer) error { _, err := w.Write(f.text); return err })
		if err != nil {
			return fmt.Errorf("invitation: %w", err)
		}
	}
	return nil
}

// errNoInvitation is the error of lastInvitation if no network was joined.
var errNoInvitation = errors.New("no network was joined on this machine: give the code that 'kuai invite' showed")

// lastInvitation returns the invitation in dir or, if dir is "", that of the network of this user that was made or joined last.
func lastInvitation(dir string) (invite.Invitation, error) {
	files := []string{filepath.Join(dir, inviteFileName)}
	if dir == "" {
		home, err := dataHome()
		if err != nil {
			return invite.Invitation{}, err
		}
		files, _ = filepath.Glob(filepath.Join(home, "kuai", "*", inviteFileName)) // a home with a * in its name has none
	}
	newest, at := "", time.Time{}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && (newest == "" || info.ModTime().After(at)) {
			newest, at = file, info.ModTime()
		}
	}
	if newest == "" {
		return invite.Invitation{}, errNoInvitation
	}
	text, err := readSmallText(newest, maxInviteFile)
	if err != nil {
		return invite.Invitation{}, err
	}
	i, err := invite.Parse(string(text))
	if err != nil {
		err = fmt.Errorf("%s: %w", newest, err)
	}
	return i, err
}

// networkDir is where the data directories of a network's nodes are.
func networkDir(id string) (string, error) {
	home, err := dataHome()
	return filepath.Join(home, "kuai", id), err
}

// isAbsent reports whether there is simply no kept invitation.
func isAbsent(err error) bool {
	return errors.Is(err, errNoInvitation) || errors.Is(err, fs.ErrNotExist)
}
