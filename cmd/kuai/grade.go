package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kuai/cmd/kuai/grade"
)

// gradeTime is how long a whole grading takes at most unless --timeout says otherwise. The Flask tutorial takes some seconds.
const gradeTime = 3 * time.Minute

// gradeFlags are those of 'kuai grade'.
type gradeFlags struct {
	rivalHost string
	zeros     int
	wait      time.Duration
	timeout   time.Duration
	request   time.Duration
	junit     string
	scope     string // --gradescope
	classroom string // --classroom50
	tokenFile string
	json      bool
}

func newGrade() *cobra.Command {
	var f gradeFlags
	c := &cobra.Command{
		Use:   "grade URL",
		Short: "Check a node of the tutorial, in any language: requirements and ten known bugs",
		Long: "Check whether the node at URL keeps to the blockchain tutorial, and whether it has one of ten well-known bugs. Each check gives\n" +
			"a point. The node may be a student's own program in any language. Grade a freshly started one: this registers rival nodes of\n" +
			"its own with it, has it mine, and may leave its chain broken. Exit code 1: points were lost.",
		Example: "  kuai grade http://127.0.0.1:5000\n  kuai grade 127.0.0.1:5000 --junit report.xml   # for continuous integration\n" +
			"  kuai grade 127.0.0.1:5000 --wait 30s --gradescope /autograder/results/results.json\n" +
			"  kuai grade 127.0.0.1:5000 --wait 30s --classroom50 result.json   # in autograder.py\n" +
			"  kuai grade 127.0.0.1:5000 --rival-host host.docker.internal   # the node runs in a container",
		Args: arguments(1, 1),
	}
	c.Flags().StringVar(&f.rivalHost, "rival-host", "127.0.0.1", "`host` by which the node reaches this machine, where the rival nodes listen")
	c.Flags().IntVar(&f.zeros, "zeros", grade.DefaultZeros, "how many zeros the node's proofs start with, in hex")
	c.Flags().DurationVar(&f.wait, "wait", 0, "how long to wait for a node that does not listen yet")
	c.Flags().DurationVar(&f.timeout, "timeout", gradeTime, "end the grading after this time; what was not checked gives no point")
	c.Flags().DurationVar(&f.request, "request-timeout", grade.DefaultRequestTime, "how long the node may take to answer a request")
	pathVar(c.Flags(), &f.junit, "junit", "", "also write the report to this `file`, as JUnit XML")
	pathVar(c.Flags(), &f.scope, "gradescope", "", "also write the report to this `file`, as the results.json of a Gradescope autograder")
	pathVar(c.Flags(), &f.classroom, "classroom50", "", "also write the report to this `file`, as the result.json of Classroom 50")
	pathVar(c.Flags(), &f.tokenFile, "api-token-file", "", "`file` with the node's token, if it wants one")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, words []string) error { return f.run(c, words[0]) }
	return c
}

// errPoints is the error of a grading in which points were lost.
var errPoints = errors.New("points were lost")

func (f *gradeFlags) run(c *cobra.Command, word string) error {
	url, err := checkURL("URL", word)
	switch {
	case err != nil:
	case f.zeros < 1 || f.zeros > grade.MaxZeros:
		err = fmt.Errorf("--zeros %d: want 1..%d", f.zeros, grade.MaxZeros)
	case f.timeout <= 0 || f.request <= 0:
		err = errors.New("--timeout and --request-timeout: want more than 0")
	case f.wait < 0:
		err = errors.New("--wait: want 0 or more")
	}
	var of grade.Classroom50
	if err == nil && f.classroom != "" {
		of, err = classroom50(time.Now())
	}
	if err != nil {
		return usageError{err}
	}
	ctx, cancel := context.WithTimeout(c.Context(), f.timeout)
	defer cancel()
	show := func(r grade.Result) { fmt.Fprint(c.OutOrStdout(), r.Line()) }
	if f.json {
		show = nil
	}
	asked := asking{api: url}
	token, err := readToken(f.tokenFile)
	if err != nil {
		return err
	}
	if f.tokenFile == "" {
		token = asked.cookie()
	}
	o := grade.Options{Token: token, URL: url, RivalHost: f.rivalHost, Zeros: f.zeros, RequestTime: f.request, StartTime: f.wait}
	report, err := grade.Run(ctx, o, show)
	switch {
	case errors.Is(err, grade.ErrToken) && f.tokenFile != "":
		err = fmt.Errorf("the token in %s is not this node's", f.tokenFile)
	case errors.Is(err, grade.ErrToken):
		err = fmt.Errorf("%w: name the file that holds it by --api-token-file", err)
	}
	if err != nil {
		report = grade.Ungraded(url, err)
	}
	if failed := errors.Join(err, f.write(report, of), f.print(c, report, err == nil)); failed != nil {
		return failed
	}
	if !report.Passed {
		return fmt.Errorf("%d of %d %w", report.Of-report.Points, report.Of, errPoints)
	}
	return nil
}

// classroom50 reads which submission is graded from the variables of Classroom 50's runner.
func classroom50(now time.Time) (grade.Classroom50, error) {
	of := grade.Classroom50{Datetime: now.UTC().Format(time.RFC3339), Review: os.Getenv("REVIEW_URL")}
	for name, value := range map[string]*string{
		"CLASSROOM": &of.Classroom, "ASSIGNMENT": &of.Assignment, "SUBMISSION_TAG": &of.Submission, "COMMIT_URL": &of.Commit, "RELEASE_URL": &of.Release,
	} {
		if *value = os.Getenv(name); *value == "" {
			return of, fmt.Errorf("--classroom50: %s is not in the environment: run this from autograder.py, as Classroom 50's runner sets it", name)
		}
	}
	if of.Review == "" {
		of.Review = of.Commit
	}
	return of, nil
}

// write writes the files for other programs.
func (f *gradeFlags) write(report grade.Report, of grade.Classroom50) error {
	for _, file := range []struct {
		flag, path string
		write      func(io.Writer) error
	}{
		{"--junit", f.junit, report.WriteJUnit},
		{"--gradescope", f.scope, report.WriteGradescope},
		{"--classroom50", f.classroom, func(w io.Writer) error { return report.WriteClassroom50(w, of) }},
	} {
		if file.path == "" {
			continue
		}
		var text bytes.Buffer
		if err := file.write(&text); err != nil {
			return err
		}
		if err := os.WriteFile(file.path, text.Bytes(), 0o644); err != nil { //nolint:gosec // a report is for others to read
			return fmt.Errorf("%s: %w", file.flag, err)
		}
	}
	return nil
}

// print prints all as JSON, or the sum if the node was graded.
func (f *gradeFlags) print(c *cobra.Command, report grade.Report, graded bool) error {
	if f.json {
		return printJSON(c.OutOrStdout(), report)
	}
	if !graded {
		return nil
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "%d of %d points\n", report.Points, report.Of)
	return err
}
