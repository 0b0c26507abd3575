//go:build unix

package main

import (
	"os"
	"syscall"
)

func dup(f *os.File) (int, error) { return syscall.Dup(int(f.Fd())) }
