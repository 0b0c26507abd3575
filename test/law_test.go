// Package test holds what is true of the whole repository.
package test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// law lists, for an imported path (or what starts with it, if it ends in "/"), the only packages that may import it.
// An empty list means that nobody may. Test files are free.
var law = []struct {
	path    string
	allowed []string
	reason  string
}{
	{"kuai/cmd/", []string{"kuai/cmd/kuai"}, "commands are where wiring ends"},
	{"kuai/rpc", []string{"kuai/cmd/kuai"}, "the HTTP API is wired by the daemon and used by the verbs; siblings never import each other"},
	{"kuai/rpc/web", []string{"kuai/rpc"}, "the page is served by the HTTP API"},
	{"kuai/rpc/api", []string{"kuai/rpc", "kuai/rpc/api/generate", "kuai/cmd/kuai"}, "requests and answers are shared by server, client and the descriptions of the API"},
	{"github.com/swaggest/", []string{"kuai/rpc/api/generate"}, "the API is described before the build: no node carries the library"},
	{"kuai/p2p", []string{"kuai/cmd/kuai", "kuai/p2p/p2ptest"}, "the network is wired by the daemon; siblings never import each other"},
	{"kuai/p2p/addrpolicy", []string{"kuai/p2p", "kuai/p2p/peers", "kuai/rpc", "kuai/cmd/kuai"}, "one policy for every way out; pure, so that siblings may share it"},
	{"kuai/p2p/wire", []string{"kuai/p2p", "kuai/p2p/stream", "kuai/p2p/peers", "kuai/p2p/chainsync", "kuai/p2p/gossip"}, "the bytes between nodes; only the network reads them"},
	{"kuai/p2p/stream", []string{"kuai/p2p", "kuai/p2p/peers", "kuai/p2p/chainsync", "kuai/p2p/gossip"}, "requests are served and made by the network"},
	{"kuai/p2p/mdns", []string{"kuai/p2p/peers"}, "neighbours are looked for by the network"},
	{"kuai/p2p/peers", []string{"kuai/p2p"}, "the parts of the network are wired by package p2p, and know each other by interfaces of their own"},
	{"kuai/p2p/chainsync", []string{"kuai/p2p"}, "the same"},
	{"kuai/p2p/gossip", []string{"kuai/p2p"}, "the same"},
	{"kuai/p2p/reach", []string{"kuai/p2p"}, "the network finds out whether it can be dialled"},
	{"kuai/p2p/portmap", []string{"kuai/p2p"}, "the network asks the router for ports"},
	{"kuai/p2p/hosttest", nil, "hosts for tests"},
	{"golang.org/x/net/ipv4", []string{"kuai/p2p/mdns"}, "multicast sockets"},
	{"kuai/miner", []string{"kuai/cmd/kuai"}, "the miner is wired by the daemon; siblings never import each other"},
	{"kuai/miner/search", []string{"kuai/miner", "kuai/cmd/kuai", "kuai/cmd/kuai/lab"}, "proofs are searched for by the miner; kuai bench measures the kernels without one, and lessons mine on simulated nodes"},
	{"kuai/chain/store", []string{"kuai/chain", "kuai/chain/chaintest", "kuai/cmd/kuai", "kuai/cmd/kuai/lab"}, "the chain owns its store; the daemon opens and closes it, and lessons do for simulated nodes"},
	{"kuai/chain/wallet", []string{"kuai/cmd/kuai", "kuai/chain/chaintest"}, "only the command handles keys of accounts: the chain checks signatures, it makes none; tests sign their payments"},
	{"filippo.io/age", []string{"kuai/chain/wallet"}, "wallets' files are read and written in one place"},
	{"github.com/libp2p/", []string{"kuai/p2p", "kuai/p2p/portmap", "kuai/p2p/reach", "kuai/p2p/peers", "kuai/p2p/chainsync", "kuai/p2p/gossip", "kuai/p2p/stream", "kuai/p2p/hosttest", "kuai/p2p/p2ptest", "kuai/cmd/kuai"}, "only the network speaks libp2p"},
	{"github.com/multiformats/", []string{"kuai/p2p", "kuai/p2p/portmap", "kuai/p2p/reach", "kuai/p2p/peers", "kuai/p2p/p2ptest", "kuai/cmd/kuai"}, "only the network speaks libp2p"},
	{"text/template", nil, "a program that has it keeps every exported method of every type, used or not: 8 MB on disk, 5 MB of resident memory"},
	{"html/template", nil, "the same"},
	{"net/http", []string{"kuai/rpc", "kuai/cmd/kuai", "kuai/cmd/kuai/grade", "kuai/test/flask"}, "one HTTP API"},
	{"github.com/cockroachdb/", []string{"kuai/chain/store"}, "the engine can be exchanged in one package"},
	{"log/slog", []string{"kuai/p2p", "kuai/p2p/portmap", "kuai/p2p/reach", "kuai/p2p/peers", "kuai/p2p/chainsync", "kuai/p2p/gossip", "kuai/p2p/mdns", "kuai/p2p/hosttest", "kuai/p2p/p2ptest", "kuai/rpc", "kuai/miner", "kuai/cmd/kuai"}, "chain and store return what they have to say"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "kuai/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func covers(path, imported string) bool {
	if strings.HasSuffix(path, "/") {
		return strings.HasPrefix(imported, path)
	}
	return imported == path
}

func breaches(all []pkg) []string {
	var found []string
	for _, p := range all {
		for _, imported := range p.Imports {
			for _, l := range law {
				if covers(l.path, imported) && !slices.Contains(l.allowed, p.ImportPath) {
					found = append(found, p.ImportPath+" imports "+imported+": "+l.reason)
				}
			}
		}
	}
	return found
}

// TestImportLaw holds the arrows between packages.
func TestImportLaw(t *testing.T) {
	all := packages(t)
	if len(all) < 8 {
		t.Fatalf("go list found %d packages only: the law would be about nothing", len(all))
	}
	for _, b := range breaches(all) {
		t.Error(b)
	}
}

// TestImportLawCatches shows that a breach is seen.
func TestImportLawCatches(t *testing.T) {
	bad := []pkg{
		{"kuai/chain", []string{"net/http"}},
		{"kuai/rpc", []string{"kuai/p2p"}},
		{"kuai/miner", []string{"github.com/libp2p/go-libp2p"}},
		{"kuai/chain", []string{"log/slog", "kuai/chain/store"}},
	}
	if got := breaches(bad); len(got) != 4 {
		t.Errorf("4 breaches expected, found %d: %q", len(got), got)
	}
}

// pure lists packages that siblings may share because of the little that they import.
var pure = map[string][]string{
	"kuai/p2p/addrpolicy": {"errors", "fmt", "net/netip", "slices"},
	"kuai/p2p/wire":       {"bufio", "bytes", "encoding/binary", "encoding/json", "errors", "fmt", "io", "kuai/chain/consensus", "time", "unicode", "unicode/utf8"},
	"kuai/chain/consensus": {"bytes", "cmp", "crypto/ed25519", "crypto/sha256", "encoding/binary", "encoding/hex", "errors", "fmt", "github.com/hdevalence/ed25519consensus", "hash/maphash", "iter",
		"kuai/chain/canonical", "math", "math/big", "math/bits", "slices", "strconv", "strings", "sync", "time", "unicode/utf8"},
	// ed25519: signatures of payments; big: targets and work; sync: a pool of scratch tables; time: its types
	"kuai/chain/canonical": {"bufio", "bytes", "cmp", "encoding/binary", "fmt", "io", "math", "math/bits", "slices", "strconv", "strings", "unicode/utf16", "unicode/utf8"},
}

// TestPurePackages holds what pure says.
func TestPurePackages(t *testing.T) {
	found := 0
	for _, p := range packages(t) {
		allowed, isPure := pure[p.ImportPath]
		if !isPure {
			continue
		}
		found++
		for _, imported := range p.Imports {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s: it is pure", p.ImportPath, imported)
			}
		}
	}
	if found != len(pure) {
		t.Errorf("%d of %d pure packages found", found, len(pure))
	}
}

