package grade

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"
)

// lost grades a node and returns the checks that it has lost.
func lost(t *testing.T, o Options) (ids []string, report Report) {
	t.Helper()
	o.Zeros = studentZeros
	report, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if !c.Passed {
			ids = append(ids, c.ID)
			t.Logf("%s: %s", c.ID, c.Why)
		}
		if (c.Why == "") != c.Passed || c.Points != map[bool]int{true: c.Of}[c.Passed] {
			t.Errorf("%+v", c)
		}
	}
	if report.Of != len(checks) || report.Points != len(checks)-len(ids) || report.Passed != (len(ids) == 0) {
		t.Errorf("%d of %d points, passed %v", report.Points, report.Of, report.Passed)
	}
	return ids, report
}

func TestCarefulStudentGetsAllPoints(t *testing.T) {
	if ids, _ := lost(t, Options{URL: newStudent(t, "").URL}); ids != nil {
		t.Errorf("lost %v", ids)
	}
}

// TestEachMistakeCostsItsPoint: a mistake costs its own point and no other one.
func TestEachMistakeCostsItsPoint(t *testing.T) {
	costs := map[string][]string{
		"minted-post":  {"minted-reward"},
		"lost-pending": {"lost-payments"},
		"links":        {"links", "tampered-tip"}, // a node that hashes blocks in a way of its own adopts no chain of others unless it checks no links
	}
	mistakes := []string{"minted-post", "lost-pending"}
	for _, c := range checks {
		mistakes = append(mistakes, c.id)
	}
	for _, mistake := range mistakes {
		t.Run(mistake, func(t *testing.T) {
			o := Options{URL: newStudent(t, mistake).URL}
			if mistake == "self-registration" {
				o.RequestTime = 5 * time.Second // it is waited for to the end
			}
			want := costs[mistake]
			if want == nil {
				want = []string{mistake}
			}
			if ids, _ := lost(t, o); !slices.Equal(ids, want) {
				t.Errorf("lost %v, want %v", ids, want)
			}
		})
	}
}

func TestNothingToGrade(t *testing.T) {
	srv := newStudent(t, "")
	srv.Close()
	if _, err := Run(t.Context(), Options{URL: srv.URL}, nil); err == nil || !strings.Contains(err.Error(), "no node to grade at "+srv.URL) {
		t.Errorf("%v", err)
	}
}

// TestTimeIsBounded: what was not checked gives no point and says so.
func TestTimeIsBounded(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	report, err := Run(ctx, Options{URL: newStudent(t, "").URL, Zeros: studentZeros}, func(r Result) {
		if r.ID == "mine" {
			stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	last := report.Checks[len(report.Checks)-1]
	if len(report.Checks) != len(checks) || report.Points != 7 || last.Passed || !strings.Contains(last.Why, "stopped") {
		t.Errorf("%d points, the last is %+v", report.Points, last)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	n := newNode(newStudent(t, "").URL, time.Minute)
	n.requests.Store(maxRequests - 1)
	if _, err := n.chain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.chain(t.Context()); err == nil || !strings.Contains(err.Error(), "300 requests") {
		t.Errorf("%v", err)
	}
}

func TestJUnit(t *testing.T) {
	r := Report{Checks: []Result{
		{ID: "chain", Group: Requirement, Title: "a & b", Passed: true, Seconds: 0.5},
		{ID: "head-mines", Group: Bug, Title: "c", Why: `"<x>"`},
	}}
	var out strings.Builder
	if err := r.WriteJUnit(&out); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 2 || got.Failures != 1 || got.Suites[0].Cases[0].Failure != nil || got.Suites[1].Cases[0].Failure.Message != `"<x>"` {
		t.Errorf("%s", &out)
	}
}

func TestGradescope(t *testing.T) {
	r := Report{Points: 1, Of: 2, Checks: []Result{
		{ID: "chain", Group: Requirement, Title: "a & b", Passed: true, Points: 1, Of: 1},
		{ID: "head-mines", Group: Bug, Title: "c", Why: `"<x>"`, Of: 1},
	}}
	var out strings.Builder
	if err := r.WriteGradescope(&out); err != nil {
		t.Fatal(err)
	}
	want := `{
  "output": "kuai grade: 1 of 2 points",
  "tests": [
    {
      "name": "chain: a & b",
      "score": 1,
      "max_score": 1,
      "status": "passed"
    },
    {
      "name": "head-mines: c",
      "score": 0,
      "max_score": 1,
      "status": "failed",
      "output": "\"<x>\""
    }
  ]
}
`
	if got := out.String(); got != want {
		t.Errorf("%s", got)
	}
}

// TestHashIsPythons: the bytes that are hashed are those that CPython 3.13 prints.
func TestHashIsPythons(t *testing.T) {
	const text = `{"z":[1,2.50,1e-05,true,null],"é😀":"\u007f\"\\\n\u0001/<é😀","a":{"d":[],"c":{}}}`
	const want = `{"a": {"c": {}, "d": []}, "z": [1, 2.50, 1e-05, true, null], "\u00e9\ud83d\ude00": "\u007f\"\\\n\u0001/<\u00e9\ud83d\ude00"}`
	var v any
	if err := decode([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if got := string(appendPython(nil, v)); got != want {
		t.Errorf("%s", got)
	}
	genesis := block{"index": json.Number("1"), "previous_hash": "1", "proof": json.Number("100"), "timestamp": json.Number("1626739200.0"), "transactions": []any{}}
	if got := genesis.hash(); got != "7fc07dc7599e3d618106ec55ee0a31a033a634890d6fad6522436026b4168491" {
		t.Errorf("the hash is %s", got)
	}
}
