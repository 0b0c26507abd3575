package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kuai/cmd/kuai/grade"
)

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
