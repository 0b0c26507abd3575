package web

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTextsAreInBothLanguages holds the same keys in both, each with the same places for values.
func TestTextsAreInBothLanguages(t *testing.T) {
	en, zh := readTexts(English), readTexts(Chinese)
	if a, b := slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(zh)); !slices.Equal(a, b) {
		t.Errorf("keys differ: %q %q", a, b)
	}
	places := regexp.MustCompile(`\{[a-z]+\}`)
	for key, text := range en {
		if a, b := places.FindAllString(text, -1), places.FindAllString(zh[key], -1); !slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
			t.Errorf("%s: %q and %q", key, a, b)
		}
	}
}

// TestTextsAreThereAndUsed looks for each key that the page or a script names, and for keys that nothing names.
func TestTextsAreThereAndUsed(t *testing.T) {
	texts := readTexts(English)
	all := source
	for name, file := range Files() {
		if strings.HasSuffix(name, ".js") && name != "text.js" {
			all += string(file.Body)
		}
	}
	for _, mark := range regexp.MustCompile(`\bt\((?:[^"()]*\? )?"([a-z.]+[a-z])"`).FindAllStringSubmatch(all, -1) {
		if texts[mark[1]] == "" {
			t.Errorf("no text %s", mark[1])
		}
	}
	for key := range texts {
		if of, one := strings.CutSuffix(key, ".one"); one && texts[of] != "" { // the script picks it
			key = of
		}
		prefix := key[:strings.LastIndex("."+key, ".")]
		if !strings.Contains(all, `"`+key+`"`) && !strings.Contains(all, `"`+prefix+`"`) {
			t.Errorf("nothing shows the text %s", key)
		}
	}
}

func TestLanguage(t *testing.T) {
	for accept, want := range map[string]string{
		"": English, "zh": Chinese, "zh-TW": Chinese, "ZH-cn;q=0.2, en;q=0.1": Chinese, "en, zh": English, "zh, en": Chinese, "*": English, "de": English,
		"zh;q=0": English, "zh;q=x": Chinese, ";;,,=": English,
	} {
		if got := Language(accept); got != want {
			t.Errorf("%q: %s, not %s", accept, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for name, want := range map[string]string{
		"bob": "bob", strings.Repeat("块", 12): strings.Repeat("块", 12), strings.Repeat("块", 20): strings.Repeat("块", 6) + "…" + strings.Repeat("块", 5),
		"computer-room-3-desk-17.local": "computer-room…k-17.local", "lab-pc-room-204-desk-17": "lab-pc-room-204-desk-17",
		"12D3KooWPan1bBZGNrm4EWrVqhb2QX3JJMeNA2gjg1FETs1uKi7v": "12D3…1uKi7v",
	} {
		if got := short(name); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
}
