package latency

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Facts is what a report takes into account beside the samples.
type Facts struct {
	Now       int64 // Unix seconds
	Threshold time.Duration
	SlowFrom  time.Duration // the time from which on SLOWLOG keeps a command; negative if it keeps none
	SlowKept  int           // commands in SLOWLOG
	Slowest   []Calls       // the commands with the most calls as long as the threshold
	Used, Max int64         // bytes of memory, and the limit, 0 for none
	Evicted   uint64        // keys
	Swapped   int64         // bytes of the process that are not in memory
}

// Calls are the calls of a command.
type Calls struct {
	Name      string
	All, Slow uint64        // slow: as long as the threshold
	Longest   time.Duration // at most so long
}

// Report says in words what the monitor saw and what it may mean; on says whether it is on. The text ends in a newline.
func Report(all []Series, on bool, f *Facts) string {
	if len(all) == 0 && !on {
		return "Latency is not monitored. CONFIG SET latency-monitor-threshold MILLISECONDS begins to keep what takes so long.\n"
	}
	if len(all) == 0 {
		return fmt.Sprintf("Nothing took %v or longer since the monitor was switched on or reset.\n", f.Threshold)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Latency spikes were seen, of these events:\n\n")
	for i := range all {
		fmt.Fprintf(&b, "%d. %s\n", i+1, all[i].summary(f.Now))
	}
	b.WriteString("\nWhat to look at:\n\n")
	for _, advice := range advice(all, on, f) {
		fmt.Fprintf(&b, "- %s\n", advice)
	}
	return b.String()
}

// summary describes the samples in a line.
func (s *Series) summary(now int64) string {
	n := float64(len(s.Samples))
	sum, deviations := 0.0, 0.0
	for _, sample := range s.Samples {
		sum += float64(sample.Millis)
	}
	mean := sum / n
	for _, sample := range s.Samples {
		deviations += math.Abs(float64(sample.Millis) - mean)
	}
	last := s.Samples[len(s.Samples)-1]
	return fmt.Sprintf("%s: %d latency spikes (average %.0fms, mean deviation %.0fms, period %.2f sec), the last one of %dms %s ago. Worst all time event %dms.",
		s.Event, len(s.Samples), mean, deviations/n, float64(max(now-s.Samples[0].At, 1))/n, last.Millis, ago(max(now-last.At, 0)), s.Max)
}

// advice says what may be behind the samples, most likely first.
func advice(all []Series, on bool, f *Facts) (list []string) {
	var seen [numEvents]bool
	for i := range all {
		seen[all[i].Event] = true
	}
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if f.Swapped > 0 {
		add("%d MB of the process are swapped out, which makes anything slow: give the machine more memory, or lower maxmemory.", f.Swapped>>20+1)
	}
	if seen[Command] || seen[Fast] {
		list = append(list, f.slowlog(on))
		for _, c := range f.Slowest {
			add("%s took about %v or longer in %d of %d calls, the longest up to %v (LATENCY HISTOGRAM %s).", c.Name, f.Threshold, c.Slow, c.All, c.Longest, c.Name)
		}
	}
	if seen[Command] {
		add("A command that goes through many keys or fields (KEYS, HGETALL, DEL of a hash) takes the longer the more there are, and whoever needs the same part of the keyspace waits. SCAN, HSCAN and SSCAN take it in steps.")
	}
	if seen[Fast] {
		add("fast-command: such a command needs some microseconds. It waited: for a slow one, for its key, or for the processor. Compare the process's CPU time (used_cpu_user and used_cpu_sys in INFO) with what the machine or its container may use.")
	}
	if seen[Eviction] {
		add("eviction-cycle: commands waited for keys to be evicted, %d so far, with %d of %d MB in use. A larger maxmemory, smaller values or a shorter time to live make it rarer.", f.Evicted, f.Used>>20, f.Max>>20)
	}
	if seen[Background] {
		add("expire-cycle: expired keys are removed a few at a time, which takes microseconds. That it took longer means most likely that the process did not get the processor.")
	}
	if seen[Snapshot] {
		add("snapshot-begin: all commands waited while a snapshot began. That is short but for waiting for commands that run: slow ones, in most cases.")
	}
	return list
}

// slowlog says what SLOWLOG can tell.
func (f *Facts) slowlog(on bool) string {
	micros := f.Threshold.Microseconds()
	switch {
	case f.SlowFrom < 0 && on:
		return fmt.Sprintf("SLOWLOG is off: CONFIG SET slowlog-log-slower-than %d keeps the commands that are as slow as what is monitored.", micros)
	case f.SlowFrom > f.Threshold && on:
		return fmt.Sprintf("SLOWLOG keeps only commands of %v and longer, and does not show all that is monitored: CONFIG SET slowlog-log-slower-than %d.", f.SlowFrom, micros)
	}
	return fmt.Sprintf("SLOWLOG GET shows commands that took long, with their arguments and clients; there are %d.", f.SlowKept)
}
