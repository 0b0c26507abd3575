package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"kuai/chain/consensus"
	"kuai/chain/store"
	"kuai/cmd/kuai/grade"
	"kuai/cmd/kuai/invite"
	"kuai/cmd/kuai/lab"
	"kuai/p2p"
	"kuai/rpc"
	"kuai/rpc/api"
)

// TestErrorsInChinese makes each error of the table as its users do, and checks that the table knows its present English text.
func TestErrorsInChinese(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	used := make(map[string]bool)
	check := func(english string) {
		t.Helper()
		zh := language{zh: true}.text(english)
		for line := range strings.SplitSeq(zh, "\n") {
			if !strings.ContainsFunc(line, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("no Chinese in %q of %q", line, english)
			}
		}
		use(used, english)
	}
	for _, errs := range [][]error{usageErrors(t), startErrors(t), askErrors(t), joinErrors(t), walletErrors(t), waitErrors(t)} {
		for _, err := range errs {
			if err == nil {
				t.Error("an error did not arise")
				continue
			}
			check(err.Error())
		}
	}
	check("Run 'kuai --help' for help.")
	for english := range chineseErrors {
		if !used[english] && (runtime.GOOS != "windows" || !strings.HasPrefix(english, "open ")) { // which says it in other words
			t.Errorf("no error has the text %q", english)
		}
	}
	code, _, errOut := kuai([]string{"LANG=zh_CN.UTF-8", "KUAI_PORT=abc"}, "status")
	if want := "kuai: 环境变量 KUAI_PORT：--port \"abc\"：应为整数\n运行 'kuai status --help' 查看帮助。\n"; code != exitUsage || errOut != want {
		t.Errorf("exit code %d: %s, want %s", code, errOut, want)
	}
}

// use marks the entries of the table that an English text takes.
func use(used map[string]bool, english string) {
	if chinese[english] != "" {
		used[english] = true
		return
	}
	for i := range len(english) {
		if first, rest := english[:i], english[i:]; strings.HasPrefix(rest, " ") && strings.HasSuffix(first, ".") {
			if _, ok := (translation{}).sentences(english); ok {
				use(used, first)
				use(used, rest[1:])
				return
			}
		}
	}
	p, parts := matching(english)
	if p == nil {
		return
	}
	used[p.key] = true
	for i, part := range parts {
		if p.verbs[i] == textVerb {
			use(used, part)
		}
	}
}

// failed returns the English error of a command line.
func failed(env []string, args ...string) error {
	root := newRoot(terminal{args: args, env: env})
	root.SetArgs(args)
	return root.ExecuteContext(context.Background())
}

func usageErrors(t *testing.T) (errs []error) {
	kept, _ := keptChain(t, 1)
	for _, line := range []string{
		"minee", "xyzzyxyzzy", "help mine it", "status --jsno", "status --xyzzyxyzzy", "status -port", "status -api", "send -a b 3", "status -p",
		"status x", "block", "send a b", "mine 1 2", "send a b 0", "mine x", "block x", "tx x", "status -p x", "status --json=maybe",
		"status --api ftp://a:1", `config --peer "`, "status -p -5", "config --mine-cores -1", "config --mine-share 0",
		"config --log-level x", "logs level x", "config --log-format x", "config -p 7 --p2p-port 7", "config -p 60000",
		"config --http-host 0.0.0.0", "config --quic --swarm-key " + write(t, "x"), "config --listen /ip4/127.0.0.1/tcp/1 --listen /ip4/127.0.0.1/tcp/1/ws --swarm-key " + write(t, "x"), "wait", "config --config /nowhere/file",
		"config --config " + write(t, `{"prot": 1}`), "config --config " + write(t, `{"xyzzyxyzzy": 1}`), "config --config " + write(t, `[]`),
		"daemon --network /nowhere/file", "daemon --network " + write(t, "{"), "invite --zeros 9", "lab run tampring", "lab run xyzzyxyzzy",
		"lab run tampering --nodes 99", "lab run fork-race --nodes 99", "lab run difficulty --nodes 2", "lab run all --nodes 2",
		"lab run tampering --seed 9007199254740992", "lab switches --off --pause", "lab switches --loss 101", "lab switches --delay -1s", "lab switches --delay 1us",
		"lab switches --skew 25h", "lab switches --skew 1ms", "lab switches --cut nobody", "lab switches --cut " + strings.Repeat("all,", mostCut) + "all",
		"lab split --for 2h", "lab split --for 1500ms", "lab split nobody",
		"wait --timeout x", "mine --mode turbo", "export /nowhere/x.jsonl --data-dir " + kept, "import /dev/null -p 1 --data-dir " + t.TempDir(), "import " + t.TempDir() + " -p 1 --data-dir " + t.TempDir(),
		"config --block-notify nosuchcommand", "verify --data-dir /nowhere",
	} {
		errs = append(errs, failed(nil, strings.Fields(line)...))
	}
	dir, _ := keptChain(t, 1)
	return append(errs, failed([]string{"KUAI_PORT=x"}, "status"), failed([]string{"KUAI_PROT=1"}, "status"),
		failed([]string{"KUAI_XYZZYXYZZY=1"}, "status"), failed(nil, "export", write(t, "x"), "--data-dir", dir),
		verdict(&lab.Story{Lesson: "tampering"}), arguments(0, 2)(newStatus(), []string{"a", "b", "c"}))
}

