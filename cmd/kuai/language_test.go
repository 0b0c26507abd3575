package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestLanguageIsThatOfTheLocale(t *testing.T) {
	for env, zh := range map[string]bool{
		"": false, "LANG=zh_CN.UTF-8": true, "LANG=en_US.UTF-8": false, "LANG=C LC_ALL=zh_TW": true, "LANG=zh_CN LC_MESSAGES=C": false, "LC_ALL= LANG=zh": true,
		"LC_ALL=de_DE LC_MESSAGES=zh_CN": false,
	} {
		if got := languageOf(strings.Fields(env)); got.zh != zh {
			t.Errorf("%s: %v", env, got)
		}
	}
}

// names matches the flags, verbs and words in capitals of a text, which no translation changes.
var names = regexp.MustCompile(`'kuai \w+|--[a-z-]+|\b[A-Z][A-Z]+\b|%s`)

// TestEveryVerbHasItsChinese: each verb and group, with the same names in both languages.
func TestEveryVerbHasItsChinese(t *testing.T) {
	root := newRoot(terminal{})
	root.InitDefaultCompletionCmd()
	for _, c := range allVerbs(root) {
		if c.Parent() != nil && c.Parent().Name() == "completion" {
			continue // cobra's own, a line for each shell
		}
		if chinese[c.Short] == "" {
			t.Errorf("%s: no Chinese for %q", c.CommandPath(), c.Short)
		}
	}
	for _, g := range verbGroups {
		if chinese[g.title] == "" {
			t.Errorf("no Chinese for %q", g.title)
		}
	}
	for english, zh := range chinese {
		in, out := names.FindAllString(english, -1), names.FindAllString(zh, -1)
		slices.Sort(in)
		slices.Sort(out)
		if in, out = slices.Compact(in), slices.Compact(out); !slices.Equal(in, out) || strings.Count(english, "%s") != strings.Count(zh, "%s") {
			t.Errorf("%q has %q, %q has %q", english, in, zh, out)
		}
	}
}

func TestVaryingPartsStay(t *testing.T) {
	l := language{true}
	for english, want := range map[string]string{
		"block 7, abc":           "区块 7，abc",
		"manual, idle":           "manual，空闲",
		"unknown flag: --x":      "未知选项：--x",
		"something else happens": "something else happens",
		"unknown flag: --prot (did you mean --port?)": "未知选项：--prot（是否想输入 --port？）",
	} {
		if got := l.text(english); got != want {
			t.Errorf("%q is %q, want %q", english, got, want)
		}
		if got := (language{}).text(english); got != english {
			t.Errorf("in English %q is %q", english, got)
		}
	}
	if got := l.label("tip", 9) + "|" + l.label("version", 9) + "|" + (language{}).label("tip", 9) + "|"; got != "最新区块 |版本     |tip      |" {
		t.Errorf("%q", got)
	}
}