// TestGradeKnowsNothingOfKuai: what judges other programs shares no code with the one that is to get full marks.
func TestGradeKnowsNothingOfKuai(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if p.ImportPath == "kuai/cmd/kuai/grade" && strings.HasPrefix(imported, "kuai/") {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// TestNoShapelessPackages refuses names that say nothing.
func TestNoShapelessPackages(t *testing.T) {
	for _, p := range packages(t) {
		for _, part := range strings.Split(p.ImportPath, "/") {
			switch part {
			case "util", "utils", "common", "types", "helpers":
				t.Errorf("%s: a package is named for what it provides, not %q", p.ImportPath, part)
			}
		}
	}
}

// clocks and locks are what a pure package could take from a package that it may import.
var clocksAndLocks = regexp.MustCompile(`\b(time\.(Now|Since|Until|Sleep|After|AfterFunc|Tick|NewTimer|NewTicker)|sync\.(Mutex|RWMutex|Cond|Once\w*|WaitGroup|Map))\b`)

// TestRulesHaveNoClock: what a block is may not depend on when or by whom it is asked.
func TestRulesHaveNoClock(t *testing.T) {
	files, err := filepath.Glob("../chain/consensus/*.go")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := clocksAndLocks.Find(text); found != nil && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s uses %s", file, found)
		}
	}
}

// What the program is made of. A first build compiles all of it, so a package more is a longer wait for everybody: raise a limit only for
// what a node uses.
const (
	maxLinked = 760        // packages, the standard library's included
	maxSize   = 58_000_000 // bytes on linux/amd64
)

// unlinked are parts of dependencies that no node uses, and what brings them in.
var unlinked = map[string]string{
	"github.com/pion/":                   "WebRTC, by libp2p.New",
	"github.com/quic-go/webtransport-go": "WebTransport, by libp2p.New",
	"go.uber.org/fx":                     "a container of dependencies, by libp2p.New",
	"github.com/libp2p/go-libp2p":        "libp2p.New: package p2p assembles its hosts itself",
	"github.com/swaggest/":               "OpenAPI from Go types: go generate ./rpc/api is for that",
	"github.com/stretchr/":               "tests",
	"github.com/chromedp/":               "tests",
}

// TestLinked holds the number of packages that the program links, and its size.
func TestLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "kuai/cmd/kuai").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := strings.Fields(string(out))
	t.Logf("%d packages", len(all))
	if len(all) > maxLinked || len(all) < maxLinked/2 {
		t.Errorf("the program links %d packages, and may link %d", len(all), maxLinked)
	}
	for _, name := range all {
		for part, why := range unlinked {
			if covers(part, name) {
				t.Errorf("the program links %s: %s", name, why)
			}
		}
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the size is of linux/amd64")
	}
	program := filepath.Join(t.TempDir(), "kuai")
	if out, err := exec.Command("go", "build", "-o", program, "kuai/cmd/kuai").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > maxSize {
		t.Errorf("the program has %d bytes, and may have %d", info.Size(), maxSize)
	}
}
