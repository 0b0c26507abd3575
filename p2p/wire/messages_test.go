package wire_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// Bounds of messages, as docs/PROTOCOL.md has them.
const (
	minStatus       = 83
	maxAgent        = 128
	maxName         = 64
	maxNameRunes    = 32
	maxHeight       = 1 << 53
	maxAnnouncement = 256
)

// hashOf returns a hash of one byte repeated.
func hashOf(b byte) (h consensus.Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}

// golden is every message of the stream protocols with its bytes on the wire, as the documents show them.
var golden = []struct {
	name  string
	bytes string // hex, spaces for people
	value any
	parse func([]byte) (any, error)
	print func() []byte
}{
	{
		name: "status",
		bytes: "0001" + strings.Repeat("11", 32) + "0000000000000007" + strings.Repeat("22", 32) +
			"0000017ac1365000" + "08" + "6b7561692f302e31",
		value: exampleStatus,
		parse: func(b []byte) (any, error) { return wire.ParseStatus(b) },
		print: func() []byte { return exampleStatus.Append(nil) },
	},
	{
		name: "sync request",
		bytes: "0000000000000000" + "00004000" + "00800000" + strings.Repeat("00", 32) +
			"02" + strings.Repeat("33", 32) + strings.Repeat("11", 32),
		value: exampleRequest,
		parse: func(b []byte) (any, error) { return wire.ParseSyncRequest(b) },
		print: func() []byte { return exampleRequest.Append(nil) },
	},
	{
		name:  "sync request of a later span",
		bytes: "0000000000004002" + "00004000" + "00800000" + strings.Repeat("22", 32) + "00",
		value: exampleSpan,
		parse: func(b []byte) (any, error) { return wire.ParseSyncRequest(b) },
		print: func() []byte { return exampleSpan.Append(nil) },
	},
	{
		name:  "sync head",
		bytes: "0000000000000005" + "0000000000000006" + "00000002" + "0000000000000007" + strings.Repeat("22", 32),
		value: exampleHead,
		parse: func(b []byte) (any, error) { return wire.ParseSyncHead(b) },
		print: func() []byte { return exampleHead.Append(nil) },
	},
	{
		name:  "hashes",
		bytes: strings.Repeat("11", 32) + strings.Repeat("22", 32),
		value: []consensus.Hash{hashOf(0x11), hashOf(0x22)},
		parse: func(b []byte) (any, error) { return wire.ParseHashes(b, wire.MaxBlocksAsked) },
		print: func() []byte { return wire.AppendHashes(nil, []consensus.Hash{hashOf(0x11), hashOf(0x22)}) },
	},
	{
		name: "status of a secure network",
		bytes: "0001" + strings.Repeat("11", 32) + "0000000000000007" + strings.Repeat("22", 32) + "0000017ac1365000" +
			"086b7561692f302e31" + "00" + strings.Repeat("00", 29) + "060000",
		value: exampleSecure,
		parse: func(b []byte) (any, error) { return wire.ParseStatus(b) },
		print: func() []byte { return exampleSecure.Append(nil) },
	},
	{
		name:  "ids",
		bytes: "00000000000000000000000000000001" + "00000000000000000000000000000002",
		value: []consensus.ID{{15: 1}, {15: 2}},
		parse: func(b []byte) (any, error) { return wire.ParseIDs(b, wire.IDsInFrame) },
		print: func() []byte { return wire.AppendIDs(nil, []consensus.ID{{15: 1}, {15: 2}}) },
	},
}

var (
	exampleStatus = wire.Status{
		Version: 1, Genesis: hashOf(0x11), Height: 7, Tip: hashOf(0x22),
		Time: time.UnixMilli(1626739200000), Agent: "kuai/0.1",
	}
	exampleSecure = wire.Status{
		Version: 1, Genesis: hashOf(0x11), Height: 7, Tip: hashOf(0x22),
		Time: time.UnixMilli(1626739200000), Agent: "kuai/0.1", Work: consensus.Work{3: 0x60000},
	}
	exampleRequest = wire.SyncRequest{Count: 1 << 14, Bytes: 8 << 20, Locator: []consensus.Hash{hashOf(0x33), hashOf(0x11)}}
	exampleSpan    = wire.SyncRequest{From: 16386, Count: 1 << 14, Bytes: 8 << 20, Until: hashOf(0x22), Locator: []consensus.Hash{}}
	exampleHead    = wire.SyncHead{Fork: 5, From: 6, Count: 2, Height: 7, Tip: hashOf(0x22)}
)

func TestMessagesHaveTheirGoldenBytes(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			want, err := hex.DecodeString(g.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.print(); !bytes.Equal(got, want) {
				t.Errorf("printed %x\nwant    %x", got, want)
			}
			got, err := g.parse(want)
			if err != nil || !reflect.DeepEqual(got, g.value) {
				t.Errorf("parsed %+v, %v", got, err)
			}
		})
	}
}

