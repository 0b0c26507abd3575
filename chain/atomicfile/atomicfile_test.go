package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "nodes.json")
	failed := errors.New("the disk is full")
	for _, c := range []struct {
		text string
		err  error
		want string
	}{
		{"first", nil, "first"},
		{"second", nil, "second"},
		{"half of the third", failed, "second"},
	} {
		err := Replace(path, 0o644, func(w io.Writer) error {
			_, err := io.WriteString(w, c.text)
			return errors.Join(err, c.err)
		})
		got, readErr := os.ReadFile(path)
		if !errors.Is(err, c.err) || readErr != nil || string(got) != c.want {
			t.Errorf("%q: %v; the file is %q, %v", c.text, err, got, readErr)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
			t.Errorf("%q leaves %v, %v", c.text, files, err)
		}
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.key")
	if err := Write(path, []byte("key")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := Write(filepath.Join(path, "below"), nil); err == nil {
		t.Error("a file took the place of a directory")
	}
}
