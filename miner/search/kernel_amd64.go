//go:build !purego

package search

import "github.com/klauspost/cpuid/v2"

// shaLanes is how many proofs the kernel tries at a time.
const shaLanes = 5

func hasSHA() bool { return cpuid.CPU.Supports(cpuid.SHA, cpuid.SSE4, cpuid.AVX) }

// shaInitial is initialState in the order of the SHA instructions: f, e, b, a and h, g, d, c.
var shaInitial = [8]uint32{
	initialState[5], initialState[4], initialState[1], initialState[0],
	initialState[7], initialState[6], initialState[3], initialState[2],
}