func startErrors(t *testing.T) (errs []error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = listenTCP(t.Context(), "127.0.0.1", port)
	errs = append(errs, err, errors.New((&inUseError{port: port, advice: "choose another --port, 0 for any"}).Error()+airPlayAdvice))
	errs = append(errs, probe(t.Context(), Config{Listen: listenAll(port, false)[:1], Derived: []string{"listen"}}))
	_, err = listenPprof(t.Context(), l.Addr().String())
	errs = append(errs, err, failed(nil, "daemon", "-p", "0", "--ephemeral", "--mdns=false", "--listen", "/ip4/127.0.0.1/tcp/"+strconv.Itoa(port)))

	dir, _ := keptChain(t, 1)
	release, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	errs = append(errs, failed(nil, "verify", "--data-dir", dir), &lockedError{dir: dir}, &lockedError{dir, holder{PID: 7}})
	release()
	errs = append(errs, failed(nil, "verify", "--data-dir", dir, "--network", otherNetwork(t)))
	if err := os.WriteFile(filepath.Join(dir, "identity.key"), []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	errs = append(errs, failed(nil, "daemon", "-p", "0", "--mdns=false", "--data-dir", dir))
	rewrite(t, dir, func(b *store.Batch) { b.SetMeta("schema", []byte{200}) })
	errs = append(errs, failed(nil, "verify", "--data-dir", dir))
	rewrite(t, dir, func(b *store.Batch) { b.SetMeta("schema", []byte{1, 2}) })
	return append(errs, failed(nil, "verify", "--data-dir", dir))
}

func otherNetwork(t *testing.T) (file string) {
	return write(t, `{"name": "other", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 5, "transactions": []}}`)
}

func askErrors(t *testing.T) (errs []error) {
	foreign := httptest.NewServer(http.NotFoundHandler())
	defer foreign.Close()
	errs = append(errs, failed(nil, "status", "--api", foreign.URL), failed(nil, "status", "--api", "127.0.0.1:1"), failed(nil, "grade", foreign.URL),
		failed(nil, "grade", "127.0.0.1:1"), fmt.Errorf("2 of 26 %w", errPoints), fmt.Errorf("%w at http://127.0.0.1:1: name the file that holds it by --api-token-file", grade.ErrToken))
	errs = append(errs, gradeErrors(t)...)
	nobody := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(api.Peers{})
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(api.Problem{Title: "not found"})
	}))
	defer nobody.Close()
	errs = append(errs, failed(nil, "disconnect", "a", "--api", nobody.URL))
	for _, address := range []string{"", "a b", "nonsense", "/ip4/192.0.2.1/tcp/1", "http://%zz", "ftp://a", "http://a:b@c", "http://:1", "http://a:", "fd00::5:5000",
		"[::ffff:192.168.0.5]:5000", "a.:5000", "1.2.3:5000", "/ip4/192.0.2.1/tcp/1/p2p/x", "/p2p/" + idX, "/ip4/192.0.2.1/tcp/1/p2p/" + idX + "/p2p-circuit/p2p/" + idX} {
		err := p2p.CheckPeer(address)
		errs = append(errs, err, fmt.Errorf("%w%s", err, ".")) // a node's answer is a sentence
	}
	a := &asking{api: foreign.URL}
	errs = append(errs, a.explain(context.Canceled), a.explain(context.DeadlineExceeded),
		a.explain(&rpc.StatusError{Status: http.StatusUnauthorized, Title: "x"}),
		a.explain(&rpc.StatusError{Status: http.StatusForbidden, Title: "x"}), errSelf)
	errs = append(errs, errSecureGenesis)
	errs = append(errs, failed(nil, "wait", "--height", "1", "--timeout", "10ms", "--data-dir", "nowhere"), foreignError("/ip4/192.0.2.1", "it is of another network, a-1", "b-1"))
	a.tokenFile = "token"
	errs = append(errs, a.explain(&rpc.StatusError{Status: http.StatusUnauthorized, Title: "x"}))

	one, _ := standIn(t, "127.0.0.2:0")
	two, _ := standIn(t, "127.0.0.1:0")
	home := os.Getenv("XDG_DATA_HOME")
	keepNode(t, filepath.Join(home, "kuai", "classic", "7"), one)
	keepNode(t, filepath.Join(home, "kuai", "classic", "8"), two)
	_, err := (&asking{port: 1}).local(t.Context(), false)
	return append(errs, err)
}

