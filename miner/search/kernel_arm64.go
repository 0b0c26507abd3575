//go:build !purego

package search

import "github.com/klauspost/cpuid/v2"

// shaLanes is how many proofs the kernel tries at a time.
const shaLanes = 4

func hasSHA() bool { return cpuid.CPU.Supports(cpuid.SHA2) }
