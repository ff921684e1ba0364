package command

import (
	"cmp"
	"slices"
	"time"

	"github.com/redistill/redistill/internal/info"
	"github.com/redistill/redistill/internal/latency"
	"github.com/redistill/redistill/internal/resp"
)

var latencyCommand = Command{
	Name: "latency", Arity: -2, Group: Admins, Since: "2.8.13",
	Summary: "A container for latency diagnostics commands", Complexity: "Depends on subcommand.",
	Sub: []Command{
		{Name: "doctor", Arity: 2, Flags: Admin | NoScript | Loading | Stale, Locks: LockWalk, Group: Admins, Since: "2.8.13",
			Summary: "Return a human readable latency analysis report.", Complexity: "O(1)",
			Differs: "In words of its own",
			Tips:    []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}, Run: latencyDoctor},
		{Name: "graph", Arity: 3, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Return a latency graph for the event.", Complexity: "O(1)", Syntax: "event",
			Tips: []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}, Run: latencyGraph},
		{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Show helpful text about the different subcommands.", Complexity: "O(1)", Run: help("latency",
				"DOCTOR",
				"    Return a human readable latency analysis report.",
				"GRAPH <event>",
				"    Return an ASCII latency graph for the <event> class.",
				"HISTORY <event>",
				"    Return time-latency samples for the <event> class.",
				"LATEST",
				"    Return the latest latency samples for all events.",
				"RESET [<event> ...]",
				"    Reset latency data of one or more <event> classes.",
				"    (default: reset all data for all event classes)",
				"HISTOGRAM [COMMAND ...]",
				"    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
				"    If no commands are specified then all histograms are replied.")},
		{Name: "histogram", Arity: -2, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "7.0.0",
			Summary:    "Return the cumulative distribution of latencies of a subset of commands or all.",
			Complexity: "O(N) where N is the number of commands with latency information being retrieved.",
			Syntax:     "[command [command ...]]",
			Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}, Run: latencyHistogram},
		{Name: "history", Arity: 3, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Return timestamp-latency samples for the event.", Complexity: "O(1)", Syntax: "event",
			Tips: []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}, Run: latencyHistory},
		{Name: "latest", Arity: 2, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Return the latest latency samples for all events.", Complexity: "O(1)",
			Differs: "The events are command, fast-command, eviction-cycle, expire-cycle, and snapshot-begin in place of fork",
			Tips:    []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}, Run: latencyLatest},
		{Name: "reset", Arity: -2, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Reset latency data for one or more events.", Complexity: "O(1)", Syntax: "[event [event ...]]",
			Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Run: latencyReset},
	},
}

// LATENCY LATEST
func latencyLatest(c *Call) error {
	all := c.Srv.latency.All()
	c.Out.Array(len(all))
	for _, s := range all {
		last := s.Samples[len(s.Samples)-1]
		c.Out.Array(4)
		c.Out.BulkString(s.Event.String())
		c.Out.Int(last.At)
		c.Out.Int(last.Millis)
		c.Out.Int(s.Max)
	}
	return nil
}

// LATENCY HISTORY event
func latencyHistory(c *Call) error {
	s, _ := c.Srv.latency.Find(string(c.Args[2]))
	c.Out.Array(len(s.Samples))
	for _, sample := range s.Samples {
		c.Out.Array(2)
		c.Out.Int(sample.At)
		c.Out.Int(sample.Millis)
	}
	return nil
}

// LATENCY GRAPH event
func latencyGraph(c *Call) error {
	s, ok := c.Srv.latency.Find(string(c.Args[2]))
	if !ok {
		return Error("ERR No samples available for event '" + shown(c.Args[2]) + "'")
	}
	c.Out.Verbatim("txt", s.Graph(time.Now().Unix()))
	return nil
}

// LATENCY RESET [event ...] replies with the number of events that had samples. Histograms are reset by CONFIG RESETSTAT.
func latencyReset(c *Call) error {
	var events []string
	for _, arg := range c.Args[2:] {
		events = append(events, string(arg))
	}
	c.Out.Int(int64(c.Srv.latency.Reset(events...)))
	return nil
}

