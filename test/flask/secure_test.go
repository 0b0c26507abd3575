package flask

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/miner/search"
)

// docs/secure.py is the tutorial's node with the checks of a secure network.
const secureProgram = "../../docs/secure.py"

// oldStart is the genesis block's time: so long ago that every target is the easiest, whose proofs are found at once.
const oldStart = 1_700_000_000

// rules is the network file of the tests, with signatures for the network id of the vectors.
type rules struct{ genesis string }

const vectorNetwork = "0123456789abcdef-2"

func (r rules) file() string {
	return fmt.Sprintf(`{"id": "%s", "name": "test", "profile": "secure", "block_seconds": 10, "genesis": %s}`, vectorNetwork, r.genesis)
}

// account is a key of the tests.
type account struct {
	key     ed25519.PrivateKey
	address string
}

func newAccount(name string) account {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	return account{key, consensus.Address(key.Public().(ed25519.PublicKey)).String()}
}

// pay returns the canonical payment. Each odd thing is replaced before it is signed.
func (a account) pay(recipient string, amount any, id string) string {
	unsigned := fmt.Sprintf(`{"amount": %v, "id": "%s", "recipient": "%s", "sender": "%s"}`, amount, id, recipient, a.address)
	signature := ed25519.Sign(a.key, []byte("kuai-tx-1\n"+vectorNetwork+"\n"+unsigned))
	return fmt.Sprintf(`%s, "signature": "%x"}`, strings.TrimSuffix(unsigned, "}"), signature)
}

func reward(recipient string, amount any) string {
	return fmt.Sprintf(`{"amount": %v, "recipient": "%s", "sender": "0"}`, amount, recipient)
}

// block is a block to be mined, in parts that a test may change.
type block struct {
	index        int
	previous     string
	timestamp    string
	transactions []string
	proof        string // "" to be searched
	target       consensus.Target
}

// text returns the canonical block, with a proof on a parent that has that proof.
func (b block) text(t *testing.T, parentProof string) (text, proof string) {
	t.Helper()
	leaves := []consensus.Hash{consensus.LeafHash(fmt.Appendf(nil, `{"index": %d, "previous_hash": "%s", "timestamp": %s}`, b.index, b.previous, b.timestamp))}
	for _, tx := range b.transactions {
		leaves = append(leaves, consensus.LeafHash([]byte(tx)))
	}
	if b.proof == "" {
		root := consensus.MerkleRoot(leaves).String()
		p := consensus.Puzzle{Before: parentProof + root + ".", After: b.previous, Target: b.target}
		nonce, err := search.Proof(t.Context(), p, search.Effort{Cores: 1, Share: 100}, new(atomic.Uint64), func() {})
		if err != nil {
			t.Fatal(err)
		}
		b.proof = fmt.Sprintf("%s.%d", root, nonce)
	}
	return fmt.Sprintf(`{"index": %d, "previous_hash": "%s", "proof": "%s", "timestamp": %s, "transactions": [%s]}`,
		b.index, b.previous, b.proof, b.timestamp, strings.Join(b.transactions, ", ")), b.proof
}

func id(n int) string { return fmt.Sprintf("%032x", n) }

var alice, bob = newAccount("alice"), newAccount("bob")

// honest returns the rules, and a chain of two blocks: alice has 10 and pays 4 to bob.
func honest(t *testing.T) (r rules, chain []string, next block, parentProof string) {
	t.Helper()
	r.genesis = fmt.Sprintf(`{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d, "transactions": [%s]}`, oldStart, reward(alice.address, 10))
	second := block{2, hashOf(r.genesis), fmt.Sprint(oldStart + 10_000), []string{alice.pay(bob.address, 4, id(1)), reward(bob.address, 1)}, "", consensus.MaxTarget}
	text, proof := second.text(t, "100")
	third := block{3, hashOf(text), fmt.Sprint(oldStart + 20_000), []string{bob.pay(alice.address, 5, id(2)), alice.pay(bob.address, 11, id(3)), reward(alice.address, 1)}, "", consensus.MaxTarget}
	return r, []string{r.genesis, text}, third, proof
}

func hashOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// breaches break one rule each, in a block whose proof is right for what it holds.
var breaches = []struct {
	name   string
	breach func(b *block)
	reason string
}{
	{"index", func(b *block) { b.index++ }, "index"},
	{"parent", func(b *block) { b.previous = hashOf("another") }, "does not name the one before"},
	{"a time that does not rise", func(b *block) { b.timestamp = fmt.Sprint(oldStart + 10_000) }, "time"},
	{"a time to come", func(b *block) { b.timestamp = fmt.Sprint(time.Now().Unix() + 1000) }, "time"},
	{"no transactions", func(b *block) { b.transactions = nil }, "too many or no"},
	{"no reward", func(b *block) { b.transactions = b.transactions[:1] }, "not a reward"},
	{"a reward too large", func(b *block) { b.transactions[2] = reward(alice.address, 2) }, "another amount"},
	{"a reward in parts", func(b *block) { b.transactions[2] = reward(alice.address, "1.0") }, "another amount"},
	{"a reward to nobody", func(b *block) { b.transactions[2] = reward("alice", 1) }, "not a peer id"},
	{"two rewards", func(b *block) { b.transactions[1] = reward(bob.address, 1) }, "other keys"},
	{"an overdraft", func(b *block) { b.transactions[0] = bob.pay(alice.address, 6, id(2)) }, "exceeds"},
	{"an overdraft before the money comes", func(b *block) { b.transactions[0], b.transactions[1] = b.transactions[1], b.transactions[0] }, "exceeds"},
	{"an amount of nothing", func(b *block) { b.transactions[0] = bob.pay(alice.address, 0, id(2)) }, "amount"},
	{"a negative amount", func(b *block) { b.transactions[0] = bob.pay(alice.address, -5, id(2)) }, "amount"},
	{"an amount in parts", func(b *block) { b.transactions[0] = bob.pay(alice.address, "2.5", id(2)) }, "amount"},
	{"an amount beyond 2^53", func(b *block) { b.transactions[0] = bob.pay(alice.address, "9007199254740992", id(2)) }, "amount"},
	{"an id of the chain", func(b *block) { b.transactions[0] = bob.pay(alice.address, 5, id(1)) }, "id"},
	{"an id twice", func(b *block) { b.transactions[1] = alice.pay(bob.address, 1, id(2)) }, "id"},
	{"an id in capitals", func(b *block) { b.transactions[0] = bob.pay(alice.address, 5, strings.ToUpper(id(0xab))) }, "id"},
	{"a recipient without a key", func(b *block) { b.transactions[0] = bob.pay("alice", 5, id(2)) }, "not a peer id"},
	{"a signature of another", func(b *block) {
		thief := account{alice.key, bob.address}
		b.transactions[0] = thief.pay(alice.address, 5, id(2))
	}, "signature is wrong"},
	{"a signature of another amount", func(b *block) {
		b.transactions[0] = strings.Replace(b.transactions[0], `"amount": 5`, `"amount": 4`, 1)
	}, "signature is wrong"},
	{"no signature", func(b *block) {
		b.transactions[0] = b.transactions[0][:strings.Index(b.transactions[0], `, "signature"`)] + "}"
	}, "other keys"},
	{"a transaction too large", func(b *block) { b.transactions[0] = bob.pay(strings.Repeat("a", 4096), 5, id(2)) }, "too large"},
	{"a proof for another block", func(b *block) { b.proof = strings.Repeat("0", 64) + ".1" }, "seals another block"},
	{"a proof that is a number", func(b *block) { b.proof = "35293" }, "another form"},
	{"no work", func(b *block) { b.target = consensus.Target{0: 1, 31: 1}; b.target[0] = math.MaxUint8 }, "misses its target"},
}

// judge is a program that reads a network file and chains, a line each, and prints what secure.py says of each.
const judge = `
import json, sys
sys.path.insert(0, sys.argv[1])
import secure
with open(sys.argv[2]) as file:
    rules = secure.read_rules(file)
for line in sys.stdin:
    try:
        print("work", secure.valid(rules, json.loads(line)))
    except Exception as wrong:
        print(wrong)
`

