package canonical_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"kuai/chain/canonical"
)

// encodings are all that Python's json.loads reads, each with and without a byte order mark.
var encodings = map[string]func(text string) []byte{
	"UTF-8":                 func(s string) []byte { return []byte(s) },
	"UTF-8 with a mark":     func(s string) []byte { return []byte("\ufeff" + s) },
	"UTF-16LE":              func(s string) []byte { return inUTF16(binary.LittleEndian, s) },
	"UTF-16LE with a mark":  func(s string) []byte { return inUTF16(binary.LittleEndian, "\ufeff"+s) },
	"UTF-16BE":              func(s string) []byte { return inUTF16(binary.BigEndian, s) },
	"UTF-16BE with a mark":  func(s string) []byte { return inUTF16(binary.BigEndian, "\ufeff"+s) },
	"UTF-32LE":              func(s string) []byte { return inUTF32(binary.LittleEndian, s) },
	"UTF-32LE with a mark":  func(s string) []byte { return inUTF32(binary.LittleEndian, "\ufeff"+s) },
	"UTF-32BE":              func(s string) []byte { return inUTF32(binary.BigEndian, s) },
	"UTF-32BE with a mark ": func(s string) []byte { return inUTF32(binary.BigEndian, "\ufeff"+s) },
}

func inUTF16(order binary.AppendByteOrder, s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func inUTF32(order binary.AppendByteOrder, s string) (b []byte) {
	for _, c := range s {
		b = order.AppendUint32(b, uint32(c))
	}
	return b
}

// decoders are the ways to decode; iotest's readers give little at a time, or the end with the last byte.
var decoders = map[string]func(text []byte) ([]byte, error){
	"whole":  canonical.DecodeText,
	"stream": func(b []byte) ([]byte, error) { return io.ReadAll(canonical.NewTextReader(bytes.NewReader(b))) },
	"one byte": func(b []byte) ([]byte, error) {
		return io.ReadAll(canonical.NewTextReader(iotest.OneByteReader(bytes.NewReader(b))))
	},
	"at the end": func(b []byte) ([]byte, error) {
		return io.ReadAll(canonical.NewTextReader(iotest.DataErrReader(bytes.NewReader(b))))
	},
	"one byte out": func(b []byte) ([]byte, error) {
		return io.ReadAll(iotest.OneByteReader(canonical.NewTextReader(bytes.NewReader(b))))
	},
}

func TestTextIsDecoded(t *testing.T) {
	for _, text := range []string{`{"sender": "块 é 😀", "amount": 5}`, "{}", "5", "55", " ", "", `"` + strings.Repeat("块😀x", 30_000) + `"`} {
		for name, encode := range encodings {
			if text == "" && !strings.Contains(name, "mark") {
				continue // every encoding of nothing is nothing
			}
			for how, decode := range decoders {
				if got, err := decode(encode(text)); err != nil || string(got) != text {
					t.Errorf("%s, %s: %.40q, %v; expected %.40q", name, how, got, err, text)
				}
			}
		}
	}
}

// TestDetectionIsPythons holds what json.detect_encoding says of short and odd texts.
func TestDetectionIsPythons(t *testing.T) {
	for text, expected := range map[string]string{
		"":                           "",
		"\x00":                       "\x00", // one byte is UTF-8
		"5\x00\x00":                  "5\x00\x00",
		"\x00\x00":                   "\x00", // 00 XX: UTF-16BE
		"5\x005\x00":                 "55",
		"\x005\x005":                 "55",
		"5\x00\x00\x005\x00\x00\x00": "55",
		"\xef\xbb\xbf\xef\xbb\xbf5":  "\ufeff5", // one mark is taken off, the reader refuses the other
		"\xff\xfe5\x00":              "5",
		"\xff\xfe\x00\x00":           "", // UTF-32 goes before UTF-16
		"\xef\xbb\xbf":               "",
		"\"\xff\"":                   "\"\xff\"", // the reader refuses it
	} {
		for how, decode := range decoders {
			if got, err := decode([]byte(text)); err != nil || string(got) != expected {
				t.Errorf("%q, %s: %q, %v; expected %q", text, how, got, err, expected)
			}
		}
	}
}

func TestTextThatCannotBeDecoded(t *testing.T) {
	for text, offset := range map[string]int{
		"\xff\xfe5\x00\x00\xd8":            4, // ends with half a pair
		"\xff\xfe5\x00\x00\xd8x\x00":       4, // a lone high surrogate
		"\xff\xfe5\x00\x00\xdcx\x00":       4, // a lone low one
		"\xff\xfe5\x006":                   4, // half a unit
		"\xff\xfe\x00\x005\x00\x00":        4,
		"\xff\xfe\x00\x00\x00\x00\x11\x00": 4, // beyond U+10FFFF
		"\xff\xfe\x00\x00\xff\xff\xff\xff": 4,
		"\x00\x00\xfe\xff\x00\x00\xd8\x00": 4, // a surrogate in UTF-32
	} {
		for how, decode := range decoders {
			_, err := decode([]byte(text))
			if syntax := (*canonical.SyntaxError)(nil); !errors.As(err, &syntax) || syntax.Offset != offset {
				t.Errorf("%q, %s: %v, expected a syntax error at %d", text, how, err, offset)
			}
		}
	}
	broken := io.MultiReader(bytes.NewReader(inUTF16(binary.LittleEndian, "{}")), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := io.ReadAll(canonical.NewTextReader(broken)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a source that fails: %v", err)
	}
}

// FuzzDecodeText: a stream decodes as the whole text does, and any text survives every encoding.
func FuzzDecodeText(f *testing.F) {
	for _, encode := range encodings {
		f.Add(encode(`{"a": "块😀"}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, err := canonical.DecodeText(text)
		for how, decode := range decoders {
			got, streamErr := decode(text)
			if (err == nil) != (streamErr == nil) || err == nil && !bytes.Equal(got, whole) {
				t.Errorf("%s: %q, %v; whole %q, %v", how, got, streamErr, whole, err)
			}
		}
		json := "{" + strings.ToValidUTF8(string(text), "?")
		if strings.ContainsAny(json[1:min(len(json), 4)], "\x00") {
			return // no JSON: detection relies on it
		}
		for name, encode := range encodings {
			if got, err := canonical.DecodeText(encode(json)); err != nil || string(got) != json {
				t.Errorf("%s: %q, %v; expected %q", name, got, err, json)
			}
		}
	})
}
