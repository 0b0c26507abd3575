//go:build (amd64 || arm64) && !purego

package search

import "math/bits"

//go:generate go run -C _gen . -out ../kernel_amd64.s -arm64 ../kernel_arm64.s

// kernels returns the kernels that this processor can run, the best first.
func kernels() []kernel {
	if !hasSHA() {
		return []kernel{library, portable}
	}
	return []kernel{{"sha", scanLanes}, library, portable}
}

// scanSHA tries groups of shaLanes proofs and stops at the first group with a hit; hits says which lanes have one.
//
//go:noescape
func scanSHA(j *job, digits *uint32, groups int) (group int, hits uint32)

func scanLanes(j *job, digits []uint32) int {
	group, hits := scanSHA(j, &digits[0], (len(digits)+shaLanes-1)/shaLanes)
	return min(shaLanes*group+bits.TrailingZeros32(hits), len(digits)) // no hit counts as 32
}
