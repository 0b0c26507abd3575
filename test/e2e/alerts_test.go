package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	alertName = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)
	alertRow  = regexp.MustCompile("(?m)^\\| `(Kuai\\w+)` \\|")
	metric    = regexp.MustCompile(`\bkuai_\w+`)
)

// TestAlertsAreExplained compares docs/alerts.yml with what OPERATIONS.md says of each alert, and with the metrics that a node has.
func TestAlertsAreExplained(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join("..", "..", "docs", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	if have, explained := names(alertName, string(rules)), names(alertRow, string(page)); len(have) == 0 || !slices.Equal(have, explained) {
		t.Errorf("alerts %q, explained %q", have, explained)
	}
	a := startDaemon(t)
	a.mine() // a counter by labels is there from its first count on
	resp, err := http.Get(a.url() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	shown, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range metric.FindAllString(string(rules), -1) {
		if !strings.Contains(string(shown), "\n"+name) && name != "kuai_gossip_rejected_total" { // nobody sends this node nonsense
			t.Errorf("an alert asks for %s, which a node does not have", name)
		}
	}
}

func names(re *regexp.Regexp, text string) (all []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// TestAlertsFire gives Prometheus's own test of rules a series for each alert, and one that is well.
func TestAlertsFire(t *testing.T) {
	promtool(t, "test", "rules", filepath.Join("testdata", "alerts_test.yml"))
}

// TestShownConfigIsRead checks the configuration of Prometheus that OPERATIONS.md shows, beside the file of rules.
func TestShownConfigIsRead(t *testing.T) {
	docs, dir := filepath.Join("..", "..", "docs"), t.TempDir()
	page, err := os.ReadFile(filepath.Join(docs, "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	config, _, shown := strings.Cut(rest, "```")
	rules, err := os.ReadFile(filepath.Join(docs, "alerts.yml"))
	if err != nil || !shown {
		t.Fatalf("OPERATIONS.md shows no configuration, or there are no rules: %v", err)
	}
	for name, text := range map[string]string{"prometheus.yml": config, "alerts.yml": string(rules)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promtool(t, "check", "config", filepath.Join(dir, "prometheus.yml"))
}

// promtool runs Prometheus's tool for rules and configurations.
func promtool(t *testing.T, words ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("Prometheus's promtool is missing: %v", err)
	}
	if out, err := exec.Command(program, words...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
