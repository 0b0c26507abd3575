package main

// figure is a row of the page.
type figure struct {
	what    string
	unit    string // as it is printed
	ours    measurement
	ceiling measurement // or none
	of      string      // what the ceiling is
	less    bool        // less is better
	floor   float64     // of the ratio; 0 is none
}

var benchmarks = []benchmark{
	{name: "Kernels", parts: "^chosen$", pkg: "miner/search", long: "500ms", short: "200ms"},
	{name: "Mine", pkg: "miner", long: "5s", short: "1s"},
	{name: "ParseBlock", pkg: "chain/consensus", long: "500ms", short: "200ms"},
	{name: "EncodingJSON", pkg: "chain/consensus", long: "500ms", short: "200ms"},
	{name: "Insert", pkg: "chain", long: "200000x", short: "100000x"},
	{name: "ColdSync", pkg: "p2p/chainsync", long: "1x", rounds: 3, env: []string{"KUAI_BENCH_BLOCKS=300000"}},
	{name: "Hops", pkg: "p2p", long: "500x", short: "200x"},
	{name: "BareHops", pkg: "p2p", long: "500x", short: "200x"},
	{name: "SmallGet", parts: "^(bare|kuai)$/^(healthz|node|blocks)$", pkg: "rpc", long: "60000x", short: "20000x"},
	{name: "DurablePost", pkg: "rpc", long: "40000x", short: "15000x"},
	{name: "Latency", pkg: "rpc", long: "20000x"},
	{name: "Chain", pkg: "rpc", long: "20x", short: "10x"},
	{name: "NewTip", pkg: "miner", long: "300x", rounds: 3},
	{name: "Reorg", pkg: "chain", long: "2x", rounds: 3},
	{name: "Open", parts: "^races$", pkg: "chain", long: "5x", rounds: 1, env: []string{"KUAI_BENCH_BLOCKS=1000000"}},
	{name: "Line", pkg: "test/netns", long: "500x", rounds: 1},
	{name: "Sync", pkg: "test/netns", long: "1x", rounds: 1, env: []string{"KUAI_BENCH_BLOCKS=300000"}},
	{name: "MineRace", pkg: "test/e2e", long: "1x", rounds: 1},
	{name: "Figures", pkg: "test/e2e", long: "100x", rounds: 1},
	{name: "LongChain", pkg: "test/e2e", long: "10x", rounds: 1},
	{name: "MineOverHTTP", pkg: "test/e2e", parts: "^(disk|ephemeral)$", long: "4s", rounds: 3},
	{name: "MineOverHTTP", pkg: "test/e2e", parts: "^flask$", long: "4s", rounds: 3, needs: "python3"},
}

