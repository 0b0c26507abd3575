package readme

import (
	"strings"
	"testing"
)

const page = "text\n```console\n$ echo a\na\n$ curl -s \\\n    localhost:5000/node\n{\n…\n}\n```\n```sh\n$ not a session\n```\n```console docker\n$ docker ps\n```\n"

func TestParse(t *testing.T) {
	got, err := parse("p.md", page)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || len(got[0].Steps) != 2 || got[1].Where != "docker" {
		t.Fatalf("sessions: %+v", got)
	}
	if c := got[0].Steps[1].Command; c != "curl -s localhost:5000/node" {
		t.Errorf("continued command: %q", c)
	}
	if w := got[0].Steps[1].Want; strings.Join(w, "|") != "{|…|}" {
		t.Errorf("output: %q", w)
	}
	if _, err := parse("p.md", "```console\noutput\n```"); err == nil {
		t.Error("output before a command was taken")
	}
}

func TestMatch(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	other := strings.Repeat("cd", 32)
	for _, c := range []struct {
		name      string
		want, got []string
		prefix    bool
		ok        bool
	}{
		{"equal", []string{"a"}, []string{"a"}, false, true},
		{"different", []string{"a"}, []string{"b"}, false, false},
		{"hashes are masked", []string{hash}, []string{other}, false, true},
		{"a hash is not a word", []string{hash}, []string{"word"}, false, false},
		{"too much", []string{"a"}, []string{"a", "b"}, false, false},
		{"goes on", []string{"a"}, []string{"a", "b"}, true, true},
		{"too little", []string{"a", "b"}, []string{"a"}, false, false},
		{"any text", []string{"{…:1,…}"}, []string{`{"a":1,"b":2}`}, false, true},
		{"any text, and another end", []string{"{…:1,…}"}, []string{`{"a":1,"b":2`}, false, false},
		{"any text, and another middle", []string{"{…:3,…}"}, []string{`{"a":1,"b":2}`}, false, false},
		{"any text twice over the same", []string{"a…a"}, []string{"a"}, false, false},
		{"any lines", []string{"a", "…", "d"}, []string{"a", "b", "c", "d"}, false, true},
		{"any lines, then none", []string{"a", "…", "d"}, []string{"a", "b"}, false, false},
	} {
		if err := Match(c.want, c.got, c.prefix); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
