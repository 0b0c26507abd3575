package canonical

import (
	"bytes"
	"encoding/binary"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"unicode/utf8"

	"kuai/chain/canonical/canonicaltest"
)

// How much is compared with CPython. By hand:
//
//	go test ./chain/canonical -run CPython -timeout 0 -documents 10000000 -floats 10000000
var (
	documents = flag.Int("documents", inCI(100_000, 20_000), "random documents to compare with CPython")
	floats    = flag.Int("floats", inCI(1_000_000, 200_000), "random float64 bit patterns to compare with CPython")
	seed      = flag.Uint64("seed", rand.Uint64(), "what the random documents and floats are drawn from")
)

func inCI(there, elsewhere int) int {
	if os.Getenv("CI") != "" {
		return there
	}
	return elsewhere
}

// cpython is a python3 that answers batches until the test ends.
type cpython struct {
	t      *testing.T
	stdin  io.WriteCloser
	stdout io.Reader
}

func startPython(t *testing.T) *cpython {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3 is not installed, and CI must compare with it")
		}
		t.Skip("python3 is not installed: nothing to compare with")
	}
	cmd := exec.Command(path, filepath.Join("testdata", "canonical.py"))
	cmd.Stderr = os.Stderr
	p := &cpython{t: t}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Logf("-seed %d", *seed)
	t.Cleanup(func() {
		if err := p.stdin.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("python3: %v", err)
		}
	})
	return p
}

// Kinds of batches, as testdata/canonical.py knows them.
const (
	batchDocuments = 0
	batchFloats    = 1
	answerRefused  = math.MaxUint32
)

// ask sends one batch and returns the answer.
func (p *cpython) ask(kind uint32, payload []byte) []byte {
	p.t.Helper()
	header := binary.LittleEndian.AppendUint32(nil, kind)
	header = binary.LittleEndian.AppendUint32(header, uint32(len(payload)))
	if _, err := p.stdin.Write(append(header, payload...)); err != nil {
		p.t.Fatal(err)
	}
	var length [4]byte
	if _, err := io.ReadFull(p.stdout, length[:]); err != nil {
		p.t.Fatal(err)
	}
	answer := make([]byte, binary.LittleEndian.Uint32(length[:]))
	if _, err := io.ReadFull(p.stdout, answer); err != nil {
		p.t.Fatal(err)
	}
	return answer
}

func TestDocumentsAsCPythonPrintsThem(t *testing.T) {
	p := startPython(t)
	g := generator{rng: rand.New(rand.NewPCG(*seed, 1))}
	const batch = 1000
	accepted := 0
	for done := 0; done < *documents; done += batch {
		texts := make([][]byte, min(batch, *documents-done))
		var payload []byte
		for i := range texts {
			texts[i] = g.document()
			payload = binary.LittleEndian.AppendUint32(payload, uint32(len(texts[i])))
			payload = append(payload, texts[i]...)
		}
		answer := p.ask(batchDocuments, payload)
		for _, text := range texts {
			want, rest := nextAnswer(answer)
			answer = rest
			compareDocument(t, text, want)
			if want != nil {
				accepted++
			}
		}
	}
	if accepted < *documents/4 || accepted > *documents*9/10 {
		t.Errorf("CPython accepts %d of %d: the documents are too much of one kind", accepted, *documents)
	}
}

// nextAnswer takes one document's answer: nil where it was refused.
func nextAnswer(answer []byte) (want, rest []byte) {
	n := binary.LittleEndian.Uint32(answer)
	if n == answerRefused {
		return nil, answer[4:]
	}
	return answer[4 : 4+n], answer[4+n:]
}

func compareDocument(t *testing.T, text, want []byte) {
	t.Helper()
	v, err := Read(text)
	if (err == nil) != (want != nil) {
		t.Fatalf("Read says %v of %q, CPython prints %q", err, text, want)
	}
	if err != nil {
		return
	}
	if got := AppendValue(nil, v); !bytes.Equal(got, want) {
		t.Fatalf("%q becomes\n%s, CPython prints\n%s", text, got, want)
	}
}

func TestFloatsAsCPythonPrintsThem(t *testing.T) {
	p := startPython(t)
	rng := rand.New(rand.NewPCG(*seed, 2))
	const batch = 50_000
	for done := 0; done < *floats; done += batch {
		values := make([]float64, min(batch, *floats-done))
		var payload []byte
		for i := range values {
			values[i] = anyFiniteFloat(rng)
			payload = binary.LittleEndian.AppendUint64(payload, math.Float64bits(values[i]))
		}
		answer := p.ask(batchFloats, payload)
		var buffer [32]byte
		for _, f := range values {
			line, rest, _ := bytes.Cut(answer, []byte("\n"))
			answer = rest
			if got := AppendFloat(buffer[:0], f); !bytes.Equal(got, line) {
				t.Fatalf("%x: AppendFloat prints %s, CPython %s", math.Float64bits(f), got, line)
			}
			if value, n := ScanNumber(line); f > 0 && (n != len(line) || value != f) {
				t.Fatalf("%x: the strict parser reads %d bytes of %s as %v", math.Float64bits(f), n, line, value)
			}
		}
	}
}

