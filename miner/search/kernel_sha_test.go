//go:build (amd64 || arm64) && !purego

package search

import (
	"testing"
	"unsafe"
)

// The generator has these numbers, too.
func TestFieldsAreWhereTheKernelReadsThem(t *testing.T) {
	var j job
	for name, at := range map[string][2]uintptr{
		"first": {unsafe.Offsetof(j.first), 0},
		"place": {unsafe.Offsetof(j.place), 64},
		"known": {unsafe.Offsetof(j.known), 96},
		"tail":  {unsafe.Offsetof(j.tail), 128},
		"mask":  {unsafe.Offsetof(j.mask), 384},
		"right": {unsafe.Offsetof(j.right), 400},
		"left":  {unsafe.Offsetof(j.left), 432},
		"state": {unsafe.Offsetof(j.state), 464},
		"split": {unsafe.Offsetof(j.split), 496},
	} {
		if at[0] != at[1] {
			t.Errorf("job.%s is at %d, and the kernel reads at %d", name, at[0], at[1])
		}
	}
}
