//go:build !purego

package search

import "github.com/klauspost/cpuid/v2"

// shaLanes is how many proofs the kernel with SHA instructions tries at a time.
const shaLanes = 5

// kernels returns the kernels that this processor can run.
func kernels() []kernel {
	can := []kernel{library, portable}
	if cpuid.CPU.Supports(cpuid.SHA, cpuid.SSE4, cpuid.AVX) {
		can = append(can, kernel{"sha", inLanes(shaLanes, scanSHA)})
	}
	if cpuid.CPU.Supports(cpuid.AVX2) {
		can = append(can, kernel{"avx2", inLanes(8, scanAVX2)})
	}
	if cpuid.CPU.Supports(cpuid.AVX512F) {
		can = append(can, kernel{"avx512", inLanes(16, scanAVX512)})
	}
	return can
}

// scanAVX2 is scanSHA with eight lanes.
//
//go:noescape
func scanAVX2(j *job, digits *uint32, groups int) (group int, hits uint32)

// scanAVX512 is scanSHA with 16 lanes.
//
//go:noescape
func scanAVX512(j *job, digits *uint32, groups int) (group int, hits uint32)