// anyFiniteFloat draws bit patterns, most from all there are, some as the chain has them.
func anyFiniteFloat(rng *rand.Rand) float64 {
	if rng.IntN(4) == 0 {
		return randomFloat(rng)
	}
	for {
		f := math.Float64frombits(rng.Uint64())
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
}

// generator draws JSON documents in every spelling, and some that are not JSON.
type generator struct {
	rng *rand.Rand
	out []byte
}

func (g *generator) document() []byte {
	g.out = nil
	g.value(g.rng.IntN(10))
	if g.rng.IntN(4) == 0 {
		return canonicaltest.Mutate(g.rng, g.out, g.out)
	}
	return g.out
}

func (g *generator) space() {
	for g.rng.IntN(4) == 0 {
		g.out = append(g.out, " \t\n\r"[g.rng.IntN(4)])
	}
}

func (g *generator) value(depth int) {
	g.space()
	switch kind := g.rng.IntN(8); {
	case depth > 0 && kind < 3:
		g.list('{', '}', func() {
			g.string()
			g.space()
			g.out = append(g.out, ':')
			g.value(depth - 1)
		})
	case depth > 0 && kind < 5:
		g.list('[', ']', func() { g.value(depth - 1) })
	case kind == 7:
		g.out = append(g.out, []string{"null", "true", "false", "{}", "[ ]"}[g.rng.IntN(5)]...)
	case kind%2 == 0:
		g.string()
	default:
		g.number()
	}
	g.space()
}

func (g *generator) list(open, closing byte, item func()) {
	g.out = append(g.out, open)
	for i := range g.rng.IntN(4) {
		if i > 0 {
			g.out = append(g.out, ',')
		}
		g.space()
		item()
		g.space()
	}
	g.out = append(g.out, closing)
}

func (g *generator) number() {
	switch g.rng.IntN(6) {
	case 0:
		g.out = strconv.AppendInt(g.out, int64(g.rng.Uint64()), 10)
	case 1:
		g.out = strconv.AppendInt(g.out, g.rng.Int64()>>g.rng.IntN(63), 10)
	case 2:
		g.out = append(g.out, []string{"0", "-0", "0.0", "-0.0", "0e5", "-0E-5", "1e308", "1e309", "1e-400", "9223372036854775807", "-9223372036854775808", "1E5", "1e+05", "1.50", "5e-324"}[g.rng.IntN(15)]...)
	case 3:
		g.out = strconv.AppendFloat(g.out, randomFloat(g.rng), "eEfgG"[g.rng.IntN(5)], g.rng.IntN(25), 64)
	default:
		g.out = strconv.AppendFloat(g.out, anyFiniteFloat(g.rng), "eEgG"[g.rng.IntN(4)], -1, 64)
	}
}

func (g *generator) string() {
	g.out = append(g.out, '"')
	for range g.rng.IntN(8) {
		g.char(g.rune())
	}
	g.out = append(g.out, '"')
}

// rune draws a character, most from where the rules change.
func (g *generator) rune() rune {
	limit := []int{0x80, 0x80, 0x80, 0x20, 0x800, 0x10000, 0x110000}[g.rng.IntN(7)]
	switch c := rune(g.rng.IntN(limit)); g.rng.IntN(12) {
	case 0:
		return []rune{'"', '\\', '/', 0x7e, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x10ffff}[g.rng.IntN(14)]
	default:
		return c
	}
}

// char writes c as it is, or as one of its escapes; a surrogate, which has no UTF-8, always as an escape.
func (g *generator) char(c rune) {
	at := bytes.IndexByte([]byte(shortEscaped+"/"), byte(c))
	switch {
	case c < 0x80 && at >= 0 && g.rng.IntN(8) > 0:
		g.out = append(g.out, '\\', (shortEscapes + "/")[at])
	case !utf8.ValidRune(c) && g.rng.IntN(20) > 0:
		g.out = append(g.out, 'x') // else hardly a document would be accepted
	case utf8.ValidRune(c) && (c >= ' ' || g.rng.IntN(50) == 0) && c != '"' && c != '\\' && g.rng.IntN(2) == 0:
		g.out = utf8.AppendRune(g.out, c)
	default:
		start := len(g.out)
		if g.out = appendEscape(g.out, c); g.rng.IntN(3) == 0 {
			copy(g.out[start+2:], bytes.ToUpper(g.out[start+2:]))
		}
	}
}
