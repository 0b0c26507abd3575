package rpc

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"kuai/chain/chaintest"
)

// TestLogLevelChangesWhileTheNodeRuns: the log follows at once, tells of the change, and a refused level changes nothing.
func TestLogLevelChangesWhileTheNodeRuns(t *testing.T) {
	var out bytes.Buffer
	level := new(slog.LevelVar)
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
	c := chaintest.Open(t, chaintest.Rules())
	n := &node{Server: New(Config{LogLevel: level}, c, &fakeNetwork{id: testPeer}, &testMiner{chain: c}, log)}
	for _, step := range []struct{ body, level, logged string }{
		{`{"level":"debug"}`, "debug", "from=info to=debug"},
		{`{"level":"error"}`, "error", "from=debug to=error"},
		{`{"level":"warn"}`, "warn", "from=error to=warn"},
		{`{"level":"info"}`, "info", "from=warn to=info"},
	} {
		out.Reset()
		want(t, n.do("PUT", "/log/level", step.body), 200, `{"level":"`+step.level+`"}`+"\n")
		want(t, n.do("GET", "/log/level", ""), 200, `{"level":"`+step.level+`"}`+"\n")
		silent := step.level == "warn" // from error to warn: neither lets the line pass
		if logged := strings.Contains(out.String(), step.logged); logged == silent {
			t.Errorf("%s: logged %q", step.body, out.String())
		}
	}
	for _, body := range []string{`{}`, `{"level":"loud"}`, `{"level":5}`, `{"level":"DEBUG+1"}`, `[]`} {
		if w := n.do("PUT", "/log/level", body, "Accept: application/json"); w.Code != 400 || level.Level() != slog.LevelInfo {
			t.Errorf("%s: %d, level %v", body, w.Code, level.Level())
		}
	}
}

func TestLogLevelIsGuarded(t *testing.T) {
	level := new(slog.LevelVar)
	n := start(t, Config{LogLevel: level, Token: "secret"})
	const body = `{"level":"error"}`
	if w := n.do("PUT", "/log/level", body); w.Code != 401 {
		t.Errorf("without the token: %d", w.Code)
	}
	if w := n.do("PUT", "/log/level", body, "Authorization: Bearer secret", "Sec-Fetch-Site: cross-site"); w.Code != 403 {
		t.Errorf("from another site: %d", w.Code)
	}
	if level.Level() != slog.LevelInfo {
		t.Error("a refused request changed the level")
	}
	want(t, n.do("PUT", "/log/level", body, "Authorization: Bearer secret"), 200, `{"level":"error"}`+"\n")
}

// TestLogLevelNeedsALog: a server whose log has no level to set has no such path.
func TestLogLevelNeedsALog(t *testing.T) {
	n := start(t, Config{})
	for _, method := range []string{"GET", "PUT"} {
		want(t, n.do(method, "/log/level", `{"level":"debug"}`), 404, pageNotFound)
	}
}
