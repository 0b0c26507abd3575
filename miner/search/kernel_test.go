package search

import (
	"bytes"
	"crypto/sha256"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kuai/chain/consensus"
)

// lowest is what a scan must find, said with nothing but the library and the message's definition.
func lowest(p consensus.Puzzle, from, to int64) (int64, bool) {
	for proof := from; proof < to; proof++ {
		message := p.Before + strconv.FormatInt(proof, 10) + p.After
		if p.Target.Met(sha256.Sum256([]byte(message))) {
			return proof, true
		}
	}
	return 0, false
}

// check compares all kernels in [from, to).
func check(t *testing.T, p consensus.Puzzle, from, to int64) {
	t.Helper()
	want, wantFound := lowest(p, from, to)
	for _, k := range kernels() {
		if got, found := newScanner(p, k).scan(from, to); got != want || found != wantFound {
			t.Fatalf("kernel %s, %+v, proofs %d to %d: got %d, %v, want %d, %v", k.name, p, from, to, got, found, want, wantFound)
		}
	}
}

// number returns a number of that many digits, at most 2^53.
func number(digits int, seed int64) int64 {
	least := int64(1)
	for range digits - 1 {
		least *= 10
	}
	return least + seed*7919%min(9*least, consensus.MaxProof-least)
}

func TestKernelsAgreeWithTheLibraryForAllLengths(t *testing.T) {
	for last := 1; last <= 16; last++ {
		for digits := 1; digits <= 16; digits++ {
			for seed := range int64(3) {
				p := puzzleOf(number(last, seed), hashOf(seed), 2)
				from := number(digits, seed)
				check(t, p, from, from+200)
			}
		}
	}
}

func TestKernelsWhereTheDigitsGrow(t *testing.T) {
	for zeros := range 4 {
		for edge := int64(1); edge < consensus.MaxProof; edge *= 10 {
			p := puzzleOf(edge/7, hashOf(edge), zeros)
			check(t, p, max(edge-40, 0), edge+40)
			check(t, p, max(20*edge-40, 0), 20*edge+40) // the next run
		}
	}
}

func TestKernelsForAllStartsAndTails(t *testing.T) {
	for from := range int64(24) {
		for n := range int64(24) {
			for zeros := range 3 {
				check(t, puzzleOf(35293, hashOf(from), zeros), 4990+from, 4990+from+n)
				check(t, puzzleOf(100, hashOf(n), zeros), from, from+n)
			}
		}
	}
}

// sealed is the puzzle of a draft on a secure network: the parent's proof and the draft's root are in front of the nonce.
func sealed(parentProof string, seed int64, target consensus.Target) consensus.Puzzle {
	return consensus.Puzzle{Before: parentProof + hashOf(seed).String() + ".", After: hashOf(seed + 1).String(), Target: target}
}

// sealedOn is sealed on a parent whose nonce is that.
func sealedOn(nonce, seed int64, target consensus.Target) consensus.Puzzle {
	return sealed(hashOf(seed+2).String()+"."+strconv.FormatInt(nonce, 10), seed, target)
}

// nonce returns a nonce of that many digits, below 2^63.
func nonce(digits int, seed int64) int64 {
	if digits <= 16 {
		return number(digits, seed)
	}
	return number(16, seed)*int64(math.Pow10(digits-16)) + seed
}

// Some of these lengths leave the assembly to the library: the digits do not end in the first eight words.
func TestKernelsAgreeAfterWholeBlocks(t *testing.T) {
	for digits := 1; digits <= 19; digits++ {
		for parent := 1; parent <= 19; parent++ {
			p := sealedOn(nonce(parent, int64(digits)), int64(parent), consensus.ZerosTarget(2))
			from := nonce(digits, int64(parent))
			check(t, p, from, from+100)
		}
		from := nonce(digits, 1)
		check(t, sealed("100", from, consensus.ZerosTarget(2)), from, from+200) // on the genesis block
	}
}

// No message's length is special, whatever of it is in front.
func TestKernelsForAllLengths(t *testing.T) {
	text := strings.Repeat(testHash, 4)
	for before := range 4 * 64 {
		check(t, consensus.Puzzle{Before: text[:before], After: text[:before%129], Target: consensus.ZerosTarget(1)}, 9_950, 10_050)
	}
}

