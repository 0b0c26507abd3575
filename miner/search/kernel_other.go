//go:build purego || !(amd64 || arm64)

package search

// kernels returns the kernels that this processor can run.
func kernels() []kernel { return []kernel{portable, library} }
