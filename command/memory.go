package command

import (
	"runtime/metrics"
	"strings"

	"github.com/redistill/redistill/internal/info"
	"github.com/redistill/redistill/internal/resp"
)

var memoryCommand = Command{
	Name: "memory", Arity: -2, Group: Admins, Since: "4.0.0",
	Summary: "A container for memory diagnostics commands", Complexity: "Depends on subcommand.",
	Sub: []Command{
		{Name: "doctor", Arity: 2, Locks: LockWalk, Group: Admins, Since: "4.0.0",
			Summary: "Outputs memory problems report", Complexity: "O(1)", Differs: "In words of its own",
			Tips: []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}, Run: memoryDoctor},
		{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Admins, Since: "4.0.0",
			Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Run: help("memory",
				"DOCTOR",
				"    Return memory problems reports.",
				"MALLOC-STATS",
				"    Return internal statistics report from the memory allocator.",
				"PURGE",
				"    Attempt to purge dirty pages for reclamation by the allocator.",
				"STATS",
				"    Return information about the memory usage of the server.",
				"USAGE <key> [SAMPLES <count>]",
				"    Return memory in bytes used by <key> and its value. Nested values are",
				"    sampled up to <count> times (default: 5, 0 means sample all).")},
		{Name: "malloc-stats", Arity: 2, Locks: LockWalk, Group: Admins, Since: "4.0.0",
			Summary: "Show allocator internal stats", Complexity: "Depends on how much memory is allocated, could be slow",
			Differs: "Of the arena and of the Go runtime",
			Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}, Run: memoryMallocStats},
		{Name: "purge", Arity: 2, Group: Admins, Since: "4.0.0",
			Summary: "Ask the allocator to release memory", Complexity: "Depends on how much memory is allocated, could be slow",
			Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, Run: memoryPurge},
		{Name: "stats", Arity: 2, Locks: LockWalk, Group: Admins, Since: "4.0.0",
			Summary: "Show memory usage details", Complexity: "O(1)",
			Differs: "The allocator is the arena: allocated are records and index, active the blocks that they are in, resident all blocks in memory. " +
				"What this server does not have (replication.backlog, clients.slaves, cluster.links, aof.buffer, lua.caches, functions.caches, overhead.hashtable.expires) is 0",
			Tips: []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}, Run: memoryStats},
		{Name: "usage", Arity: -3, Flags: ReadOnly, Keys: Keys{{At: 2, Access: RO}}, Group: Admins,
			Since:   "4.0.0",
			Summary: "Estimate the memory usage of a key", Complexity: "O(N) where N is the number of samples.",
			Syntax:  "key [SAMPLES count]",
			Differs: "The size is what this server accounts for the key, whatever SAMPLES says", Run: memoryUsage},
	},
}

// MEMORY STATS
func memoryStats(c *Call) error {
	s := c.Srv.state(c.Tx, info.Select([][]byte{[]byte("memory"), []byte("keyspace")}))
	appendFigures(c.Out, info.MemoryFigures(s))
	return nil
}

func appendFigures(out *resp.Out, figures []info.Figure) {
	out.Map(len(figures))
	for _, f := range figures {
		out.BulkString(f.Name)
		switch {
		case f.Database != nil:
			appendFigures(out, f.Database)
		case f.IsRatio:
			out.Double(f.Ratio)
		default:
			out.Int(f.Number)
		}
	}
}

// MEMORY DOCTOR
func memoryDoctor(c *Call) error {
	s := c.Srv.state(c.Tx, info.Select([][]byte{[]byte("memory"), []byte("clients")}))
	c.Out.Verbatim("txt", []byte(info.MemoryReport(s, swapped())))
	return nil
}

// MEMORY MALLOC-STATS
func memoryMallocStats(c *Call) error {
	s := c.Srv.state(c.Tx, info.Select([][]byte{[]byte("memory")}))
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if d.Kind == metrics.KindUint64 && (strings.HasPrefix(d.Name, "/memory/") || strings.HasPrefix(d.Name, "/gc/")) {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	var runtime []info.Figure
	for _, sample := range samples {
		runtime = append(runtime, info.Figure{Name: sample.Name, Number: int64(sample.Value.Uint64())})
	}
	c.Out.Verbatim("txt", []byte(info.AllocatorReport(s, runtime)))
	return nil
}

// MEMORY PURGE
func memoryPurge(c *Call) error {
	c.Srv.Store.Purge()
	c.Out.OK()
	return nil
}

// MEMORY USAGE key [SAMPLES count]. The engine knows the size exactly, so that there is nothing to sample.
func memoryUsage(c *Call) error {
	for i := 3; i < len(c.Args); i += 2 {
		if !is(c.Args[i], "samples") || i+1 == len(c.Args) {
			return errSyntax
		}
		if n, err := c.int(i + 1); err != nil {
			return err
		} else if n < 0 {
			return errSyntax
		}
	}
	n, ok := c.Tx.MemoryUsage(c.Keys[0])
	if !ok {
		c.Out.Null()
		return nil
	}
	c.Out.Int(int64(n))
	return nil
}
