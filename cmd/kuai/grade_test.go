package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "report.xml")
	code, out, errOut := kuai(nil, "grade", srv.URL, "--json", "--junit", file)
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
	says(t, exitFailure, "FAIL  chain ", "grade", srv.URL)
}