var figures = []figure{
	{"proof search, one core, the kernel that won the race", "million tries/s", measurement{"Kernels/chosen", "Mtries/s"}, measurement{"Kernels/chosen", "careful-Mtries/s"}, "a careful loop over crypto/sha256", false, 2},
	{"blocks at four zeros, chain in memory, one core", "blocks/s", measurement{"Mine", "even/s/1"}, measurement{"Mine", "even/s/search"}, "the search alone", false, 0.6},
	{"the same on two cores", "blocks/s", measurement{"Mine", "even/s/2"}, measurement{"Mine", "even/s/1"}, "one core", false, 0},
	{"a search moves to a new tip, one core: 99th percentile", "µs", measurement{"NewTip/cores=1", "p99-µs"}, measurement{}, "", true, 0},
	{"blocks lost by three continuous miners on this machine", "%", measurement{"MineRace/three_continuous", "lost-blocks-%"}, measurement{}, "", true, 0},
	{"with interval=5s", "%", measurement{"MineRace/three_interval=5s", "lost-blocks-%"}, measurement{}, "", true, 0},
	{"check of a block with one payment, one core", "ns", measurement{"ParseBlock/1", "ns/op"}, measurement{"EncodingJSON/1", "ns/op"}, "encoding/json, which checks nothing", true, 2},
	{"check of a block with 1,000 payments, one core", "ns", measurement{"ParseBlock/1000", "ns/op"}, measurement{"EncodingJSON/1000", "ns/op"}, "encoding/json, which checks nothing", true, 2},
	{"insert of checked blocks, on disk", "blocks/s", measurement{"Insert/chain", "blocks/s"}, measurement{"Insert/engine", "blocks/s"}, "Pebble alone with the same keys and bytes", false, 0.35},
	{"cold sync of 300,000 blocks, both nodes on this machine, on disk", "blocks/s", measurement{"ColdSync", "blocks/s"}, measurement{}, "", false, 0},
	{"processor time for a block of a cold sync, both nodes", "µs", measurement{"ColdSync", "cpu-µs/block"}, measurement{}, "", true, 0},
	{"memory of a daemon meanwhile, from another process", "MiB", measurement{"Sync/bridge", "peak-MiB"}, measurement{}, "", true, 0},
	{"a block over one hop, each node a process: median", "ms", measurement{"Line/hops=1/memory", "p50-ms"}, measurement{"Line/hops=1/bare", "p50-ms"}, "processes that only pass bytes on", true, 0},
	{"over eight hops, each node a process", "ms", measurement{"Line/hops=8/memory", "p50-ms"}, measurement{"Line/hops=8/bare", "p50-ms"}, "the same", true, 0},
	{"a block over one hop in one process, checked in full: median", "ms", measurement{"Hops/1", "p50-ms"}, measurement{"BareHops/1", "p50-ms"}, "gossipsub alone", true, 0.3},
	{"over two hops", "ms", measurement{"Hops/2", "p50-ms"}, measurement{"BareHops/2", "p50-ms"}, "gossipsub alone", true, 0.3},
	{"over eight hops", "ms", measurement{"Hops/8", "p50-ms"}, measurement{"BareHops/8", "p50-ms"}, "gossipsub alone", true, 0.3},
	{"GET /healthz, 32 clients", "answers/s", measurement{"SmallGet/kuai/healthz", "answers/s"}, measurement{"SmallGet/bare/healthz", "answers/s"}, "a bare net/http handler", false, 0.5},
	{"GET /blocks/latest", "answers/s", measurement{"SmallGet/kuai/blocks/latest", "answers/s"}, measurement{"SmallGet/bare/blocks/latest", "answers/s"}, "the same", false, 0.4},
	{"GET /node", "answers/s", measurement{"SmallGet/kuai/node", "answers/s"}, measurement{"SmallGet/bare/node", "answers/s"}, "the same", false, 0.3},
	{"GET /blocks/latest, one client: median", "ms", measurement{"Latency", "p50-ms"}, measurement{"Latency", "bare-p50-ms"}, "a bare net/http handler", true, 0},
	{"99th percentile", "ms", measurement{"Latency", "p99-ms"}, measurement{"Latency", "bare-p99-ms"}, "the same", true, 0},
	{"POST /transactions/new, on disk before its answer, 64 clients", "answers/s", measurement{"DurablePost/kuai", "answers/s"}, measurement{"DurablePost/bare", "answers/s"}, "a bare handler that reads and writes JSON", false, 0.3},
	{"GET /chain of 100,000 blocks, from disk", "MB/s", measurement{"Chain", "MB/s"}, measurement{"Chain", "bare-MB/s"}, "a bare handler that has the bytes in memory", false, 0},
	{"until its first byte", "ms", measurement{"Chain", "ms-to-first-byte"}, measurement{}, "", true, 0},
	{"GET /chain of 1,000,000 blocks, from a daemon", "MB/s", measurement{"LongChain", "MB/s"}, measurement{}, "", false, 0},
	{"until its first byte", "ms", measurement{"LongChain", "ms-to-first-byte"}, measurement{}, "", true, 0},
	{"memory of that daemon at rest", "MiB", measurement{"LongChain", "rest-MiB"}, measurement{}, "", true, 0},
	{"the most that the answers add", "MiB", measurement{"LongChain", "more-MiB"}, measurement{}, "", true, 0},
	{"open a chain of 1,000,000 blocks, with 250,000 reorgs behind it", "ms", measurement{"Open/races", "open-ms"}, measurement{}, "", true, 0},
	{"a reorg of 5,000 blocks", "ns", measurement{"Reorg/5000", "ns/op"}, measurement{}, "", true, 0},
	{"a reorg of 100,000 blocks", "ns", measurement{"Reorg/100000", "ns/op"}, measurement{}, "", true, 0},
	{"the most memory that it takes", "MiB", measurement{"Reorg/100000", "MiB"}, measurement{}, "", true, 0},
	{"the longest that a reader waits meanwhile", "ms", measurement{"Reorg/100000", "wait-ms"}, measurement{}, "", true, 0},
	{"from GET /mine on one of five nodes until its block is the tip of all, proof included", "ms", measurement{"Figures/mine-to-tip-of-5", "total-p50-ms"}, measurement{}, "", true, 0},
	{"restart after kill -9, until ready", "ms", measurement{"Figures/restart", "ready-p50-ms"}, measurement{}, "", true, 0},
	{"the slowest of 100 such restarts", "ms", measurement{"Figures/restart", "ready-max-ms"}, measurement{}, "", true, 0},
	{"memory of a connected node at rest", "MiB", measurement{"Figures/memory", "MiB"}, measurement{}, "", true, 0},
	{"blocks through GET /mine, each on disk before its answer", "blocks/s", measurement{"MineOverHTTP/disk", "blocks/s"}, measurement{"MineOverHTTP/flask", "blocks/s"}, "the tutorial's Flask program", false, 0},
	{"the same in memory", "blocks/s", measurement{"MineOverHTTP/ephemeral", "blocks/s"}, measurement{"MineOverHTTP/flask", "blocks/s"}, "the tutorial's Flask program", false, 0},
}
