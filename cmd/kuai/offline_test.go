package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// keptChain makes a data directory with a classic chain of n blocks above the genesis.
func keptChain(t *testing.T, n int) (dir string, blocks []*consensus.Block) {
	t.Helper()
	cfg := Config{DataDir: t.TempDir()}
	err := withChain(cfg, consensus.Classic(), slog.New(slog.DiscardHandler), func(c *chain.Chain) error {
		if _, err := c.Submit(chaintest.Payment(), ""); err != nil {
			return err
		}
		blocks = chaintest.MineOn(t, c, n)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg.DataDir, blocks
}

// rewrite changes the store in a data directory, past the chain.
func rewrite(t *testing.T, dir string, change func(*store.Batch)) {
	t.Helper()
	st, err := store.Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	b := st.NewBatch()
	change(b)
	if err := st.Apply(b); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// says fails the test unless the command line ends with the code and prints what it should.
func says(t *testing.T, want int, text string, args ...string) string {
	t.Helper()
	code, out, errOut := kuai(nil, args...)
	if all := out + errOut; code != want || !strings.Contains(all, text) {
		t.Fatalf("kuai %s: exit code %d, want %d with %q:\n%s", strings.Join(args, " "), code, want, text, all)
	}
	return out
}

func TestVerifyVerb(t *testing.T) {
	dir, blocks := keptChain(t, 4)
	tip := fmt.Sprintf("5 blocks are valid\ntip %s\n", blocks[3].Hash())
	if out := says(t, exitOK, "", "verify", "--data-dir", dir); out != tip {
		t.Errorf("%q", out)
	}

	release, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range [][]string{{"verify"}, {"export", "-"}, {"import", "x.json"}} {
		says(t, exitLocked, fmt.Sprintf("process %d", os.Getpid()), append(verb, "--data-dir", dir)...)
	}
	release()

	none := filepath.Join(t.TempDir(), "none")
	for _, verb := range [][]string{{"verify"}, {"export", "-"}} {
		says(t, exitFailure, "no chain in "+none, append(verb, "--data-dir", none)...)
		says(t, exitUsage, "nothing on disk", append(verb, "--ephemeral")...)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a verb that only reads made a directory")
	}

	other := write(t, `{"name": "other", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 5, "transactions": []}}`)
	says(t, exitDamaged, "network", "verify", "--data-dir", dir, "--network", other)
}

func TestVerifyNamesTheBadBlock(t *testing.T) {
	dir, blocks := keptChain(t, 4)
	spoilt := bytes.Replace(blocks[1].Canonical(), []byte(`"recipient": "miner"`), []byte(`"recipient": "thief"`), 1)
	rewrite(t, dir, func(b *store.Batch) { b.SetBlock(store.Record{Position: store.Position{Index: 3}, Raw: spoilt}) })
	says(t, exitDamaged, "block 3", "verify", "--data-dir", dir)
}

// TestDataOfAnotherVersionIsRefused names the way out.
func TestDataOfAnotherVersionIsRefused(t *testing.T) {
	dir, _ := keptChain(t, 4)
	rewrite(t, dir, func(b *store.Batch) { b.SetMeta("schema", []byte{2}) })
	says(t, exitDamaged, "export the chain with the program that wrote it", "verify", "--data-dir", dir)
}

// TestVerifyEndsWithTheFirstSignal: it says how far it came, and does not call the chain valid or damaged.
func TestVerifyEndsWithTheFirstSignal(t *testing.T) {
	dir, _ := keptChain(t, 2)
	ctx, signal := context.WithCancel(t.Context())
	signal()
	var out, errOut bytes.Buffer
	code := run(ctx, terminal{[]string{"verify", "--data-dir", dir}, nil, &out, &errOut})
	if code != exitFailure || out.Len() > 0 || !strings.Contains(errOut.String(), "stopped after block 1, valid up to there") {
		t.Errorf("exit code %d: %s%s", code, &out, &errOut)
	}
}

func TestExportAndImportVerbs(t *testing.T) {
	dir, blocks := keptChain(t, 4)
	file := filepath.Join(t.TempDir(), "chain.json")
	says(t, exitOK, "5 blocks written to "+file, "export", file, "--data-dir", dir)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out := says(t, exitOK, "", "export", "-", "--data-dir", dir); out != string(text) || !strings.HasSuffix(out, "],\"length\":5}\n") {
		t.Errorf("to standard output: %.200s", out)
	}
	if all, err := os.ReadDir(filepath.Dir(file)); err != nil || len(all) != 1 {
		t.Errorf("it left %v: %v", all, err)
	}

	fresh := filepath.Join(t.TempDir(), "new")
	says(t, exitOK, "Our chain was replaced: 5 blocks\ntip "+blocks[3].Hash().String(), "import", file, "--data-dir", fresh)
	says(t, exitOK, "5 blocks are valid", "verify", "--data-dir", fresh)
	says(t, exitOK, "Our chain is authoritative: 5 blocks, and 5 in the other", "import", file, "--data-dir", fresh)

	spoilt := write(t, strings.Replace(string(text), `"amount":5`, `"amount":-5`, 1))
	says(t, exitFailure, "block 2: invalid (amount)", "import", spoilt, "--data-dir", filepath.Join(t.TempDir(), "new"))
	says(t, exitFailure, "no such file", "import", file+".none", "--data-dir", fresh)
	says(t, exitFailure, "not an answer of /chain", "import", write(t, "[]"), "--data-dir", fresh)
	says(t, exitUsage, "1 arg", "import")
	says(t, exitUsage, "1 arg", "export")
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
}

// TestImportAdoptsAGenesis takes over a running Flask node's chain.
func TestImportAdoptsAGenesis(t *testing.T) {
	const genesis = `{"index": 1, "previous_hash": 1, "proof": 100, "timestamp": 1700000000.25, "transactions": []}`
	r, err := consensus.ReadRules(networkFile("flask", []byte(genesis)))
	if err != nil {
		t.Fatal(err)
	}
	parent, texts := r.Genesis.Header(), []string{genesis}
	for range 3 {
		b := chaintest.Block(t, r, parent, "flask", consensus.Transaction{Sender: "a", Recipient: "b", Amount: "1.5"})
		parent, texts = b.Header(), append(texts, string(b.Canonical()))
	}
	flask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/chain" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"length": 4, "chain": [%s]}`, strings.Join(texts, ", "))
	}))
	defer flask.Close()
	t.Chdir(t.TempDir())
	t.Setenv("XDG_DATA_HOME", t.TempDir())

	says(t, exitFailure, "genesis is not ours: it is of another network. Name its network by --network", "import", flask.URL, "-p", "5007")
	file := "flask-" + r.Genesis.Hash().String()[:8] + ".json"
	out := says(t, exitOK, "The network is in "+file, "import", flask.URL, "--adopt-genesis", "-p", "5007")
	if !strings.Contains(out, "Our chain was replaced: 4 blocks\ntip "+parent.Hash.String()) || !strings.Contains(out, " daemon --port 5007 --network "+file+"\n") {
		t.Errorf("%s", out)
	}
	says(t, exitOK, "4 blocks are valid", "verify", "--network", file, "-p", "5007")
	says(t, exitOK, "authoritative", "import", flask.URL+"/chain", "--adopt-genesis", "-p", "5007")
	says(t, exitUsage, "exclude each other", "import", flask.URL, "--adopt-genesis", "--network", file)

	harder := strings.Replace(string(networkFile("hard", []byte(genesis))), `"genesis"`, `"zeros": 9, "genesis"`, 1)
	if err := os.WriteFile(file, []byte(harder), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, exitFailure, "invalid (proof)", "import", flask.URL, "--adopt-genesis", "--data-dir", t.TempDir())
	flask.Close()
	says(t, exitFailure, "refused", "import", flask.URL, "--adopt-genesis")
}

