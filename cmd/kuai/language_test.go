package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"kuai/chain/consensus"
	"kuai/cmd/kuai/invite"
	"kuai/rpc/api"
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
var names = regexp.MustCompile(`'kuai \w+|--[a-z-]+|\b[A-Z][A-Z]+\b|%[st]`)

// TestStatesOfPeersInChinese: what a node says of a peer that is not connected has no English in it but names.
func TestStatesOfPeersInChinese(t *testing.T) {
	for _, english := range []string{
		"not connected, trying now", "unreachable, trying now: connection refused", "not a node, trying now: it answers 403 to /node and 404 to /chain", "Flask node, trying now",
		"not connected", "other network, next try in 10 min", "Flask node, next try in 30 s", "same identity as this node, next try in 10 min",
		"cut off by the lab", "graylisted: its gossip is ignored", "disconnected on request, next try in 9 min", "refused because it broke the protocol, next try in 59 s", "it is of another network, 1-1",
		"unreachable, next try in 12 s: connection refused, no answer", "unreachable: no answer, connection refused, no route to host",
		"unreachable, next try in 1 s: it closed the connection before it said its status", "unreachable: it says nothing on the connection, or closes it at once: it may refuse this node",
		"unreachable, next try in 3 s: no machine is known by the name pc-3", "unreachable: another peer answers there", "unreachable, next try in 3 s: the name pc-3 cannot be looked up",
		"unreachable, next try in 3 s: it does not speak HTTP: if that is its port for peers, give its HTTP port or its multiaddr",
		"unreachable: it speaks HTTP, not HTTPS: write http:// in place of https://", "unreachable: this machine does not trust its certificate",
		"not a node, next try in 3 s: it answers 403 to /node and 404 to /chain", "not a node: it answers 200 to /node and nothing to /chain",
		"not a node: it asks for a token; connect to its multiaddr, which it prints at its start",
		"no node answers there: it answers 403 to /node and 404 to /chain", "a Flask node answers", "another node has this node's identity",
		"unreachable: this node has as many connections as it may", "unreachable: this node refuses it",
		"unreachable: it closed the connection at once: another swarm key, or one on one side only; or it refuses this node",
		"unreachable: it answers in no way that is understood: another swarm key, or one on one side only; or that is not its port for peers",
		"unreachable: this node itself listens there, and its peer id is another one", "unreachable, next try in 4 s: no address that can be dialled",
		"unreachable: this node does not speak QUIC: give the TCP address, or start this node with --quic",
		"unreachable: this node has no transport for that address: give one with /tcp/PORT",
		"unreachable: it refuses this node for a while", "unreachable, next try in 4 s: it has as many connections as it may", "unreachable, next try in 4 s: connection timed out",
	} {
		got := (language{zh: true}).text(english)
		if rest := regexp.MustCompile(`/node|/chain|/tcp/PORT|--quic|multiaddr|Flask|https?://|HTTPS?|QUIC|TCP|pc-3|1-1| id`).ReplaceAllString(got, ""); regexp.MustCompile("[A-Za-z]").MatchString(rest) {
			t.Errorf("%q is %q", english, got)
		}
	}
}

// TestEveryVerbHasItsChinese: each verb and group, with the same names in both languages.
func TestEveryVerbHasItsChinese(t *testing.T) {
	root := newRoot(terminal{})
	root.InitDefaultHelpCmd()
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
		if in, out = slices.Compact(in), slices.Compact(out); !slices.Equal(in, out) ||
			!slices.Equal(variable.FindAllString(english, -1), variable.FindAllString(zh, -1)) {
			t.Errorf("%q has %q, %q has %q", english, in, zh, out)
		}
	}
}

// TestEveryFlagHasItsChinese: each flag of each command, those of cobra too.
func TestEveryFlagHasItsChinese(t *testing.T) {
	root := newRoot(terminal{})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	used := make(map[string]bool)
	for _, c := range allVerbs(root) {
		c.InitDefaultHelpFlag()
		c.InitDefaultVersionFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(f)
			key := usage
			if p, _ := matching(usage); p != nil && chinese[usage] == "" {
				key = p.key
			}
			if chineseFlags[key] == "" {
				t.Errorf("%s --%s: no Chinese for %q", c.CommandPath(), f.Name, usage)
			}
			used[key] = true
		})
	}
	for english := range chineseFlags {
		if !used[english] {
			t.Errorf("no flag has the text %q", english)
		}
	}
}

// TestQuotedSentences: a text that quotes many sentences of somebody's is looked up a bounded number of times.
func TestQuotedSentences(t *testing.T) {
	zh := language{zh: true}
	for _, n := range []int{0, 3, maxSentences, 1000} {
		quoted := "The body is refused: " + strings.Repeat("a. ", n) + "no block."
		if got := zh.text(quoted); got != quoted {
			t.Errorf("%d: %q", n, got)
		}
	}
	if got := zh.text("This node has no lab. Start it with one: kuai daemon --lab, or kuai join --lab for a network that was joined by a code."); !strings.HasPrefix(got, "此节点没有实验室。请用 kuai daemon") {
		t.Errorf("%q", got)
	}
}

