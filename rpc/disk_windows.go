package rpc

import "syscall"

// systemDiskErrors are those that only one system has: ERROR_WRITE_PROTECT, ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL and
// ERROR_IO_DEVICE.
var systemDiskErrors = []error{syscall.Errno(19), syscall.Errno(39), syscall.Errno(112), syscall.Errno(1117)}
