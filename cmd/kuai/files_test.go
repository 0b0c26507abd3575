package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// encodings are what PowerShell and Notepad save text in.
var encodings = map[string]func(text string) string{
	"UTF-8 with a mark": func(text string) string { return "\ufeff" + text },
	"UTF-16LE":          func(text string) string { return inUTF16(binary.LittleEndian, text) },
	"UTF-16BE":          func(text string) string { return inUTF16(binary.BigEndian, text) },
	"UTF-32LE": func(text string) string {
		var b []byte
		for _, c := range "\ufeff" + text {
			b = binary.LittleEndian.AppendUint32(b, uint32(c))
		}
		return string(b)
	},
}

func inUTF16(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func TestFilesInEveryEncoding(t *testing.T) {
	const genesis = `{"name": "类", "zeros": 3, "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1.5, "transactions": []}}`
	dir, _ := keptChain(t, 2)
	chain := says(t, exitOK, "", "export", "-", "--data-dir", dir)
	for name, encode := range encodings {
		t.Run(name, func(t *testing.T) {
			if got := effective(t, nil, "--config", write(t, encode(`{"port": 5003, "network": "classic"}`))); got.Port != 5003 {
				t.Errorf("config: port %d", got.Port)
			}
			effective(t, nil, "--network", write(t, encode(genesis)))
			says(t, exitOK, "Our chain was replaced: 3 blocks", "import", write(t, encode(chain)), "--data-dir", filepath.Join(t.TempDir(), "new"))
			if token, err := readToken(write(t, encode("secret-token\r\n"))); token != "secret-token" || err != nil {
				t.Errorf("token %q, %v", token, err)
			}
			key := "/key/swarm/psk/1.0.0/\r\n/base16/\r\n" + strings.Repeat("0f", 32) + "\r\n"
			if _, err := readSwarmKey(write(t, encode(key))); err != nil {
				t.Errorf("swarm key: %v", err)
			}
		})
	}
}

// TestTokensThatNoHeaderCarries: they are refused at the start, and by the verbs.
func TestTokensThatNoHeaderCarries(t *testing.T) {
	for text, says := range map[string]string{
		"two\nlines\n":            "several lines",
		"two\r\nlines":            "several lines",
		"a\rb":                    "several lines",
		"nul\x00inside":           "U+0000",
		"n\x00ul":                 "U+0000",
		"\x00\x00\x00":            "",
		"tab\tinside":             "U+0009",
		"\xff\xfeodd":             "",
		"latin\xe9":               "UTF-8",
		strings.Repeat("a", 5000): "4096",
		" \r\n":                   "empty",
		"\ufeff\n":                "empty",
	} {
		file, dir := write(t, text), filepath.Join(t.TempDir(), "data")
		for _, args := range [][]string{{"daemon", "-p", "0", "--listen", "/ip4/192.0.2.1/tcp/0", "--mdns=false", "--data-dir", dir}, {"mine", "--api", "http://127.0.0.1:1"}} {
			code, _, errOut := kuai(nil, append(args, "--api-token-file", file)...)
			if code != exitUsage || !strings.Contains(errOut, says) || !strings.Contains(errOut, file) {
				t.Errorf("%q by %s: exit code %d, says %q, want %q", text, args[0], code, errOut, says)
			}
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: there is a data directory", text)
		}
	}
	for _, text := range []string{"secret", "  two words \n", "geheimnis-ü", "a+/=~"} {
		if token, err := readToken(write(t, text)); err != nil || token != strings.TrimSpace(text) {
			t.Errorf("%q: %q, %v", text, token, err)
		}
	}
}
