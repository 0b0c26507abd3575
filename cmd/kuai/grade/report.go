package grade

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
)

// Line is a result as one line for people, and a second one with why if the point was lost.
func (r Result) Line() string {
	if r.Passed {
		return fmt.Sprintf("pass  %-18s %s\n", r.ID, r.Title)
	}
	return fmt.Sprintf("FAIL  %-18s %s\n      %-18s %s\n", r.ID, r.Title, "", r.Why)
}

// junitSuites, junitSuite, junitCase and junitFailure are the parts of JUnit's XML that continuous integration reads.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML: one suite of requirements, and one of bugs.
func (r Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "kuai grade", Time: inSeconds(r.Seconds)}
	for _, group := range []string{Requirement, Bug} {
		suite := junitSuite{Name: group}
		for _, c := range r.Checks {
			if c.Group != group {
				continue
			}
			test := junitCase{Class: "grade." + group, Name: c.ID + ": " + c.Title, Time: inSeconds(c.Seconds)}
			if !c.Passed {
				test.Failure = &junitFailure{c.Why, c.Why}
				suite.Failures++
			}
			suite.Tests++
			suite.Cases = append(suite.Cases, test)
		}
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func inSeconds(s float64) string { return fmt.Sprintf("%.3f", s) }

// gradescopeResults and gradescopeTest are the parts of Gradescope's results.json that are written. Gradescope sums the scores of tests.
type gradescopeResults struct {
	Output string           `json:"output"`
	Tests  []gradescopeTest `json:"tests"`
}

type gradescopeTest struct {
	Name     string `json:"name"`
	Score    int    `json:"score"`
	MaxScore int    `json:"max_score"`
	Status   string `json:"status"`
	Output   string `json:"output,omitempty"`
}

// Classroom50 names the submission that a result.json of Classroom 50 reports on. Its runner has these values in the environment.
type Classroom50 struct {
	Classroom  string `json:"classroom"`
	Assignment string `json:"assignment"`
	Submission string `json:"submission"`
	Commit     string `json:"commit"`
	Release    string `json:"release"`
	Review     string `json:"review"`
	Datetime   string `json:"datetime"`
}

type classroom50Result struct {
	Schema string `json:"schema"`
	Classroom50
	Score    int               `json:"score"`
	MaxScore int               `json:"max-score"`
	Tests    []classroom50Test `json:"tests"`
}

type classroom50Test struct {
	Name     string `json:"test-name"`
	Passed   bool   `json:"passed"`
	Score    int    `json:"score"`
	MaxScore int    `json:"max-score"`
	Why      string `json:"why,omitempty"` // the collector keeps what it does not know
}

// WriteClassroom50 writes the report as the result.json of Classroom 50, version 1.
func (r Report) WriteClassroom50(w io.Writer, of Classroom50) error {
	all := classroom50Result{Schema: "classroom50/result/v1", Classroom50: of, Score: r.Points, MaxScore: r.Of, Tests: []classroom50Test{}}
	for _, c := range r.Checks {
		all.Tests = append(all.Tests, classroom50Test{c.ID + ": " + c.Title, c.Passed, c.Points, c.Of, c.Why})
	}
	return writeJSON(w, all)
}

// WriteGradescope writes the report as the results.json of a Gradescope autograder: a test for each check.
func (r Report) WriteGradescope(w io.Writer) error {
	all := gradescopeResults{Output: fmt.Sprintf("kuai grade: %d of %d points", r.Points, r.Of), Tests: []gradescopeTest{}}
	for _, c := range r.Checks {
		test := gradescopeTest{Name: c.ID + ": " + c.Title, Score: c.Points, MaxScore: c.Of, Status: "passed", Output: c.Why}
		if !c.Passed {
			test.Status = "failed"
		}
		all.Tests = append(all.Tests, test)
	}
	return writeJSON(w, all)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
