//go:build unix

package paths

import (
	"slices"
	"syscall"
	"testing"
)

const maxRounds = 1000

// measure calls round over and over. A round is some commands, about a millisecond of work. It reports the CPU time of a command in all
// threads of the process, as the tenth fastest of a hundred rounds needs it: whatever disturbs a process makes rounds slower, never faster.
// What the program itself does rarely must show in the allocations, or be in every round.
//
// Allocations are those of a round.
func measure(b *testing.B, commands int, round func()) {
	b.ReportAllocs()
	var used syscall.Rusage
	times := make([]int64, 0, maxRounds)
	before := cpuTime(b, &used)
	for b.Loop() {
		round()
		after := cpuTime(b, &used)
		if len(times) < maxRounds {
			times = append(times, after-before)
		}
		before = after
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/10])/float64(commands), "cpu-ns/command")
}

// cpuTime is what the process has used, in nanoseconds.
func cpuTime(b *testing.B, used *syscall.Rusage) int64 {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
