// Package paths holds the benchmarks that the speed check runs: six paths through the server that nearly every user pays for.
//
// They use only what the module's packages export, and nothing of other modules. So the check can compile them against an older commit, and
// both sides do the same work. They are not the benchmarks of docs/performance.md: their keyspaces are small enough for a core's own
// cache, because what the other caches and the memory cost depends on what else the machine does. With 50,000 keys, the time of a GET
// differed by a tenth from one process to the next on a busy machine; with 2,000 it is one percent.
package paths
