package main

import (
	"strings"
	"testing"
)

// TestUsageInOurWords: what a command line lacks is said as its user would, without the words of libraries.
func TestUsageInOurWords(t *testing.T) {
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"send", "a", "b", "-3"}, []string{"-3: want a number above 0", "Usage: kuai send SENDER RECIPIENT AMOUNT"}},
		{[]string{"send", "a", "b", "-.5"}, []string{"want a number above 0"}},
		{[]string{"send", "--", "a", "b", "-3"}, []string{`"-3": want a number above 0`}},
		{[]string{"send", "a", "b", "0"}, []string{`"0": want a number above 0`}},
		{[]string{"send", "a", "b"}, []string{"want 3 arguments, got 2", "Usage: kuai send SENDER RECIPIENT AMOUNT"}},
		{[]string{"send", "a", "", "3"}, []string{"address"}},
		{[]string{"send", "-a", "b", "3"}, []string{"-a", "go behind --"}},
		{[]string{"mine", "-1"}, []string{"-1: want a number of blocks from 1", "Usage: kuai mine [N]"}},
		{[]string{"mine", "1.5"}, []string{`"1.5": want a number of blocks from 1`}},
		{[]string{"mine", "99999999999999999999"}, []string{"want a number of blocks"}},
		{[]string{"block", "abc"}, []string{`"abc": want an index, a hash of 64 hex digits, or latest`}},
		{[]string{"block", "-1"}, []string{"-1: want an index"}},
		{[]string{"block", "0"}, []string{"want an index"}},
		{[]string{"tx", "abc"}, []string{`"abc": want the id of a payment, 32 hex digits`}},
		{[]string{"status", "-p", "abc"}, []string{`--port "abc": want a whole number`}},
		{[]string{"status", "-p", "-5"}, []string{"-5", "0..65535"}},
		{[]string{"status", "-p", "65536"}, []string{"65536", "0..65535"}},
		{[]string{"status", "-p"}, []string{"'p'"}},
		{[]string{"status", "--json=maybe"}, []string{`--json "maybe": want true or false`}},
		{[]string{"status", "--api", "http://[::1"}, []string{"--api", "http://[::1", "as http://127.0.0.1:5000"}},
		{[]string{"status", "--api", "ftp://a:1"}, []string{"--api", "as http://127.0.0.1:5000"}},
		{[]string{"status", "--api", "/ip4/127.0.0.1/tcp/15000"}, []string{"--api", "as http://127.0.0.1:5000"}},
		{[]string{"config", "--peer", `"`}, []string{"--peer", "commas"}},
	} {
		code, out, errOut := kuai(nil, c.args...)
		if code != exitUsage || out != "" {
			t.Errorf("%q: exit code %d, prints %q", c.args, code, out)
		}
		for _, text := range c.says {
			if !strings.Contains(errOut, text) {
				t.Errorf("%q: nothing about %q in:\n%s", c.args, text, errOut)
			}
		}
		for _, foreign := range []string{"strconv", "shorthand", "arg(s)", "invalid argument"} {
			if strings.Contains(errOut, foreign) {
				t.Errorf("%q: says %q:\n%s", c.args, foreign, errOut)
			}
		}
	}
}

func TestVersionFlag(t *testing.T) {
	_, verb, _ := kuai(nil, "version")
	if code, out, errOut := kuai(nil, "--version"); code != exitOK || out != verb {
		t.Errorf("exit code %d: %s%s, want %s", code, out, errOut, verb)
	}
}

func TestCount(t *testing.T) {
	for want, n := range map[string]int{"0 blocks": 0, "1 block": 1, "2 blocks": 2} {
		if got := count(n, "block"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestDistance counts letters to insert, delete and replace.
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"port", "port", 0}, {"prot", "port", 2}, {"daemn", "daemon", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
