// Package paths holds the benchmarks that the speed check runs: six paths through the server that
// nearly every user pays for.
//
// They use only what the module's packages export, and nothing of other modules. So the check can
// compile them against an older commit, and both sides do the same work.
//
// They are not the benchmarks of docs/performance.md. Their keyspaces fit into a core's own cache,
// because the price of the other caches and of the memory depends on what else the machine does. On
// a busy machine, the time of a GET among 50,000 keys differed by a tenth from one process to the
// next. Among 2,000 keys it was one percent.
package paths
