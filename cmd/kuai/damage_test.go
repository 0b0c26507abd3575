package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamageNamesARemedy overwrites the middle of the store's tables, and other files of the directory.
func TestDamageNamesARemedy(t *testing.T) {
	dir, _ := keptChain(t, 40)
	says(t, exitOK, "41 blocks are valid", "verify", "--data-dir", dir) // which moves the log into tables
	spoil(t, filepath.Join(dir, "store", "*.sst"))
	for _, verb := range [][]string{{"verify"}, {"export", "-"}, {"import", write(t, `{"chain": [], "length": 0}`)}} {
		code, _, errOut := kuai(nil, append(verb, "--data-dir", dir)...)
		if code != exitDamaged || strings.Contains(errOut, "carrier") || !strings.Contains(errOut, "kuai import FILE") ||
			!strings.Contains(errOut, filepath.Join(dir, "store")) {
			t.Errorf("%s: exit code %d:\n%s", verb[0], code, errOut)
		}
	}

	dir, _ = keptChain(t, 1)
	if err := os.WriteFile(filepath.Join(dir, "identity.key"), []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := kuai(nil, "daemon", "-p", "0", "--mdns=false", "--data-dir", dir)
	if code != exitDamaged || !strings.Contains(errOut, "identity.key") || !strings.Contains(errOut, "delete it") || strings.Contains(errOut, "import") {
		t.Errorf("identity: exit code %d:\n%s", code, errOut)
	}

	other := write(t, `{"name": "other", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 5, "transactions": []}}`)
	code, _, errOut = kuai(nil, "verify", "--data-dir", dir, "--network", other)
	if code != exitDamaged || !strings.Contains(errOut, "--network") || strings.Contains(errOut, "import") || strings.Contains(errOut, "damaged") {
		t.Errorf("another network: exit code %d:\n%s", code, errOut)
	}
}

// spoil overwrites the middle third of each file that matches.
func spoil(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := len(text) / 3; i < 2*len(text)/3; i++ {
			text[i] ^= 0xff
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExportKeepsFiles(t *testing.T) {
	dir, _ := keptChain(t, 1)
	file := write(t, "precious")
	says(t, exitUsage, file+" exists: --force replaces it", "export", file, "--data-dir", dir)
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	says(t, exitOK, "2 blocks written to "+file, "export", file, "--force", "--data-dir", dir)
	for _, args := range [][]string{{"export", "/dev/null"}, {"export", "/dev/null", "--force"}, {"export", dir, "--force"}} {
		says(t, exitUsage, "is not a file", append(args, "--data-dir", dir)...)
	}
}
