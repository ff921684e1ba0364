package command

import "github.com/redistill/redistill/internal/resp"

var latencyCommand = Command{
	Name: "latency", Arity: -2, Group: Admins, Since: "2.8.13",
	Summary: "A container for latency diagnostics commands", Complexity: "Depends on subcommand.",
	Sub: []Command{
		{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Show helpful text about the different subcommands.", Complexity: "O(1)", Run: help("latency",
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
			Differs: "Events are not monitored: the reply is always empty", Tips: []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}, Run: noEvents},
		{Name: "latest", Arity: 2, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Return the latest latency samples for all events.", Complexity: "O(1)",
			Differs: "Events are not monitored: the reply is always empty", Tips: []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}, Run: noEvents},
		{Name: "reset", Arity: -2, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "2.8.13",
			Summary: "Reset latency data for one or more events.", Complexity: "O(1)", Syntax: "[event [event ...]]",
			Differs: "Events are not monitored: the reply is always 0", Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, Run: latencyReset},
	},
}

// LATENCY LATEST and LATENCY HISTORY event: no events are monitored, as in a Redis whose latency-monitor-threshold is 0.
func noEvents(c *Call) error {
	c.Out.Array(0)
	return nil
}

// LATENCY RESET [event ...] replies with the number of events that were reset: there are none. Histograms are reset by CONFIG RESETSTAT.
func latencyReset(c *Call) error {
	c.Out.Int(0)
	return nil
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
	if c.Srv.Config.Snapshot().LatencyTracking {
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
