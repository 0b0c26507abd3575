package search

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"kuai/chain/consensus"
)

// lowest is what a scan must find, said with nothing but the library and the message's definition.
func lowest(p consensus.Puzzle, from, to int64) (int64, bool) {
	for proof := from; proof < to; proof++ {
		message := p.Before + strconv.FormatInt(proof, 10) + p.After
		if consensus.Hash(sha256.Sum256([]byte(message))).HasZeros(p.Zeros) {
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
	f.Fuzz(func(t *testing.T, last, from uint64, n uint16, zeros uint8, seed []byte) {
		p := puzzleOf(int64(last%consensus.MaxProof), sha256.Sum256(seed), int(zeros%17))
		start := int64(from % consensus.MaxProof)
		check(t, p, start, start+int64(n%2000))
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
