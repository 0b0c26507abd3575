//go:build cgo

package store

/*
#include <malloc.h>

static void fix_mmap_threshold(int bytes) {
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, bytes);
#endif
}
*/
import "C"

// mmapBytes is the size from which on glibc maps an allocation of its own, and gives it back to the system when it is freed. Otherwise that
// size grows with each large allocation that is freed, and the engine's memtables come to lie between smaller allocations, which keep their
// memory: trimming took 102 MiB, not 21 (KUAI_BENCH_DEEP=3000 BenchmarkTrim, while the engine flushed often).
const mmapBytes = 1 << 20

func fixAllocator() { C.fix_mmap_threshold(mmapBytes) }
