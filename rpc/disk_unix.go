//go:build !windows

package rpc

// systemDiskErrors are those that only one system has.
var systemDiskErrors []error
