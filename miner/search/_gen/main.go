// Command gen writes the search's kernels in assembly: x86.go and arm.go those for processors with SHA instructions, wide.go those
// for x86-64 processors with wide vectors, which have a story of their own there.
//
// A kernel with SHA instructions tries a handful of proofs at a time, its lanes. A try is two compressions of SHA-256, and a compression is two kinds
// of work that share almost nothing:
//
//   - the message schedule expands 16 words to 64. Here it is needed for the first block only: the second is the same for every
//     try, and Go expands it once (job.tail).
//   - the rounds mix one word after another into the state, 64 for each block. On x86-64 an instruction does two of them, with a latency
//     of four cycles, on one unit that starts one a cycle. So the least that a try can cost is 64 cycles, and it takes four
//     lanes to get there. A fifth makes good for those starts that other instructions take away.
//
// Done one after the other, as libraries do, the unit idles while words are expanded. So the two are separate streams
// of instructions, woven into one: while the rounds of one group of proofs run, the schedules of the next group are made. They
// meet in two buffers on the stack that change roles with each turn. What is left to lose are the cycles in which the
// schedule's own SHA instructions and shuffles want the same unit.
//
//	turn    0            1            2
//	        schedule 0   schedule 1   schedule 2
//	                     rounds 0     rounds 1      ──► does a lane of group 0, 1, … have the zeros?
//
// Both kernels have the same parts: place writes the low digits into the message, expand and keep make the schedule, rounds
// compresses, judge looks at the hashes.
package main

import (
	"flag"
	"log"
	"os"
)

// Where the fields of Go's job are, in bytes. A test compares.
const (
	jobFirst = 0   // the first block's words, the low digits' places empty
	jobPlace = 64  // two shuffles that bring the low digits to their places in words 0..3 and 4..7
	jobKnown = 96  // words 8..15 of the first block plus the rounds' constants
	jobTail  = 128 // the second block's words plus the rounds' constants
	jobMask  = 384 // four times the bits of the hash's first word that must be zero
	jobRight = 400 // how far the low digits are shifted right for words 0..7
	jobLeft  = 432 // and how far left
	jobState = 464 // the state before the first block, a to h
	jobSplit = 496 // the same in the order of the x86-64 SHA instructions: f, e, b, a and h, g, d, c
)

// weave puts the other stream between the steps of a first one, evenly from beginning to end. Each keeps its own order.
func weave[T any](steps [][]T, other []T) (both []T) {
	done := 0
	for i, step := range steps {
		due := (len(other)*(i+1) + len(steps) - 1) / len(steps)
		both = append(append(both, step...), other[done:due]...)
		done = due
	}
	return both
}

func main() {
	arm := flag.String("arm64", "", "file for the ARMv8 kernel; -out is the x86-64 kernel's")
	writeAMD64()
	if err := os.WriteFile(*arm, []byte(arm64()), 0o666); err != nil {
		log.Fatal(err)
	}
}
