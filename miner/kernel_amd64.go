//go:build !purego

package miner

import (
	"math/bits"

	"github.com/klauspost/cpuid/v2"
)

//go:generate go run -C _gen . -out ../kernel_amd64.s

// kernels returns the kernels that this processor can run, the best first.
func kernels() []kernel {
	all := []kernel{library, portable}
	if cpuid.CPU.Supports(cpuid.SHA, cpuid.SSE4, cpuid.AVX) {
		all = append([]kernel{{"sha", scanSHALanes}}, all...)
	}
	return all
}

// shaLanes is how many proofs scanSHA tries at a time.
const shaLanes = 5

// shaInitial is initialState in the order of the SHA instructions: f, e, b, a and h, g, d, c.
var shaInitial = [8]uint32{
	initialState[5], initialState[4], initialState[1], initialState[0],
	initialState[7], initialState[6], initialState[3], initialState[2],
}

// scanSHA tries groups of shaLanes proofs and stops at the first group with a hit; hits says which lanes have one.
//
//go:noescape
func scanSHA(j *job, digits *uint32, groups int) (group int, hits uint32)

func scanSHALanes(j *job, digits []uint32) int {
	group, hits := scanSHA(j, &digits[0], (len(digits)+shaLanes-1)/shaLanes)
	return min(shaLanes*group+bits.TrailingZeros32(hits), len(digits)) // no hit counts as 32
}
