package peers

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2precord "github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/p2p/hosttest"
)

// signedRecord is a record about one key's peer, signed by another key.
func signedRecord(t testing.TB, about, by crypto.PrivKey) []byte {
	t.Helper()
	id, err := peer.IDFromPrivateKey(about)
	if err != nil {
		t.Fatal(err)
	}
	r := peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.7/tcp/15000")}})
	envelope, err := libp2precord.Seal(r, by)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := envelope.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func framed(records ...[]byte) []byte {
	var b bytes.Buffer
	if err := writeRecords(&b, records); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestPeerRecordsAreProved(t *testing.T) {
	one := hosttest.Key(t)
	two := hosttest.Key(t)
	good := signedRecord(t, one, one)
	many := make([][]byte, maxRecords+1)
	for i := range many {
		many[i] = good
	}
	for _, c := range []struct {
		name  string
		raw   []byte
		found int // -1: an error
	}{
		{"none", nil, 0},
		{"two", framed(good, signedRecord(t, two, two)), 2},
		{"as many as allowed", framed(many[1:]...), maxRecords},
		{"one more", framed(many...), -1},
		{"signed by another", framed(signedRecord(t, one, two)), -1},
		{"tampered", framed(bytes.Replace(good, []byte{192, 0, 2, 7}, []byte{192, 0, 2, 8}, 1)), -1},
		{"cut off", framed(good)[:len(good)], -1},
		{"too long a record", binary.AppendUvarint(nil, maxRecord+1), -1},
		{"absurd length", binary.AppendUvarint(nil, 1<<62), -1},
		{"rubbish", framed([]byte("rubbish")), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := readRecords(bytes.NewReader(c.raw))
			if (err != nil) != (c.found < 0) || err == nil && len(found) != c.found {
				t.Errorf("got %d records, %v; want %d", len(found), err, c.found)
			}
		})
	}
}

func FuzzPeerRecords(f *testing.F) {
	key := hosttest.Key(f)
	f.Add(framed(signedRecord(f, key, key)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := readRecords(bytes.NewReader(raw))
		if err == nil && len(found) > maxRecords {
			t.Errorf("%d records", len(found))
		}
	})
}
