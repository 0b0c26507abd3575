package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kuai/cmd/kuai/grade"
)

// Programs that do not answer GET /chain, for silent.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func breaksOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func floods(w http.ResponseWriter, _ *http.Request) {
	for block := make([]byte, 1<<20); ; {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// silent starts a server and returns its URL.
func silent(t *testing.T, program http.HandlerFunc) string {
	srv := httptest.NewServer(program)
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestClassroom50: the result has the keys that its collector asks for, also of a node that cannot be graded, and the identity of the
// runner's variables. Without one of them nothing is graded.
func TestClassroom50(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	words := []string{"grade", "127.0.0.1:1", "--classroom50", file}
	says(t, exitUsage, "is not in the environment", words...)
	for name, value := range map[string]string{"CLASSROOM": "cs", "ASSIGNMENT": "chain", "SUBMISSION_TAG": "submit/1", "COMMIT_URL": "https://c", "RELEASE_URL": "https://r", "REVIEW_URL": ""} {
		t.Setenv(name, value)
	}
	says(t, exitFailure, "no node to grade", words...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"schema": "classroom50/result/v1", "classroom": "cs", "assignment": "chain", "submission": "submit/1",
		"commit": "https://c", "release": "https://r", "review": "https://c", "score": 0.0, "max-score": 26.0,
	} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(got["datetime"])); err != nil {
		t.Error(err)
	}
	tests, _ := got["tests"].([]any)
	if len(tests) != 26 {
		t.Fatalf("%d tests", len(tests))
	}
	for _, v := range tests {
		if c, _ := v.(map[string]any); c["passed"] != false || c["score"] != 0.0 || c["max-score"] != 1.0 || c["test-name"] == "" || c["why"] == nil {
			t.Errorf("%v", v)
		}
	}
}

// TestUngradedNodeGetsAResult: a node that cannot be graded has no points, and the files and the JSON say why.
func TestUngradedNodeGetsAResult(t *testing.T) {
	guarded := silent(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	for _, c := range []struct{ url, says string }{
		{"http://127.0.0.1:1", "no node to grade at http://127.0.0.1:1: "},
		{silent(t, http.NotFound), " is not a node of the tutorial: "},
		{guarded, "the node asks for a token at " + guarded + ": name the file"},
		{silent(t, hangs), " cannot be graded: GET /chain did not answer within 50ms. Look"},
		{silent(t, floods), " cannot be graded: GET /chain answered more than 16 MiB. Look"},
		{silent(t, breaksOff), " cannot be graded: GET /chain failed: "},
	} {
		file, results := filepath.Join(t.TempDir(), "report.xml"), filepath.Join(t.TempDir(), "results.json")
		words := []string{"grade", c.url, "--json", "--junit", file, "--gradescope", results}
		if strings.Contains(c.says, "50ms") {
			words = append(words, "--request-timeout", "50ms")
		}
		code, out, errOut := kuai(nil, words...)
		why := strings.TrimSuffix(strings.TrimPrefix(errOut, "kuai: "), "\n")
		if code != exitFailure || !strings.Contains(why, c.says) || strings.Contains(why, "\n") {
			t.Errorf("exit code %d: %s, want %s", code, errOut, c.says)
		}
		if started := strings.Contains(why, "start it first"); started != strings.HasPrefix(why, "no node to grade") {
			t.Error(why)
		}
		var report grade.Report
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if report.URL != c.url || report.Points != 0 || report.Of != 26 || report.Passed || len(report.Checks) != 26 {
			t.Errorf("%+v", report)
		}
		for _, r := range report.Checks {
			if r.Passed || r.Points != 0 || r.Of != 1 || r.Why != why {
				t.Errorf("%+v", r)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), `<testsuites name="kuai grade" tests="26" failures="26"`) || !strings.Contains(string(text), c.says) {
			t.Errorf("%v: %s", err, text)
		}
		text, err = os.ReadFile(results)
		if err != nil || !strings.Contains(string(text), `"output": "kuai grade: 0 of 26 points"`) || strings.Count(string(text), c.says) != 26 {
			t.Errorf("%v: %s", err, text)
		}
	}
	code, out, errOut := kuai(nil, "grade", "127.0.0.1:1", "--junit", t.TempDir())
	if code != exitFailure || out != "" || !strings.Contains(errOut, "no node to grade") || !strings.Contains(errOut, "--junit: ") {
		t.Errorf("exit code %d: %s%s", code, out, errOut)
	}
}

func TestGradeVerb(t *testing.T) {
	for _, c := range []struct {
		want int
		says string
		args []string
	}{
		{exitUsage, "want 1 argument", nil},
		{exitUsage, "URL ftp://x: want a URL", []string{"ftp://x"}},
		{exitUsage, "--zeros 7: want 1..6", []string{"127.0.0.1:1", "--zeros", "7"}},
		{exitUsage, "want more than 0", []string{"127.0.0.1:1", "--timeout", "0s"}},
		{exitFailure, "no node to grade at http://127.0.0.1:1: ", []string{"127.0.0.1:1"}},
	} {
		says(t, c.want, c.says, append([]string{"grade"}, c.args...)...)
	}

	asks, isNode := http.StatusUnauthorized, false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer token":
			w.WriteHeader(asks)
		case isNode && r.URL.Path == "/transactions/new":
			w.WriteHeader(http.StatusBadRequest)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer srv.Close()
	token := write(t, "token\n")
	says(t, exitFailure, "the node asks for a token at "+srv.URL+": name the file that holds it by --api-token-file", "grade", srv.URL)
	says(t, exitFailure, "is not this node's", "grade", srv.URL, "--api-token-file", write(t, "other"))
	for _, asks = range []int{http.StatusNotFound, http.StatusOK, http.StatusInternalServerError, http.StatusNotImplemented} {
		if asks != http.StatusInternalServerError { // of a node that fails at everything
			says(t, exitFailure, srv.URL+" is not a node of the tutorial: GET /chain answers "+strconv.Itoa(asks), "grade", srv.URL)
		}
	}
	isNode = true
	file := filepath.Join(t.TempDir(), "report.xml")
	results := filepath.Join(t.TempDir(), "results.json")
	code, out, errOut := kuai(nil, "grade", srv.URL, "--json", "--junit", file, "--gradescope", results, "--api-token-file", token)
	var report grade.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code != exitFailure || report.Points == report.Of || report.Passed || !strings.Contains(errOut, "points were lost") {
		t.Errorf("exit code %d, %d of %d points, %s", code, report.Points, report.Of, errOut)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `<testsuite name="bug"`) || !strings.Contains(string(text), "GET /chain answered 404 instead of 200") {
		t.Errorf("%v: %s", err, text)
	}
	text, err = os.ReadFile(results)
	if err != nil || !strings.Contains(string(text), `"max_score": 1`) || !strings.Contains(string(text), "GET /chain answered 404 instead of 200") {
		t.Errorf("%v: %s", err, text)
	}
	says(t, exitFailure, "FAIL  chain ", "grade", srv.URL, "--api-token-file", token)
}
