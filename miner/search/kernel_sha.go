//go:build (amd64 || arm64) && !purego

package search

//go:generate go run -C _gen . -out ../kernel_amd64.s -arm64 ../kernel_arm64.s

// scanSHA tries groups of shaLanes proofs and stops at the first group with a hit; hits says which lanes have one. Without a hit it
// returns groups and 0.
//
//go:noescape
func scanSHA(j *job, digits *uint32, groups int) (group int, hits uint32)