// judged returns what secure.py says of each chain.
func judged(t *testing.T, r rules, chains []string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python(t), "-B", "-c", judge, filepath.Dir(secureProgram), networkFile(t, r))
	cmd.Stdin = strings.NewReader(strings.Join(chains, "\n") + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	said := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(said) != len(chains) {
		t.Fatalf("%d answers for %d chains, %v\n%s", len(said), len(chains), err, stderr.String())
	}
	return said
}

func networkFile(t *testing.T, r rules) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "network.json")
	if err := os.WriteFile(file, []byte(r.file()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func array(blocks []string) string { return "[" + strings.Join(blocks, ", ") + "]" }

// TestSecureProgramChecksEveryRule: each rule of a secure network is broken once, in a block with a right proof.
func TestSecureProgramChecksEveryRule(t *testing.T) {
	r, chain, next, proof := honest(t)
	text, _ := next.text(t, proof)
	chains, names, want := []string{array(append(chain, text))}, []string{"honest"}, []string{"work 131072"}
	for _, c := range breaches {
		b := next
		b.transactions = append([]string{}, next.transactions...)
		c.breach(&b)
		text, _ := b.text(t, proof)
		chains, names, want = append(chains, array(append(chain, text))), append(names, c.name), append(want, c.reason)
	}
	other := strings.Replace(r.genesis, `"amount": 10`, `"amount": 11`, 1)
	chains, names, want = append(chains, array([]string{other})), append(names, "another genesis"), append(want, "another first block")
	for i, said := range judged(t, r, chains) {
		if !strings.Contains(said, want[i]) {
			t.Errorf("%s: %q, want %q", names[i], said, want[i])
		}
	}
}

// TestSecureProgramOnVectors: secure.py follows the chain that CPython mined, with its targets, and no change of it.
func TestSecureProgramOnVectors(t *testing.T) {
	data, err := os.ReadFile("../../chain/consensus/testdata/secure_chain.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for line := range strings.Lines(string(data)) {
		var v struct{ Block string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, v.Block)
	}
	r := rules{blocks[0]}
	whole := array(blocks)
	swapped := append([]string{}, blocks...)
	swapped[20], swapped[21] = swapped[21], swapped[20]
	for i, said := range judged(t, r, []string{whole, array(swapped), strings.Replace(whole, `"amount": 1, "recipient"`, `"amount": 2, "recipient"`, 1)}) {
		if strings.HasPrefix(said, "work ") != (i == 0) {
			t.Errorf("chain %d: %s", i, said)
		}
	}
}

// TestSecureProgramResolves: the node adopts a valid chain of a neighbour, and keeps it when the neighbour lies.
func TestSecureProgramResolves(t *testing.T) {
	r, chain, next, proof := honest(t)
	served := array(chain)
	neighbour := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"chain": %s, "length": 99}`, served)
	}))
	defer neighbour.Close()
	n := run(t, secureProgram, networkFile(t, r), "--port", "0")
	if a := n.Post("/nodes/register", `{"nodes": ["`+neighbour.URL+`"]}`); a.Status != http.StatusCreated {
		t.Fatalf("registered: %d %s", a.Status, a.Body)
	}
	resolves := func(says string, length int) {
		t.Helper()
		if a := n.Get("/nodes/resolve"); !strings.Contains(a.Body, says) {
			t.Errorf("resolved: %s, want %s", a.Body, says)
		}
		if a := n.Get("/chain"); !strings.HasSuffix(strings.TrimSpace(a.Body), fmt.Sprintf(`"length":%d}`, length)) {
			t.Errorf("the chain is %s, want %d blocks", a.Body, length)
		}
	}
	resolves("Our chain was replaced", 2)
	text, _ := next.text(t, proof)
	served = array(append(chain, strings.Replace(text, `"amount": 11`, `"amount": 1`, 1)))
	resolves("Our chain is authoritative", 2)
	served = array(append(chain, text))
	resolves("Our chain was replaced", 3)
}
