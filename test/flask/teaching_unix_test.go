//go:build unix

package flask

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"kuai/test/process"
)

// TestGradersOfTheDocuments runs the autograders that docs/TEACHING.md shows, on the tutorial's program as the submission.
func TestGradersOfTheDocuments(t *testing.T) {
	text, err := os.ReadFile("../../docs/TEACHING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ language, points, report string }{
		{"sh", "--gradescope", "autograder/results/results.json"},
		{"python", "--classroom50", "autograder/submission/result.json"},
	} {
		t.Run(c.language, func(t *testing.T) {
			block := regexp.MustCompile("(?s)```" + c.language + "\n([^`]*" + c.points + "[^`]*)```").FindSubmatch(text)
			if block == nil {
				t.Fatalf("docs/TEACHING.md has no block of %s with %s", c.language, c.points)
			}
			dir := t.TempDir()
			submission := filepath.Join(dir, "autograder", "submission")
			for _, folder := range []string{submission, filepath.Join(dir, "autograder", "results"), filepath.Join(dir, "bin")} {
				if err := os.MkdirAll(folder, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(submission, "blockchain.py"), program, 0o600); err != nil {
				t.Fatal(err)
			}
			for name, path := range map[string]string{"kuai": process.Kuai, "python3": python(t)} {
				if err := os.Symlink(path, filepath.Join(dir, "bin", name)); err != nil {
					t.Fatal(err)
				}
			}
			code := strings.NewReplacer("/autograder/", dir+"/autograder/", "5000", fmt.Sprint(process.FreePort(t))).Replace(string(block[1]))
			words := map[string][]string{"sh": {"sh", "-c", code}, "python": {python(t), "-c", code}}[c.language]
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Dir = submission
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
				"HOME="+dir, "CLASSROOM=cs", "ASSIGNMENT=chain", "SUBMISSION_TAG=submit/1", "COMMIT_URL=https://example.com/c", "RELEASE_URL=https://example.com/r")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			said, err := os.Create(filepath.Join(dir, "said")) // a pipe would wait for the program that is left running
			if err != nil {
				t.Fatal(err)
			}
			defer said.Close()
			cmd.Stdout, cmd.Stderr = said, said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			report, err := os.ReadFile(filepath.Join(dir, c.report))
			var sum struct {
				Tests []struct {
					Score float64 `json:"score"`
				} `json:"tests"`
			}
			if err == nil {
				err = json.Unmarshal(report, &sum)
			}
			points := 0.0
			for _, part := range sum.Tests {
				points += part.Score
			}
			if err != nil || points != 19 { // of 26: TestGradeOfTheTutorial says which are lost
				text, _ := os.ReadFile(said.Name())
				t.Errorf("%v points, %v\n%s\n%s", points, err, report, text)
			}
		})
	}
}