// gradeErrors are what 'kuai grade' says about programs that do not answer.
func gradeErrors(t *testing.T) []error {
	hanging := silent(t, hangs)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	root := newRoot(terminal{})
	root.SetArgs([]string{"grade", hanging})
	return []error{
		failed(nil, "grade", hanging, "--request-timeout", "10ms"), failed(nil, "grade", hanging, "--timeout", "10ms"), failed(nil, "grade", silent(t, floods)),
		failed(nil, "grade", silent(t, breaksOff)), root.ExecuteContext(stopped),
	}
}

func joinErrors(t *testing.T) []error {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	code, err := invite.New(1).Code()
	if err != nil {
		t.Fatal(err)
	}
	other := string(map[bool]byte{true: '2', false: '1'}[code[5] == '1'])
	mistyped := code[:5] + other + code[6:]
	errs := []error{
		failed(nil, "join", "0000"), failed(nil, "join", "U"), failed(nil, "join", mistyped), failed(nil, "join", code[:5]+other+code[5:]), failed(nil, "join", code+"0"), failed(nil, "join", code[:5]+code[6:]), failed(nil, "join"), invite.ErrNewer, failed(nil, "join", code, "-p", "0", "--network", otherNetwork(t)),
	}
	if _, _, errOut := kuai(nil, "invite", "--new"); errOut != "" {
		t.Error(errOut)
	}
	return append(errs, failed(nil, "invite", "--zeros", "3"))
}

// waitErrors are what a wait says that ends too early.
func waitErrors(t *testing.T) (errs []error) {
	const id = "00112233445566778899aabbccddeeff"
	node, tx := api.Node{}, any(api.Problem{Title: "not found"})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/node":
			_ = json.NewEncoder(w).Encode(node)
		case strings.HasSuffix(r.URL.Path, id):
			if _, missing := tx.(api.Problem); missing {
				w.WriteHeader(http.StatusNotFound)
			}
			_ = json.NewEncoder(w).Encode(tx)
		}
	}))
	defer srv.Close()
	look := func(f waiting) {
		_, err := f.look(t.Context(), rpc.NewClient(srv.URL))
		errs = append(errs, err)
	}
	for i := range 2 {
		node = api.Node{Height: int64(i + 1), Peers: i + 1}
		look(waiting{height: 9})
		look(waiting{peers: 9})
	}
	look(waiting{tx: id})
	tx = api.TransactionInfo{Status: "pending"}
	look(waiting{tx: id})
	f := waiting{asking: asking{api: srv.URL}, height: 9}
	_, err := f.listen(t.Context())
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	root := newRoot(terminal{})
	root.SetArgs([]string{"wait", "--height", "9", "--api", srv.URL})
	return append(errs, err, root.ExecuteContext(stopped))
}