func TestImportAdoptsTheClassicGenesisWithoutAFile(t *testing.T) {
	dir, _ := keptChain(t, 1)
	file := filepath.Join(t.TempDir(), "chain.json")
	says(t, exitOK, "", "export", file, "--data-dir", dir)
	t.Chdir(t.TempDir())
	says(t, exitOK, "Our chain was replaced", "import", file, "--adopt-genesis", "--data-dir", t.TempDir())
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("it wrote %v: %v", entries, err)
	}
}

// A network file of a secure network's first block alone would be that of a classic network.
func TestImportAdoptsNoSecureGenesis(t *testing.T) {
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/node" {
			fmt.Fprint(w, `{"profile": "secure"}`)
			return
		}
		fmt.Fprint(w, `{"length": 1, "chain": [{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 5, "transactions": []}]}`)
	}))
	defer node.Close()
	t.Chdir(t.TempDir())
	says(t, exitFailure, "this is a secure network's chain: get its file from those who made the network", "import", node.URL+"/chain", "--adopt-genesis", "--data-dir", t.TempDir())
	dir := t.TempDir()
	for name, lines := range map[string]string{
		"sealed":  `{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 5, "transactions": []}` + "\n" + `{"index": 2, "proof": "ab.7"}` + "\n",
		"endowed": string(consensus.Dev().Genesis.Canonical()) + "\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		says(t, exitFailure, "this is a secure network's chain", "import", file, "--adopt-genesis", "--data-dir", t.TempDir())
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("it wrote %v: %v", entries, err)
	}
}

func TestCountText(t *testing.T) {
	for want, total := range map[string]int64{"checking: block 50": 0, "checking: block 50 of 200, 25 %": 200} {
		if got := countText("checking", 50, total); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
