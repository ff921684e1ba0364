package snapshot

import (
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	// backNice leaves a thread a tenth of a processor that another one wants all the time, so that it always gets on: a snapshot whose
	// file is written more slowly than keys change is given up.
	backNice = 10
	// backSlice is for how long, in nanoseconds, others wait for such a thread to give up the processor. It is the shortest that Linux
	// grants; before 6.12 it does not listen, and it is some milliseconds.
	backSlice = 100_000
)

// standBack makes the rest of a goroutine give way to whoever else wants a processor. It must take no lock that others wait for. It has a
// thread of its own from then on, which ends with it, because what was given up cannot be taken back.
func standBack() {
	runtime.LockOSThread()
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: backNice, Runtime: backSlice}, 0) // no harm without
}