func walletErrors(t *testing.T) (errs []error) {
	r := newWalletRoom(t)
	alice := r.info("new", "alice")
	export := func(name string, args ...string) error {
		return failed(nil, append([]string{"wallet", "export", name, "--wallet-dir", r.dir}, args...)...)
	}
	errs = append(errs, export("alice", "--password-file", write(t, "x\n")), export("alice", "--password-file", write(t, "\n")),
		export("alice", "--password-file", write(t, "a\nb\n")), export("alice", "--password-file", "/nowhere/file"),
		export("alice", "--password-file", r.password, "--password-fd", "9"), export("nobody", "--password-file", r.password))
	for _, password := range []string{r.password, write(t, "another")} {
		errs = append(errs, failed(nil, "wallet", "import", "alice", write(t, alice.Words), "--wallet-dir", r.dir, "--password-file", password, "--work", "10"))
	}
	errs = append(errs, failed(nil, "wallet", "new", "rewards"))
	for _, words := range []string{"foo bar", strings.Repeat("abandon ", 11) + "foo", strings.Repeat("abandon ", 12)} {
		errs = append(errs, failed(nil, "wallet", "import", "carol", write(t, words), "--wallet-dir", r.dir, "--password-file", r.password))
	}
	if err := os.Truncate(alice.File, 10); err != nil {
		t.Fatal(err)
	}
	errs = append(errs, export("alice", "--password-file", r.password))
	errs = append(errs, failed(nil, "wallet", "new", "alice", "--wallet-dir", r.dir, "--password-file", r.password, "--work", "10"))
	errs = append(errs, failed(nil, "send", "alice", "bob", "5", "--wallet-dir", r.dir, "--api", readOnlyNode(t, consensus.Dev().Network())))
	if err := os.Truncate(filepath.Join(r.dir, "alice.name"), 10); err != nil {
		t.Fatal(err)
	}
	errs = append(errs, failed(nil, "config", "--network", "secure", "--reward", "nobody"), failed(nil, "network", "show", "secur"))
	return append(append(errs, failed(nil, "wallet", "show", "alice", "--wallet-dir", r.dir)), rewardErrors(t)...)
}

// rewardErrors are those of a node whose wallet for rewards is damaged.
func rewardErrors(t *testing.T) (errs []error) {
	for _, damage := range rewardDamages {
		r := newRewardRoom(t)
		damage.do(r)
		_, err := r.start()
		errs = append(errs, err)
	}
	return errs
}

// TestRareErrorsAreThoseOfTheSource: each text of chineseMore and of chineseDoctor begins as one that the source has today.
func TestRareErrorsAreThoseOfTheSource(t *testing.T) {
	var begin []string // of the texts in the source, up to what varies
	for _, folder := range []string{".", "../../rpc", "../../p2p", "../../p2p/*", "../../miner"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, quoted := range regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"").FindAll(bytes.ReplaceAll(text, []byte(`'"'`), nil), -1) {
				if plain, err := strconv.Unquote(string(quoted)); err == nil && !strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(filepath.Base(file), "chinese") {
					begin = append(begin, plain)
				}
			}
		}
	}
	directive := regexp.MustCompile(`%[.0-9]*[%a-zA-Z]`)
	all := maps.Clone(chineseMore)
	maps.Copy(all, chineseDoctor)
	for english := range all {
		want := directive.ReplaceAllString(english, "%")
		found := slices.ContainsFunc(begin, func(plain string) bool {
			plain = directive.ReplaceAllString(plain, "%")
			return len(plain) > 5 && strings.HasPrefix(want, strings.TrimRight(plain, "%. "))
		})
		if !found {
			t.Errorf("no error begins as %q", english)
		}
	}
}

// TestSeveralErrorsInChinese: each on its line.
func TestSeveralErrorsInChinese(t *testing.T) {
	_, _, errOut := kuai([]string{"LANG=zh_CN.UTF-8"}, "config", "-p", "-5", "--name", " a", "--log-level", "x")
	for line := range strings.Lines(errOut) {
		if !strings.ContainsFunc(line, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || strings.Contains(line, "want") {
			t.Errorf("%q", line)
		}
	}
}
