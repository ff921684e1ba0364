package bench

import (
	"container/heap"
	"context"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes connections when their requests are due. Go's own timers are late by
// up to a millisecond on Linux, where the runtime waits for them in whole
// milliseconds. One timer of the kernel, which the runtime waits for as for a
// socket, is late by what it takes to wake a thread.
type alarm struct {
	timer *os.File
	ended chan struct{} // closed when nobody is woken any more

	mu      sync.Mutex
	waiting sleepers // a heap
}

// sleeper waits for wake, which has room for one value, until a time.
type sleeper struct {
	until time.Time
	wake  chan struct{}
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	a := &alarm{timer: os.NewFile(uintptr(fd), "timer"), ended: make(chan struct{})}
	go a.run()
	return a, nil
}

// run wakes sleepers until the timer is closed.
func (a *alarm) run() {
	defer close(a.ended)
	expirations := make([]byte, 8)
	for {
		if _, err := a.timer.Read(expirations); err != nil {
			return
		}
		a.mu.Lock()
		for now := time.Now(); len(a.waiting) > 0 && !a.waiting[0].until.After(now); {
			heap.Pop(&a.waiting).(sleeper).wake <- struct{}{}
		}
		a.set()
		a.mu.Unlock()
	}
}

// set has the timer expire for the first sleeper. The caller holds mu.
func (a *alarm) set() {
	if len(a.waiting) == 0 {
		return
	}
	raw, err := a.timer.SyscallConn()
	if err != nil {
		return // it is closed
	}
	value := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(1, time.Until(a.waiting[0].until))))}
	_ = raw.Control(func(fd uintptr) { // it cannot fail, unless the timer is closed
		_ = unix.TimerfdSettime(int(fd), 0, &value, nil)
	})
}

// sleep waits until a time or the end of ctx, whose error it returns. wake is the
// caller's own; after an error it is of no use any more.
func (a *alarm) sleep(ctx context.Context, until time.Time, wake chan struct{}) error {
	if !until.After(time.Now()) {
		return ctx.Err()
	}
	a.mu.Lock()
	heap.Push(&a.waiting, sleeper{until, wake})
	if a.waiting[0].wake == wake {
		a.set()
	}
	a.mu.Unlock()
	select {
	case <-wake:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends run.
func (a *alarm) close() {
	_ = a.timer.Close() // nothing was written
	<-a.ended
}

// sleepers is a heap of those that wait, the first one to wake at its top.
type sleepers []sleeper

func (s sleepers) Len() int           { return len(s) }
func (s sleepers) Less(i, j int) bool { return s[i].until.Before(s[j].until) }
func (s sleepers) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *sleepers) Push(x any)        { *s = append(*s, x.(sleeper)) }
func (s *sleepers) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