// LATENCY DOCTOR
func latencyDoctor(c *Call) error {
	srv := c.Srv
	s := srv.state(c.Tx, info.Select([][]byte{[]byte("memory"), []byte("stats")}))
	threshold, on := srv.latency.Threshold()
	f := &latency.Facts{
		Now: time.Now().Unix(), Threshold: threshold, SlowFrom: srv.Config.Values().SlowlogSlowerThan, SlowKept: srv.slowlog.len(),
		Used: s.Used(), Max: s.MaxMemory, Evicted: s.Evicted, Swapped: swapped(),
	}
	if on {
		f.Slowest = srv.slowestCommands(threshold)
	}
	c.Out.Verbatim("txt", []byte(latency.Report(srv.latency.All(), on, f)))
	return nil
}

// slowestShown is how many commands LATENCY DOCTOR names.
const slowestShown = 3

// slowestCommands returns the commands with the most calls that took so long, as exactly as they are counted.
func (srv *Server) slowestCommands(threshold time.Duration) []latency.Calls {
	var slowest []latency.Calls
	for _, row := range srv.table.list {
		t := commandTotals(srv.stripes, row)
		calls := latency.Calls{Name: row.fullName, All: t.calls}
		for class, n := range t.latency {
			if n > 0 && latencyLimit(class) > threshold {
				calls.Slow += n
				calls.Longest = latencyLimit(class)
			}
		}
		if calls.Slow > 0 {
			slowest = append(slowest, calls)
		}
	}
	slices.SortStableFunc(slowest, func(a, b latency.Calls) int { return cmp.Compare(b.Slow, a.Slow) })
	return slowest[:min(len(slowest), slowestShown)]
}

// LATENCY HISTOGRAM [command ...]
func latencyHistogram(c *Call) error {
	rows := c.Srv.table.list
	if len(c.Args) > 2 {
		rows = nil
		for _, name := range c.Args[2:] {
			if row := c.Srv.table.find(string(name)); row != nil {
				rows = append(rows, row.withSub()...)
			}
		}
	}
	var called []*Command
	var totals []commandTotal
	if c.Srv.Config.Values().LatencyTracking {
		for _, row := range rows {
			if t := commandTotals(c.Srv.stripes, row); t.calls > 0 {
				called, totals = append(called, row), append(totals, t)
			}
		}
	}
	c.Out.Map(len(called))
	for i, row := range called {
		c.Out.BulkString(row.fullName)
		totals[i].appendHistogram(c.Out)
	}
	return nil
}

// withSub returns the row and its subcommands.
func (c *Command) withSub() []*Command {
	all := []*Command{c}
	for i := range c.Sub {
		all = append(all, &c.Sub[i])
	}
	return all
}

// histogramSteps is the number of steps of a histogram: up to 1024 ns, and twice as long each.
const histogramSteps = 21

// appendHistogram appends the calls, and how many of them took up to a time, for the times where that changes. The times are those of
// Redis's histograms, whose steps are a little wider than their powers of two.
func (t *commandTotal) appendHistogram(out *resp.Out) {
	var upTo [histogramSteps]uint64
	steps, sum, class := 0, uint64(0), 0
	for i := range upTo {
		for ; class < latencyClasses && int64(latencyLimit(class)) <= 1024<<i; class++ {
			sum += t.latency[class]
		}
		upTo[i] = sum
		if sum > 0 && (i == 0 || sum > upTo[i-1]) {
			steps++
		}
	}
	out.Map(2)
	appendPair(out, "calls", int(t.calls))
	out.BulkString("histogram_usec")
	out.Map(steps)
	for i, n := range upTo {
		if n > 0 && (i == 0 || n > upTo[i-1]) {
			out.Int((1024<<i*129/128 - 1) / 1000)
			out.Int(int64(n))
		}
	}
}
