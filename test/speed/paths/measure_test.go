//go:build unix

package paths

import (
	"slices"
	"syscall"
	"testing"
)

const maxRounds = 1000

// measure calls round over and over. A round is some thousand commands, which take about a
// millisecond. It reports the CPU time of a command in all threads of the process, by the round
// that is faster than nine in ten: what disturbs a process makes rounds slower, never faster. So
// what the program itself does in few rounds only, such as collecting garbage, does not show in the
// time. It shows in the allocations, which are those of a round.
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
