package peers

import (
	"slices"
	"testing"
)

func TestUnheard(t *testing.T) {
	var told map[string]bool
	var news []string
	for i, step := range []struct{ list, want []string }{
		{[]string{"a", "b", "a"}, []string{"a", "b"}},
		{[]string{"a", "b"}, nil},
		{[]string{"b", "c"}, []string{"c"}},
		{[]string{"a", "b", "c"}, []string{"a"}}, // it left and came back
		{make([]string, 2*maxLocal), []string{""}},
	} {
		if news, told = newAddresses(step.list, told); !slices.Equal(news, step.want) || len(told) > maxLocal {
			t.Errorf("step %d: %q, want %q", i, news, step.want)
		}
	}
}

func TestOnLoopback(t *testing.T) {
	for in, want := range map[string]string{
		"/ip4/0.0.0.0/tcp/15000": "/ip4/127.0.0.1/tcp/15000", "/ip6/::/udp/1/quic-v1": "/ip6/::1/udp/1/quic-v1",
		"/ip4/192.0.2.1/tcp/1": "/ip4/192.0.2.1/tcp/1",
	} {
		a, err := ParseAddrs([]string{in})
		if err != nil {
			t.Fatal(err)
		}
		if got := onLoopback(a[0]).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