func TestEveryCutMessageIsRefused(t *testing.T) {
	for _, g := range golden {
		whole, _ := hex.DecodeString(g.bytes)
		for n := range whole {
			switch _, err := g.parse(whole[:n]); {
			case g.name == "hashes" && n == wire.HashSize, g.name == "ids" && n == wire.IDSize:
			case g.name == "status of a secure network" && n >= len(exampleStatus.Append(nil)): // what follows the agent may be left out
			case !errors.Is(err, wire.ErrViolation):
				t.Errorf("%s cut to %d of %d bytes: %v", g.name, n, len(whole), err)
			}
		}
	}
}

func TestMessagesOutOfBoundsAreRefused(t *testing.T) {
	status := func(change func(*wire.Status)) []byte { m := exampleStatus; change(&m); return m.Append(nil) }
	request := func(change func(*wire.SyncRequest)) []byte { m := exampleRequest; change(&m); return m.Append(nil) }
	head := func(change func(*wire.SyncHead)) []byte { m := exampleHead; change(&m); return m.Append(nil) }
	notText := exampleStatus.Append(nil)
	notText[len(notText)-1] = 0xff
	cases := map[string]error{
		"status of version 0":         parsed(wire.ParseStatus(status(func(m *wire.Status) { m.Version = 0 }))),
		"status of height 0":          parsed(wire.ParseStatus(status(func(m *wire.Status) { m.Height = 0 }))),
		"status of a negative height": parsed(wire.ParseStatus(status(func(m *wire.Status) { m.Height = -1 }))),
		"status above 2^53":           parsed(wire.ParseStatus(status(func(m *wire.Status) { m.Height = maxHeight + 1 }))),
		"status with a bad agent":     parsed(wire.ParseStatus(notText)),
		"status too long":             parsed(wire.ParseStatus(make([]byte, wire.MaxStatus+1))),
		"request without a locator":   parsed(wire.ParseSyncRequest(request(func(m *wire.SyncRequest) { m.Locator = nil }))),
		"request of no blocks":        parsed(wire.ParseSyncRequest(request(func(m *wire.SyncRequest) { m.Count = 0 }))),
		"request from a negative":     parsed(wire.ParseSyncRequest(request(func(m *wire.SyncRequest) { m.From = -1 }))),
		"request of 65 hashes":        parsed(wire.ParseSyncRequest(request(func(m *wire.SyncRequest) { m.Locator = make([]consensus.Hash, 65) }))),
		"request with more behind":    parsed(wire.ParseSyncRequest(append(exampleRequest.Append(nil), 0))),
		"head of height 0":            parsed(wire.ParseSyncHead(head(func(m *wire.SyncHead) { m.Height = 0 }))),
		"head of a negative fork":     parsed(wire.ParseSyncHead(head(func(m *wire.SyncHead) { m.Fork = -1 }))),
		"head of blocks past the tip": parsed(wire.ParseSyncHead(head(func(m *wire.SyncHead) { m.Count = 3 }))),
		"head of blocks from 0":       parsed(wire.ParseSyncHead(head(func(m *wire.SyncHead) { m.From = 0 }))),
		"head of 4 billion blocks":    parsed(wire.ParseSyncHead(head(func(m *wire.SyncHead) { m.Count = 1<<32 - 1 }))),
		"no hash":                     parsed(wire.ParseHashes(nil, wire.MaxBlocksAsked)),
		"65 hashes":                   parsed(wire.ParseHashes(make([]byte, 65*wire.HashSize), wire.MaxBlocksAsked)),
		"no id":                       parsed(wire.ParseIDs(nil, wire.IDsInFrame)),
		"an id more than a frame has": parsed(wire.ParseIDs(make([]byte, wire.MaxIDs+wire.IDSize), wire.IDsInFrame)),
		"length above the most":       parsed(wire.ReadFrame(reader(5), 4)),
		"length of two bytes for one": parsed(wire.ReadFrame(reader(0x80, 0x00), 100)),
		"length of five bytes":        parsed(wire.ReadFrame(reader(0xff, 0xff, 0xff, 0xff, 0x01), 1<<30)),
		"length that never ends":      parsed(wire.ReadFrame(reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 1<<30)),
	}
	for name, err := range cases {
		if !errors.Is(err, wire.ErrViolation) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func parsed[T any](_ T, err error) error { return err }

func reader(b ...byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

func TestFramesComeBack(t *testing.T) {
	var sent bytes.Buffer
	w := bufio.NewWriter(&sent)
	var frames [][]byte
	for _, n := range []int{0, 1, 127, 128, 16383, 16384, 1 << 18} {
		frames = append(frames, bytes.Repeat([]byte{byte(n)}, n))
	}
	for _, f := range frames {
		if err := wire.WriteFrame(w, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	appended := []byte{}
	for _, f := range frames {
		appended = wire.AppendFrame(appended, f)
	}
	if !bytes.Equal(appended, sent.Bytes()) {
		t.Error("AppendFrame and WriteFrame differ")
	}
	r := bufio.NewReader(&sent)
	for _, want := range frames {
		got, err := wire.ReadFrame(r, 1<<18)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("frame of %d bytes came back as %d, %v", len(want), len(got), err)
		}
	}
	if _, err := wire.ReadFrame(r, 1); err != io.EOF {
		t.Errorf("after the last frame: %v", err)
	}
}

func TestEndOfStreamInsideAFrameIsNoViolation(t *testing.T) {
	for _, b := range [][]byte{{0x80}, {3}, {3, 1, 2}} {
		if _, err := wire.ReadFrame(reader(b...), 100); err != io.ErrUnexpectedEOF {
			t.Errorf("% x: %v", b, err)
		}
	}
}

func TestAgentIsCutAtACharacter(t *testing.T) {
	m := exampleStatus
	m.Agent = strings.Repeat("块", 100)
	got, err := wire.ParseStatus(m.Append(nil))
	if err != nil || got.Agent != strings.Repeat("块", maxAgent/3) {
		t.Errorf("agent of %d bytes, %v", len(got.Agent), err)
	}
}

func TestLaterVersionsMayAppendToAStatus(t *testing.T) {
	m := exampleStatus
	m.Version = 9
	got, err := wire.ParseStatus(append(m.Append(nil), "what a later version says"...))
	if err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
}

// Each decoder either refuses or prints what it read as it was.

// FuzzStatus: bytes that are not a name are passed over, and the work behind them still counts.
func FuzzStatus(f *testing.F) {
	f.Add(exampleStatus.Append(nil))
	f.Add(append(exampleStatus.Append(nil), "\x06laptop"...))
	f.Add(slices.Concat(exampleStatus.Append(nil), []byte{1, 0xbf}, bytes.Repeat([]byte{0xf3}, 32)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wire.ParseStatus(b)
		if err != nil {
			return
		}
		back := m.Append(nil)
		if again, err := wire.ParseStatus(back); err != nil || again != m {
			t.Errorf("%x came back as %+v, %v, not as %+v", b, again, err, m)
		}
		if common := back[:minStatus+len(m.Agent)]; !bytes.HasPrefix(b, common) {
			t.Errorf("%x came back as %x", b, common)
		}
		if m.Name != "" && !bytes.HasPrefix(b, back) {
			t.Errorf("%x came back as %x", b, back)
		}
	})
}

func FuzzSyncRequest(f *testing.F) {
	f.Add(exampleRequest.Append(nil))
	f.Add(exampleSpan.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := wire.ParseSyncRequest(b); err == nil && !bytes.Equal(b, m.Append(nil)) {
			t.Errorf("%x came back as %x", b, m.Append(nil))
		}
	})
}

func FuzzSyncHead(f *testing.F) {
	f.Add(exampleHead.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := wire.ParseSyncHead(b); err == nil && !bytes.Equal(b, m.Append(nil)) {
			t.Errorf("%x came back as %x", b, m.Append(nil))
		}
	})
}

func FuzzHashesAndIDs(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		if hashes, err := wire.ParseHashes(b, wire.MaxBlocksAsked); err == nil && !bytes.Equal(b, wire.AppendHashes(nil, hashes)) {
			t.Errorf("%x came back as other hashes", b)
		}
		if ids, err := wire.ParseIDs(b, wire.IDsInFrame); err == nil && !bytes.Equal(b, wire.AppendIDs(nil, ids)) {
			t.Errorf("%x came back as other ids", b)
		}
	})
}

// FuzzFrames reads frames to the end: nothing longer than the most is returned, and what is returned is what was there.
func FuzzFrames(f *testing.F) {
	f.Add(wire.AppendFrame(wire.AppendFrame(nil, []byte("block")), nil), 16)
	f.Add(binary.AppendUvarint(nil, 1<<28-1), 1<<18)
	f.Fuzz(func(t *testing.T, b []byte, most int) {
		most = min(max(most, 0), 1<<20)
		r, again := bufio.NewReader(bytes.NewReader(b)), []byte(nil)
		for {
			frame, err := wire.ReadFrame(r, most)
			if err != nil {
				break
			}
			if len(frame) > most {
				t.Fatalf("a frame of %d bytes, at most %d allowed", len(frame), most)
			}
			again = wire.AppendFrame(again, frame)
		}
		if !bytes.HasPrefix(b, again) {
			t.Errorf("%x came back as %x", b, again)
		}
	})
}
