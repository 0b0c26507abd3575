package wire_test

import (
	"math"
	"strings"
	"testing"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

const goodAnnouncement = `{"hash": "0101010101010101010101010101010101010101010101010101010101010101", "index": 7, "previous_hash": "0202020202020202020202020202020202020202020202020202020202020202", "size": 70000}`

func TestAnnouncementHasOneForm(t *testing.T) {
	most := consensus.Classic().MaxBlockBytes
	a, err := wire.ParseAnnouncement([]byte(goodAnnouncement), most)
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Announcement{Hash: hashOf(1), Parent: hashOf(2), Index: 7, Size: 70000}
	if a != want {
		t.Errorf("got %+v, want %+v", a, want)
	}
	if got := string(a.Append(nil)); got != goodAnnouncement {
		t.Errorf("written as %s", got)
	}
	longest := wire.Announcement{Index: math.MaxInt64, Size: math.MaxInt64}.Append(nil)
	if len(longest) > maxAnnouncement {
		t.Errorf("the longest announcement has %d bytes, at most %d are taken", len(longest), maxAnnouncement)
	}
	for _, c := range []struct{ name, old, new string }{
		{"no space", `", "index`, `","index`},
		{"another key", `"size"`, `"bytes"`},
		{"one key more", `70000}`, `70000, "x": 1}`},
		{"float", `70000}`, `70000.0}`},
		{"upper case", "0202", "0A0A"},
		{"short hash", "0202", "02"},
		{"trailing newline", `70000}`, "70000}\n"},
		{"genesis", `"index": 7`, `"index": 1`},
		{"negative index", `"index": 7`, `"index": -7`},
		{"small enough to travel whole", `70000}`, `65536}`},
		{"too large for a block", `70000}`, `262145}`},
		{"huge", `70000}`, `99999999999999999999}`},
		{"much too long", `70000}`, `70000}` + strings.Repeat(" ", maxAnnouncement)},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := strings.Replace(goodAnnouncement, c.old, c.new, 1)
			if raw == goodAnnouncement {
				t.Fatal("the case changes nothing")
			}
			if a, err := wire.ParseAnnouncement([]byte(raw), most); err == nil {
				t.Errorf("taken: %+v", a)
			}
		})
	}
}

func FuzzAnnouncement(f *testing.F) {
	f.Add([]byte(goodAnnouncement))
	most := consensus.Classic().MaxBlockBytes
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := wire.ParseAnnouncement(raw, most)
		if err == nil && string(a.Append(nil)) != string(raw) {
			t.Errorf("taken in another form: %q", raw)
		}
	})
}
