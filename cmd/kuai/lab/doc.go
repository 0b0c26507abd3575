// Package lab runs lessons: short experiments with small networks, told step by step and ended by a verdict.
//
// # Vocabulary
//
//   - lesson: a question with a prediction to make, an experiment, and what must hold at its end.
//   - story: what one run of a lesson gave, as values for a terminal, a page or a script.
//   - world: the nodes of a run, the network between them, their clock and their dice.
//   - side: a part of the network. Nodes of different sides cannot reach each other, or only slowly.
//   - scratch: a block that can be edited, because nothing checks it.
//   - tutorial: a small model of the tutorial's node, with one of its well-known bugs.
//
// # Flow
//
//	Run ──► world (seed) ──► lesson.run ──► steps, charts, checks ──► Story
//	          │
//	          ├── node: a real chain.Chain in memory; its blocks are mined and checked by the tutorial's rules
//	          ├── messages: a queue in virtual time; latencies are drawn from the seed
//	          └── nextBlock: waits an exponential time, draws the miner by its share of the mining power, finds a real proof
//
// # Guarantees
//
// The same lesson, number of nodes and seed give the same story, byte for byte, on every machine: no clock, goroutine, map order or
// random id takes part. A verdict can fail: it is made of checks of what happened, and tests break each kind of world to see it.
// A run ends with its context, and at the limits of a world.
//
// # Not here
//
// No HTTP and no peer-to-peer network. What bugs of the tutorial have to do with HTTP is shown by models of a server.
package lab
