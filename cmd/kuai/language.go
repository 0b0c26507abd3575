package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
	return translation{}.text(english)
}

// translation are the parts of a text that were looked up, each once: a refusal may quote what somebody wrote, with any number of them.
type translation map[string]string

func (t translation) text(english string) string {
	said, ok := t[english]
	if !ok {
		said = t.look(english)
		t[english] = said
	}
	return said
}

func (t translation) look(english string) string {
	if exact, ok := chinese[english]; ok {
		return exact
	}
	if said, ok := t.sentences(english); ok {
		return said
	}
	p, parts := matching(english)
	if p == nil {
		first, others, several := strings.Cut(english, "\n")
		if several { // several errors, a line each
			return t.text(first) + "\n" + t.text(others)
		}
		if text, sentence := strings.CutSuffix(english, "."); sentence && t.text(text) != text { // as a node's answer writes it
			return t.text(text) + "。"
		}
		return english
	}
	var out strings.Builder
	rest := chinese[p.key]
	for i, part := range parts {
		before, after, _ := strings.Cut(rest, p.verbs[i])
		if p.verbs[i] == textVerb {
			part = t.text(part)
		}
		out.WriteString(before + part)
		rest = after
	}
	return out.String() + rest
}

// maxSentences bounds the ends of sentences in a text that is looked up by its sentences.
const maxSentences = 6

// sentences returns a text of several sentences if the table has each of them, as a node's refusal says what was wrong and what to do.
func (t translation) sentences(english string) (text string, ok bool) {
	if strings.Count(english, ". ") > maxSentences {
		return "", false
	}
	for i := 0; ; {
		end := strings.Index(english[i:], ". ")
		if end < 0 {
			return "", false
		}
		i += end + len(". ")
		first, rest := english[:i-1], english[i:]
		if a := t.text(first); a != first {
			if b := t.text(rest); b != rest {
				return a + b, true
			}
		}
	}
}

// textVerb stands in the table for a part that is translated itself.
const textVerb = "%t"

// variable are the verbs of the table.
var variable = regexp.MustCompile(`%[st]`)

// pattern is an entry of the table with parts that vary.
type pattern struct {
	key     string
	verbs   []string // of its parts
	english *regexp.Regexp
}

// matching returns the entry that an English text is an instance of, and the parts that vary; nil if there is none.
func matching(english string) (*pattern, []string) {
	for _, p := range patterns() {
		if found := p.english.FindStringSubmatch(english); found != nil {
			return &p, found[1:]
		}
	}
	return nil, nil
}

// patterns are the table's entries with parts that vary, the longest first: a shorter one may match what a longer one means.
var patterns = sync.OnceValue(func() (all []pattern) {
	for english := range chinese {
		if verbs := variable.FindAllString(english, -1); verbs != nil {
			form := strings.ReplaceAll(regexp.QuoteMeta(english), "%s", "(.+?)") // on one line
			form = strings.ReplaceAll(form, textVerb, "((?s:.+?))")
			all = append(all, pattern{english, verbs, regexp.MustCompile("^" + form + "$")})
		}
	}
	slices.SortFunc(all, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(len(b.key), len(a.key)), strings.Compare(a.key, b.key))
	})
	return all
})

// labelColumns is how many columns of a terminal a label takes.
const labelColumns = 9

// label is a word before a value, filled up to labelColumns.
func (l language) label(english string) string {
	text := l.text(english)
	return text + strings.Repeat(" ", max(labelColumns-runewidth.StringWidth(text), 1))
}

// languageFor is the language of the program that c is a verb of.
func languageFor(c *cobra.Command) language {
	return language{c.Root().Annotations[languageKey] == "zh"}
}

// translate puts the help of all verbs into the language. Long helps that the table lacks stay English below a Chinese line.
func (l language) translate(root *cobra.Command) {
	if !l.zh {
		return
	}
	root.Annotations = map[string]string{languageKey: "zh"}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	usage := root.UsageFunc()
	root.SetUsageFunc(func(c *cobra.Command) error { return l.printUsage(c, usage) })
	for _, g := range root.Groups() {
		g.Title = l.text(g.Title)
	}
	for _, c := range allVerbs(root) {
		c.Short = l.text(c.Short)
		if long := chineseLong[wordsOf(c)]; long != "" {
			c.Long = long
		} else if c.Long != "" {
			c.Long = c.Short + "\n\n" + c.Long
		}
	}
}

// wordsOf is what is typed behind "kuai" for c, "kuai" for the root.
func wordsOf(c *cobra.Command) string { return strings.TrimPrefix(c.CommandPath(), "kuai ") }

// usageWords are cobra's words in the usage of a verb, and ours.
var usageWords = []string{
	"Usage:", "用法：", "\nAliases:\n", "\n别名：\n", "\nExamples:\n", "\n示例：\n", "\nAvailable Commands:\n", "\n命令：\n",
	"\nAdditional Commands:\n", "\n其他命令：\n", "\nGlobal Flags:\n", "\n全局选项：\n", "\nFlags:\n", "\n选项：\n",
}

// printUsage prints what usage prints, in the language. Cobra's templates could do that, but a program that has them grows: see part in
// rpc/web.
func (l language) printUsage(c *cobra.Command, usage func(*cobra.Command) error) error {
	out := c.OutOrStderr()
	var b strings.Builder
	c.SetOut(&b)
	err := usage(c)
	c.SetOut(out)
	if err != nil {
		return err
	}
	line, path := c.UseLine(), c.CommandPath()
	words := append([]string{
		`Use "` + path + ` [command] --help" for more information about a command.`, `用 "` + path + ` [命令] --help" 查看命令的说明。`,
		path + " [command]", path + " [命令]", line, strings.ReplaceAll(line, "[flags]", "[选项]"),
	}, usageWords...)
	for _, flags := range []*pflag.FlagSet{c.LocalFlags(), c.InheritedFlags()} {
		if flags.HasAvailableFlags() {
			words = append(words, strings.TrimSpace(flags.FlagUsages()), strings.TrimSpace(l.flagTexts(flags)))
		}
	}
	_, err = strings.NewReplacer(words...).WriteString(out, b.String())
	return err
}

// flagTexts lists flags as pflag does, in the language: names, types and default values stay.
func (l language) flagTexts(flags *pflag.FlagSet) string {
	lines := strings.SplitAfter(flags.FlagUsages(), "\n")
	i := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		before, after, _ := strings.Cut(lines[i], usage)
		if value, ok := strings.CutPrefix(after, " (default "); ok {
			after = strings.Replace("（默认 "+value, ")\n", "）\n", 1)
		}
		lines[i] = before + l.text(usage) + after
		i++
	})
	return strings.Join(lines, "")
}

// format is fmt.Sprintf with a format in the language. What it is given stays as it is: names of people and of accounts may be words of
// the table.
func (l language) format(english string, values ...any) string {
	form := english
	if zh, ok := chineseOutput[english]; ok && l.zh {
		form = zh
	}
	return fmt.Sprintf(form, values...)
}

// counted is count in the language.
func counted[N int | int64](l language, n N, thing string) string {
	if measure, ok := chineseMeasures[thing]; ok && l.zh {
		return fmt.Sprintf("%d %s", n, measure)
	}
	return count(n, thing)
}
