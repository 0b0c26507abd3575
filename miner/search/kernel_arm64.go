//go:build !purego

package search

import "github.com/klauspost/cpuid/v2"

// shaLanes is how many proofs the kernel with SHA instructions tries at a time.
const shaLanes = 4

// kernels returns the kernels that this processor can run.
func kernels() []kernel {
	can := []kernel{library, portable}
	if cpuid.CPU.Supports(cpuid.SHA2) {
		can = append(can, kernel{"sha", inLanes(shaLanes, scanSHA)})
	}
	return can
}
