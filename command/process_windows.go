package command

import (
	"syscall"
	"time"
)

// peakResident is not known here.
func peakResident() int64 { return 0 }

// cpuTime returns the processor time that the process used.
func cpuTime() (user, system time.Duration) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, 0
	}
	var created, exited, kernel, mine syscall.Filetime
	if syscall.GetProcessTimes(self, &created, &exited, &kernel, &mine) != nil {
		return 0, 0
	}
	return elapsed(mine), elapsed(kernel)
}

// elapsed turns an interval, which is in units of 100 ns, into a duration.
func elapsed(f syscall.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
