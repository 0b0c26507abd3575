package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kuai/test/process"
)

// TestScripts runs the sessions in testdata/script against the built command. Each has a home directory and ports of its own:
// $PORT1 to $PORT5 of loopback.
func TestScripts(t *testing.T) {
	bin := buildKuai(t)
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			var ports [5]int
			for i := range ports {
				ports[i] = process.FreePort(t)
			}
			testscript.Run(t, testscript.Params{
				Files: []string{file},
				Setup: func(e *testscript.Env) error {
					e.Setenv("HOME", e.WorkDir)
					e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
					for i, port := range ports {
						e.Setenv(fmt.Sprintf("PORT%d", i+1), fmt.Sprint(port))
					}
					return nil
				},
			})
		})
	}
}

// buildKuai builds the command as the tests are built and returns its directory.
func buildKuai(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	args := []string{"build", "-o", dir}
	if process.Race {
		args = append(args, "-race")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the scripts send signals")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("build kuai: %v\n%s", err, out)
	}
	return dir
}
