package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/rpc"
)

// TestEachRefusalIsInChinese reads the sentences of all refusals from the source of package rpc: what varies in them is a letter here.
func TestEachRefusalIsInChinese(t *testing.T) {
	files, err := filepath.Glob("../../rpc/*.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := refusedElsewhere(t)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, refusalsOf(parsed)...)
	}
	used := map[string]bool{}
	for _, text := range texts {
		use(used, text)
		if got := (language{zh: true}).text(text); !isChinese(got) {
			t.Errorf("%q is in Chinese %q", text, got)
		}
	}
	for english := range chineseRefusals {
		if !used[english] {
			t.Errorf("no refusal has the text %q", english)
		}
	}
}

// refusedElsewhere are texts of refusals that other packages give, or that functions make.
func refusedElsewhere(t *testing.T) []string {
	t.Helper()
	texts := []string{
		"Missing field: amount.", "Missing fields: amount, sender.", "0 stands for all cores.", "It is a percentage of the cores' time.",
		"A key stays unlocked for a day at most.", "GET /lab lists those that agreed.", `Send {"cut_all": true} for all; GET /peers lists the ids.`,
		rpc.ErrLessonOptions.Error() + ": not possible: the lesson fork-race takes 2 to 9 nodes, not 99", consensus.Classic().CheckAddress("").Error()[len("invalid (recipient): "):],
		"the signature is not that of 12D3KooW for this payment on the network 0123-2",
		p2p.ErrSplit.Error(), p2p.ErrNobody.Error() + ": they join by 'kuai join --lab CODE', as 'kuai invite' shows it here",
		"12D3KooW " + p2p.ErrDisagree.Error(), `65 peers to cut off: at most 64 can be named, or all`, `"x" is not a peer id: bad`,
	}
	for name, err := range refusedPayments() {
		if err == nil {
			t.Errorf("%s: it is not refused", name)
			continue
		}
		_, what, found := strings.Cut(err.Error(), "): ")
		if !found {
			what = err.Error()
		}
		texts = append(texts, what)
	}
	return texts
}

// isChinese reports whether a text has Chinese letters and no English phrase. Names, commands and quotations are not phrases.
func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) && !regexp.MustCompile(`[a-z]{2,} (is|was|has|the|of|not|and|to) `).MatchString(text)
}

// refusalsOf returns the texts that a file writes into a problem.
func refusalsOf(file *ast.File) (all []string) {
	keep := func(e ast.Expr) {
		if text, ok := sample(e); ok && strings.ContainsAny(text, ".") {
			all = append(all, text)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name, _ := n.Fun.(*ast.Ident)
			if name == nil {
				break
			}
			switch name.Name {
			case "badRequest":
				keep(n.Args[1])
				keep(n.Args[2])
			case "notFound", "diskFailed":
				keep(n.Args[0])
				keep(n.Args[1])
			case "noNode":
				keep(n.Args[0])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "detail" || key.Name == "hint") {
				keep(n.Value)
			}
		case *ast.AssignStmt:
			switch to := n.Lhs[0].(type) {
			case *ast.SelectorExpr:
				if to.Sel.Name == "detail" || to.Sel.Name == "hint" {
					keep(n.Rhs[0])
				}
			case *ast.Ident:
				if to.Name == "detail" || to.Name == "hint" {
					keep(n.Rhs[0])
				}
			}
		}
		return true
	})
	return all
}

var verbs = regexp.MustCompile(`%[a-z%]`)

// sample is a text that an expression may have. ok is false if nothing of it is written there.
func sample(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		x, okX := sample(e.X)
		y, okY := sample(e.Y)
		return x + y, okX || okY
	case *ast.CallExpr:
		if f, isSelector := e.Fun.(*ast.SelectorExpr); isSelector && f.Sel.Name == "Sprintf" {
			text, ok = sample(e.Args[0])
			return verbs.ReplaceAllStringFunc(text, func(verb string) string {
				return map[string]string{"%d": "7", "%q": `"x"`, "%%": "%"}[verb] + map[bool]string{true: "x"}[verb == "%s" || verb == "%v"]
			}), ok
		}
	}
	return "x", false
}

// refusedPayments are the rules that a payment of a form may break.
func refusedPayments() map[string]error {
	const alice = "12D3KooWPjrxd2vHyuSXgT6qFMgFpw6uKGqZcuA8yFptRDoVXo6K"
	read := func(r *consensus.Rules, sender, recipient, amount string) error {
		text := []byte(`{"sender": "` + sender + `", "recipient": "` + recipient + `", "amount": ` + amount + `}`)
		if r.IsSecure() {
			_, err := r.ReadUnsigned(text, consensus.ID{1})
			return err
		}
		_, err := r.ReadPayment(text, consensus.ID{1})
		return err
	}
	classic, dev := consensus.Classic(), consensus.Dev()
	return map[string]error{
		"amount 0": read(classic, "a", "b", "0"), "reserved": read(classic, "0", "b", "1"), "no sender": read(classic, "", "b", "1"),
		"long recipient": read(classic, "a", strings.Repeat("块", 100), "1"), "large": read(classic, "a", strings.Repeat("b", 70_000), "1"),
		"half": read(dev, alice, alice, "5.5"), "name": read(dev, alice, "bobb", "5"), "letter": read(dev, "a", alice, "5"),
		"alphabet": read(dev, alice, alice[:51]+"0", "5"), "another key": read(dev, alice, "2"+alice[1:], "5"), "digits": read(classic, "a", "b", "99999999999999999999"),
	}
}
