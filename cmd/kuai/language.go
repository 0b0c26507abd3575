package main

import (
	"regexp"
	"sort"
	"strings"
	"sync"

	"github.com/spf13/cobra"
)

// language is what people are spoken to in: help, status, the banner and errors. The zero value is English.
type language struct{ zh bool }

// languageKey is the annotation of the root with the language of its verbs, "zh" or nothing.
const languageKey = "language"

// languageOf reads the locale of an environment, as other programs do.
func languageOf(env []string) language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value, ok := lookup(env, name); ok {
			return language{strings.HasPrefix(strings.ToLower(value), "zh")}
		}
	}
	return language{}
}

// text returns an English text in the language. Texts that the table lacks stay English.
func (l language) text(english string) string {
	if !l.zh {
		return english
	}
	if exact, ok := chinese[english]; ok {
		return exact
	}
	for _, p := range patterns() {
		if found := p.english.FindStringSubmatch(english); found != nil {
			out := p.chinese
			for _, part := range found[1:] {
				out = strings.Replace(out, "%s", part, 1)
			}
			return out
		}
	}
	return english
}

// pattern is an entry of the table with parts that vary.
type pattern struct {
	english *regexp.Regexp
	chinese string
}

// patterns are the table's entries with %s, the longest first: a shorter one may match what a longer one means.
var patterns = sync.OnceValue(func() (all []pattern) {
	var keys []string
	for english := range chinese {
		if strings.Contains(english, "%s") {
			keys = append(keys, english)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		return len(keys[i]) > len(keys[j]) || len(keys[i]) == len(keys[j]) && keys[i] < keys[j]
	})
	for _, english := range keys {
		form := "^" + strings.ReplaceAll(regexp.QuoteMeta(english), "%s", "(.+?)") + "$"
		all = append(all, pattern{regexp.MustCompile(form), chinese[english]})
	}
	return all
})

// label is a word before a value, filled up to a width of terminal columns. A Chinese character takes two.
func (l language) label(english string, columns int) string {
	text := l.text(english)
	width := 0
	for _, c := range text {
		if width++; c > 0x2e80 {
			width++
		}
	}
	return text + strings.Repeat(" ", max(columns-width, 1))
}

// translate puts the help of all verbs into the language. Longer explanations stay English below.
func (l language) translate(root *cobra.Command) {
	if !l.zh {
		return
	}
	root.Annotations = map[string]string{languageKey: "zh"}
	root.InitDefaultCompletionCmd()
	root.SetUsageTemplate(strings.NewReplacer("Usage:", "用法：", "Aliases:", "别名：", "Examples:", "示例：", "Available Commands:", "命令：", "Additional Commands:", "其他命令：",
		"Global Flags:", "全局选项：", "Flags:", "选项：", `Use "{{.CommandPath}} [command] --help" for more information about a command.`,
		`用 "{{.CommandPath}} [command] --help" 查看命令的说明。`).Replace(root.UsageTemplate()))
	for _, g := range root.Groups() {
		g.Title = l.text(g.Title)
	}
	for _, c := range allVerbs(root) {
		short := l.text(c.Short)
		if c.Long != "" {
			c.Long = short + "\n\n" + c.Long
		}
		c.Short = short
	}
}
