//go:build !linux || !cgo

package store

// fixAllocator does nothing: other systems have other allocators, and without cgo the engine's memory is Go's.
func fixAllocator() {}
