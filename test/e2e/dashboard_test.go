package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kuai/test/process"
)

// scraping asks both nodes five times a second.
const scraping = `global: {scrape_interval: 200ms}
scrape_configs: [{job_name: kuai, static_configs: [{targets: ["127.0.0.1:%d", "127.0.0.1:%d"]}]}]
`

// TestDashboard lets a real Prometheus scrape two nodes of a secure network and answer every query of docs/grafana.json.
func TestDashboard(t *testing.T) {
	a := startDaemon(t, "--network", "dev")
	b := startDaemon(t, "--network", "dev", "--peer", a.url())
	prometheus := startPrometheus(t, fmt.Sprintf(scraping, a.port, b.port))
	for _, query := range dashboardQueries(t) {
		process.Eventually(t, query, settle, func() error {
			a.mine() // a rate needs change, a quantile something to count
			return prometheus.answers(query)
		})
	}
}

// dashboardQueries reads the queries of all panels.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			queries = append(queries, strings.ReplaceAll(target.Expr, "$__rate_interval", "20s"))
		}
	}
	if len(queries) < len(board.Panels) {
		t.Fatalf("%d queries in %d panels", len(queries), len(board.Panels))
	}
	return queries
}

// prometheus is the URL of a running one.
type prometheus string

func startPrometheus(t *testing.T, config string) prometheus {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("Prometheus reads the metrics in this test: %v", err)
	}
	dir, address := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", process.FreePort(t))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	return prometheus("http://" + address)
}

// answers fails unless the query has a value that is a number.
func (p prometheus) answers(query string) error {
	resp, err := http.Get(string(p) + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			return nil
		}
	}
	return fmt.Errorf("no number in %v", answer.Data.Result)
}