// TestTargetsWithinAWord: a kernel compares lengths of the first word in bits, the rest is compared after it.
func TestTargetsWithinAWord(t *testing.T) {
	for i := range int64(300) {
		target := consensus.Target(hashOf(i))
		target[0] = 0
		target[1] >>= i % 8
		check(t, sealedOn(i*i, i, target), 0, 3000)
	}
	p := sealedOn(1, 1, consensus.ZerosTarget(2))
	proof, _ := lowest(p, 0, 1<<20)
	sum := sha256.Sum256(p.AppendMessage(nil, proof))
	for i := range sum {
		p.Target = sum
		if got, found := newScanner(p, fastest()).scan(proof, proof+1); !found || got != proof {
			t.Fatalf("the hash that is the target does not meet it")
		}
		if p.Target[i] == 0 {
			continue
		}
		p.Target[i]--
		if got, found := newScanner(p, fastest()).scan(proof, proof+1); found {
			t.Errorf("proof %d meets the target %s with %x", got, p.Target, sum)
		}
	}
}

// The mask has eight hex digits; what a kernel finds beyond them is a candidate.
func TestZerosBeyondTheFirstWord(t *testing.T) {
	p := puzzleOf(100, hashOf(1), 9)
	for _, k := range kernels() {
		s := newScanner(p, kernel{k.name, func(j *job, digits []uint32) int {
			j.mask = [4]uint32{} // everything is a candidate
			return k.scan(j, digits)
		}})
		if got, found := s.scan(0, 2000); found {
			t.Errorf("kernel %s: %d has no nine zeros", k.name, got)
		}
	}
}

func TestLastProofsThatNoRuleAllows(t *testing.T) {
	for _, last := range []int64{-1, -1 << 63, 1<<63 - 1} {
		check(t, puzzleOf(last, hashOf(last), 2), consensus.MaxProof-500, consensus.MaxProof)
	}
}

func FuzzKernels(f *testing.F) {
	f.Add(uint64(100), uint64(0), uint16(300), uint8(2), []byte("seed"))
	f.Add(uint64(35293), uint64(9_990), uint16(20), uint8(1), []byte{})
	f.Add(uint64(1<<53-1), uint64(1<<53-30), uint16(20), uint8(3), []byte{1})
	f.Add(uint64(0), uint64(999_999_990), uint16(64), uint8(0), []byte{2})
	f.Add(uint64(1<<63-1), uint64(1<<53-30), uint16(20), uint8(2), []byte{3})
	f.Fuzz(func(t *testing.T, last, from uint64, n uint16, zeros uint8, seed []byte) {
		start := int64(from % consensus.MaxProof)
		check(t, puzzleOf(int64(last%consensus.MaxProof), sha256.Sum256(seed), int(zeros%17)), start, start+int64(n%2000))
		target := consensus.Target(sha256.Sum256(seed))
		target[0] >>= zeros % 9
		check(t, sealedOn(int64(last&math.MaxInt64), int64(n), target), start, start+int64(n%2000))
	})
}

// TestKernelsAreWhatTheGeneratorWrites needs the generator's library, from the module cache or the network.
func TestKernelsAreWhatTheGeneratorWrites(t *testing.T) {
	dir := t.TempDir()
	generator := filepath.Join(dir, "gen")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "_gen", "-o", generator, ".").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("the generator does not build, probably for want of a network: %v\n%s", err, out)
		}
		t.Fatalf("the generator does not build: %v\n%s", err, out)
	}
	files := []string{"kernel_amd64.s", "kernel_arm64.s"}
	args := []string{"-out", filepath.Join(dir, files[0]), "-arm64", filepath.Join(dir, files[1])}
	if out, err := exec.CommandContext(t.Context(), generator, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, file := range files {
		if fresh, kept := instructions(t, filepath.Join(dir, file)), instructions(t, file); !bytes.Equal(fresh, kept) {
			t.Errorf("%s is not what _gen writes: run go generate", file)
		}
	}
}

// instructions reads a file without its first line, which has the command that wrote it.
func instructions(t *testing.T, file string) []byte {
	t.Helper()
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(all, []byte("\n"))
	return rest
}
