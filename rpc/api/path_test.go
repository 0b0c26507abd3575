package api

import (
	"strings"
	"testing"
)

func TestPathFillsTheRow(t *testing.T) {
	for _, c := range []struct {
		id     string
		values []string
		want   string
	}{
		{"getNode", nil, "/node"},
		{"getBlock", []string{"latest"}, "/blocks/latest"},
		{"getAddress", []string{"爱 丽/丝"}, "/addresses/%E7%88%B1%20%E4%B8%BD%2F%E4%B8%9D"},
		{"getAddress", []string{".."}, "/addresses/%2E%2E"},
		{"getAddress", []string{"?#%"}, "/addresses/%3F%23%25"},
		{"getAddress", []string{"{ref}"}, "/addresses/%7Bref%7D"},
		{"disconnectPeer", []string{"127.0.0.1:5000"}, "/peers/127%2E0%2E0%2E1:5000"},
	} {
		if got := Path(c.id, c.values...); got != c.want {
			t.Errorf("%s %q: got %s, want %s", c.id, c.values, got, c.want)
		}
	}
}

func TestPathOfEveryRow(t *testing.T) {
	for _, o := range Operations {
		values := make([]string, strings.Count(o.Path, "{"))
		for i := range values {
			values[i] = "x"
		}
		if got := Path(o.ID, values...); strings.Count(got, "/") != strings.Count(o.Path, "/") || strings.Contains(got, "{") {
			t.Errorf("%s: got %s of %s", o.ID, got, o.Path)
		}
	}
}

func TestPathPanicsForMistakesInTheSource(t *testing.T) {
	for name, call := range map[string]func(){
		"no such row":    func() { Path("getNothing") },
		"value missing":  func() { Path("getBlock") },
		"value too many": func() { Path("getNode", "x") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}
