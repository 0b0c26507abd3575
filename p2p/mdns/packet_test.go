package mdns

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Packets as they are on the wire. Their service is goldenService, their sender "instanc", who knows "other".
const (
	goldenService = "_kuai-abcd-1._udp.local."
	goldenText    = "dnsaddr=/ip4/192.0.2.1/tcp/15000/p2p/x"

	goldenQuery = `
		0000000000010002000000000c5f6b7561692d616263642d31045f756470056c6f63616c00000c0001c00c000c000100001194000a0769
		6e7374616e63c00cc00c000c000100000bb80008056f74686572c00c`
	goldenAnnouncement = `
		0000840000000005000000000c5f6b7561692d616263642d31045f756470056c6f63616c00000c000100001194000a07696e7374616e63
		c00cc02f0010800100001194002726646e73616464723d2f6970342f3139322e302e322e312f7463702f31353030302f7032702f78c02f
		00218001000000780015000000000fa107696e7374616e63056c6f63616c0007696e7374616e63c01e00018001000000780004c0000201
		c08d001c800100000078001020010db8000000000000000000000001`
	goldenGoodbye = `
		0000840000000001000000000c5f6b7561692d616263642d31045f756470056c6f63616c00000c000100000000000a07696e7374616e63
		c00c`
	// As js-libp2p answers: a TXT record for each address, no SRV, no A, no compression.
	goldenJS = `
		0000840000000003000000000c5f6b7561692d616263642d31045f756470056c6f63616c00000c000100000078001f0570656572300c5f
		6b7561692d616263642d31045f756470056c6f63616c000570656572300c5f6b7561692d616263642d31045f756470056c6f63616c0000
		10000100000078002625646e73616464723d2f6970342f3132372e302e302e312f7463702f343030312f7032702f780570656572300c5f
		6b7561692d616263642d31045f756470056c6f63616c000010000100000078002625646e73616464723d2f6970342f3139322e302e322e
		372f7463702f343030312f7032702f78`
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenPackets(t *testing.T) {
	queries, err := query(goldenService, []instance{{"instanc." + goldenService, 4500, nil}, {"other." + goldenService, 3000, nil}})
	if err != nil || len(queries) != 1 {
		t.Fatalf("%d queries, %v", len(queries), err)
	}
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	answer, err := announcement(goldenService, "instanc."+goldenService, []string{goldenText}, addrs)
	if err != nil {
		t.Fatal(err)
	}
	bye, err := goodbye(goldenService, "instanc."+goldenService)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"query", queries[0], goldenQuery}, {"announcement", answer, goldenAnnouncement}, {"goodbye", bye, goldenGoodbye},
	} {
		if !bytes.Equal(c.got, unhex(t, c.want)) {
			t.Errorf("%s:\n%x, want%s", c.name, c.got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, packet, service string
		want                  message
	}{
		{"query", goldenQuery, goldenService, message{query: true, asks: true, instances: []instance{
			{"instanc." + goldenService, 4500, nil}, {"other." + goldenService, 3000, nil},
		}}},
		{"announcement", goldenAnnouncement, goldenService, message{instances: []instance{{"instanc." + goldenService, 4500, []string{goldenText}}}}},
		{"goodbye", goldenGoodbye, goldenService, message{instances: []instance{{"instanc." + goldenService, 0, nil}}}},
		{"js-libp2p", goldenJS, goldenService, message{instances: []instance{{"peer0." + goldenService, 120, []string{
			"dnsaddr=/ip4/127.0.0.1/tcp/4001/p2p/x", "dnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/x",
		}}}}},
		{"query for another service", goldenQuery, "_p2p._udp.local.", message{query: true}},
		{"answer for another service", goldenAnnouncement, "_p2p._udp.local.", message{}},
	} {
		got, err := parse(unhex(t, c.packet), c.service)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}

// TestParseSections: go-libp2p answers with a PTR record, all else is in the additional section; case does not count.
func TestParseSections(t *testing.T) {
	w := newWriter(dnsmessage.Header{Response: true, Authoritative: true})
	w.do(w.b.StartAnswers())
	w.ptr(w.name(strings.ToUpper(goldenService)), "Peer."+goldenService, 120)
	w.do(w.b.StartAdditionals())
	w.do(w.b.TXTResource(unique(w.name("peer."+goldenService), 120), dnsmessage.TXTResource{TXT: []string{"a", "b"}}))
	packet, err := w.finish()
	if err != nil {
		t.Fatal(err)
	}
	want := []instance{{"peer." + goldenService, 120, []string{"a", "b"}}}
	if got, err := parse(packet, goldenService); err != nil || !reflect.DeepEqual(got.instances, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseBounds(t *testing.T) {
	w := newWriter(dnsmessage.Header{Response: true})
	w.do(w.b.StartAnswers())
	for range maxRecords {
		w.do(w.b.TXTResource(unique(w.name("peer."+goldenService), 120), dnsmessage.TXTResource{TXT: []string{"text"}}))
	}
	packet, err := w.finish()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(packet, goldenService); !errors.Is(err, errTooMany) {
		t.Errorf("%d records: %v", maxRecords, err)
	}
	many := make([]string, 2*maxTexts)
	packet, err = announcement(goldenService, "peer."+goldenService, many, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := parse(packet, goldenService); err != nil || len(m.instances[0].texts) != maxTexts {
		t.Errorf("%v, %v: want %d texts", m, err, maxTexts)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{goldenQuery, goldenAnnouncement, goldenGoodbye, goldenJS} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := parse(packet, goldenService)
		if err != nil {
			return
		}
		if len(m.instances) > 2*maxRecords {
			t.Errorf("%d instances", len(m.instances))
		}
		for _, i := range m.instances {
			if !isInstance(i.name, goldenService) || len(i.texts) > maxTexts {
				t.Errorf("%+v", i)
			}
		}
	})
}
