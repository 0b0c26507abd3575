package peers

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestLeastWorth(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(1e9, 0).Add(time.Duration(minute) * time.Minute) }
	never := time.Time{}
	for _, c := range []struct {
		name  string
		slots []slot
		kept  int
		want  peer.ID
	}{
		{"the only one", []slot{{"a", at(1), at(9)}}, 4, "a"},
		{"nobody brought anything: the newest", []slot{{"a", at(1), never}, {"b", at(3), never}, {"c", at(2), never}}, 1, "b"},
		{"the newest brought a tip", []slot{{"a", at(1), never}, {"b", at(3), at(4)}, {"c", at(2), never}}, 1, "c"},
		{"fewer brought one than are kept", []slot{{"a", at(1), never}, {"b", at(3), at(4)}, {"c", at(2), never}}, 2, "c"},
		{"more brought one than are kept", []slot{{"a", at(1), at(8)}, {"b", at(3), at(7)}, {"c", at(2), at(6)}}, 1, "b"},
		{"all brought one and all would be kept", []slot{{"a", at(1), at(8)}, {"b", at(3), at(7)}, {"c", at(2), at(6)}}, 3, "c"},
		{"an old one that brought nothing stays", []slot{{"a", at(1), never}, {"b", at(3), at(7)}, {"c", at(2), at(8)}}, 1, "b"},
	} {
		if got := leastUseful(c.slots, c.kept); got != c.want {
			t.Errorf("%s: %s goes, want %s", c.name, got, c.want)
		}
	}
}

// TestTakeTurns gives each subnet a turn before any has a second one.
func TestTakeTurns(t *testing.T) {
	var all []candidate
	for _, at := range []string{"1.1", "1.2", "1.3", "2.1", "3.1", "2.2"} {
		all = append(all, candidate{AddrInfo: bookPeer(t, "/ip4/198.51."+at+"/tcp/1")})
	}
	var got string
	for _, p := range interleaveSubnets(all, map[string]int{"198.51.3.0": 1}) {
		got += fmt.Sprint(p.Addrs[0])[len("/ip4/198.51."):len("/ip4/198.51.1.1")] + " "
	}
	if want := "1.1 2.1 1.2 3.1 2.2 1.3 "; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
}
