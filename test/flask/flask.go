// Package flask runs the Flask tutorial's program, so that tests can ask kuai and the original the same questions
// and let them talk to each other.
//
// tutorial.py is that program written anew. It needs a python3 with flask and requests: Debian's python3-flask and
// python3-requests. If they are missing a test is skipped, except on CI, where it fails.
package flask

import (
	"bufio"
	_ "embed"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

//go:embed tutorial.py
var program []byte

// Genesis options of the tutorial's program.
const (
	Classic = "classic" // the first block of kuai's classic network
	Now     = "now"     // the tutorial's own: stamped with the time of the start
)

// Node is a running node of the tutorial.
type Node struct {
	URL string // http://127.0.0.1:port
	t   testing.TB
}

// Start runs a node on a free port of loopback until the test ends.
func Start(t testing.TB, genesis string) *Node {
	t.Helper()
	script := filepath.Join(t.TempDir(), "tutorial.py")
	if err := os.WriteFile(script, program, 0o600); err != nil {
		t.Fatal(err)
	}
	return run(t, script, "--port", "0", "--genesis", genesis)
}

// run runs a program of this kind until the test ends.
func run(t testing.TB, script string, args ...string) *Node {
	t.Helper()
	cmd := exec.Command(python(t), append([]string{script}, args...)...)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to save
		_ = cmd.Wait()
	})
	return &Node{URL: address(t, said), t: t}
}

// python finds an interpreter that has what the tutorial needs.
func python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import flask, requests").Run() == nil {
			return name
		}
	}
	const missing = "no python3 with flask and requests: install Debian's python3-flask and python3-requests"
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

var runningOn = regexp.MustCompile(`Running on (http://[0-9.]+:[0-9]+)`)

// address waits for the line that names the port, and keeps reading so that the program never waits for us.
func address(t testing.TB, said io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(said)
	var seen []string
	for lines.Scan() {
		if m := runningOn.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return m[1]
		}
		seen = append(seen, lines.Text())
	}
	t.Fatalf("the tutorial's program did not start:\n%s", strings.Join(seen, "\n"))
	return ""
}

// Answer is a node's answer, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Ask sends a request to a node of either kind. contentType "" sends no such header.
func Ask(t testing.TB, method, url, contentType, body string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{res.StatusCode, res.Header, string(text)}
}

// Get asks the node.
func (n *Node) Get(path string) Answer {
	n.t.Helper()
	return Ask(n.t, http.MethodGet, n.URL+path, "", "")
}

// Post sends JSON to the node.
func (n *Node) Post(path, body string) Answer {
	n.t.Helper()
	return Ask(n.t, http.MethodPost, n.URL+path, "application/json", body)
}