// TestOutputHasItsChinese: each format that verbs print by, with the same values in the same order, and no other.
func TestOutputHasItsChinese(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range regexp.MustCompile(`\.format\(("(?:[^"\\]|\\.)*")`).FindAllSubmatch(text, -1) {
			form, err := strconv.Unquote(string(call[1]))
			if err != nil {
				t.Fatalf("%s: %s: %v", file, call[1], err)
			}
			used[form] = true
		}
	}
	directives := regexp.MustCompile(`%.`)
	for form := range used {
		if zh := chineseOutput[form]; zh == "" || !slices.Equal(directives.FindAllString(form, -1), directives.FindAllString(zh, -1)) {
			t.Errorf("%q has the Chinese %q", form, zh)
		}
	}
	for form := range chineseOutput {
		if !used[form] {
			t.Errorf("nothing is printed by %q", form)
		}
	}
}

// longInEnglish are the verbs whose long help is English below a Chinese line.
var longInEnglish = []string{
	"completion", "completion bash", "completion fish", "completion powershell", "completion zsh", // cobra's own
}

// TestLongHelpIsChineseOrListed: a long help is in the table, or its verb in the list of those in English.
func TestLongHelpIsChineseOrListed(t *testing.T) {
	english, root := newRoot(terminal{}), newRoot(terminal{env: []string{"LANG=zh_CN.UTF-8"}})
	english.InitDefaultHelpCmd()
	english.InitDefaultCompletionCmd()
	var mixed []string
	for _, c := range allVerbs(english) {
		zh, _, err := root.Find(strings.Fields(c.CommandPath())[1:])
		if err != nil {
			t.Fatal(err)
		}
		if c.Long != "" && strings.Contains(zh.Long, c.Long) {
			mixed = append(mixed, wordsOf(c))
		}
		if translated := chineseLong[wordsOf(c)]; translated != "" && zh.Long != translated {
			t.Errorf("%s: %q", c.CommandPath(), zh.Long)
		}
	}
	slices.Sort(mixed)
	if want := slices.Sorted(slices.Values(longInEnglish)); !slices.Equal(mixed, want) {
		t.Errorf("English are %q, want %q", mixed, want)
	}
	for name, zh := range chineseLong {
		c, _, err := english.Find(strings.Fields(strings.TrimPrefix(name, "kuai")))
		if err != nil || wordsOf(c) != name {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(zh, -1) {
			if !strings.Contains(c.Long, flag) {
				t.Errorf("the English help of %s has no %s", name, flag)
			}
		}
	}
}

// TestBannerAndInvitationInChinese: every line but those to type is Chinese. What users named stays.
func TestBannerAndInvitationInChinese(t *testing.T) {
	l := language{zh: true}
	for _, cfg := range []Config{
		{HTTPHost: "127.0.0.1", lang: l, Ephemeral: true, NAT: true},
		{HTTPHost: "0.0.0.0", lang: l, DataDir: "data", APIAuth: authLocal, joined: &invite.Invitation{}},
	} {
		text := banner(cfg, nodeFile{Addresses: []string{"/ip4/1"}, API: []string{"http://1"}}, 7) + "  " + l.text(where(cfg)+":")
		onlyChinese(t, text)
		if !cfg.Ephemeral && !strings.Contains(text, "  数据     data\n") {
			t.Error(text)
		}
	}
	for _, v := range []inviteInfo{
		{Made: true, Start: "kuai join"}, {Made: true, classic: "http://1"}, {classic: "http://1"}, {Invite: api.Invite{Private: true}},
		{Invite: api.Invite{Network: consensus.Classic().Network(), Addresses: []string{"/ip4/1"}}},
	} {
		var b strings.Builder
		if err := printInvite(&b, l, v); err != nil {
			t.Fatal(err)
		}
		onlyChinese(t, b.String())
	}
}

// onlyChinese fails the test if a line has one of the words that the English texts are made of.
func onlyChinese(t *testing.T, text string) {
	t.Helper()
	english := regexp.MustCompile(`\b(the|with|this|node|address|network|code|page|data|peers|invite|password) `)
	for _, line := range strings.Split(text, "\n") {
		if english.MatchString(regexp.MustCompile(`'kuai \w+|--[a-z-]+`).ReplaceAllString(line, "")) {
			t.Errorf("%q", line)
		}
	}
}

func TestVaryingPartsStay(t *testing.T) {
	l := language{true}
	for english, want := range map[string]string{
		"block 7, abc":                                      "区块 7，abc",
		"manual, idle":                                      "manual，空闲",
		"unknown flag: --x":                                 "未知选项：--x",
		"open %s: no such file or directory":                "打不开 %s：没有这个文件或目录",
		"open a%sb: no such file or directory":              "打不开 a%sb：没有这个文件或目录",
		"config file: network":                              "配置文件：网络",
		"want 3 arguments, got 2\nUsage: kuai send [flags]": "需要 3 个参数，实际有 2 个\n用法：kuai send [选项]",
		"unknown command network":                           "未知命令 network",
		"something else happens":                            "something else happens",
		"unknown flag: --prot (did you mean --port?)":       "未知选项：--prot（是否想输入 --port？）",
	} {
		if got := l.text(english); got != want {
			t.Errorf("%q is %q, want %q", english, got, want)
		}
		if got := (language{}).text(english); got != english {
			t.Errorf("in English %q is %q", english, got)
		}
	}
	if got := l.label("tip") + "|" + l.label("version") + "|" + (language{}).label("tip") + "|"; got != "最新区块 |版本     |tip      |" {
		t.Errorf("%q", got)
	}
}
