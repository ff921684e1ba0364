// Package logwriter passes lines of a log on, and has nobody wait for long who
// logs. Those may be event loops that serve thousands, and the log may be on a disk
// that hangs, or a pipe that nobody reads.
package logwriter

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a line is waited for, while the one before was written in
	// time.
	patience = 100 * time.Millisecond

	// MaxLines is how many lines may wait to be written.
	MaxLines = 256
)

// Writer passes lines on in a goroutine of its own. Normally a line is written when
// Write returns. If that takes too long, lines wait by themselves until the log can
// be written again; those that are too many are lost.
type Writer struct {
	// Tell is told how many lines were lost, in a goroutine of its own. It is not
	// to be changed after the first Write.
	Tell func(lost int64)

	out   io.Writer
	stuck atomic.Bool   // the last line was not written in time
	lost  atomic.Int64  // lines since Tell was called
	ended chan struct{} // closed when all lines are written after Close

	mu     sync.Mutex // guards the fields below
	closed bool
	lines  chan line // not written yet
}

type line struct {
	text    []byte
	written chan struct{} // closed when it is
}

// New returns a writer of lines to out. Its method Close has to be called in the
// end.
func New(out io.Writer) *Writer {
	l := &Writer{
		Tell: func(int64) {}, out: out, ended: make(chan struct{}), lines: make(chan line, MaxLines),
	}
	go l.run()
	return l
}

// Write takes a line. It returns no error, because nobody could do anything about it.
func (l *Writer) Write(text []byte) (int, error) {
	next := line{bytes.Clone(text), make(chan struct{})}
	if !l.add(next) {
		l.lost.Add(1)
		return len(text), nil
	}
	if l.stuck.Load() {
		return len(text), nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-next.written:
	case <-timer.C:
		l.stuck.Store(true)
	}
	return len(text), nil
}

// add reports whether there was room for a line.
func (l *Writer) add(next line) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	select {
	case l.lines <- next:
		return true
	default:
		return false
	}
}

// run is the goroutine that writes.
func (l *Writer) run() {
	defer close(l.ended)
	for next := range l.lines {
		_, _ = l.out.Write(next.text)
		close(next.written)
		if len(l.lines) > 0 {
			continue
		}
		l.stuck.Store(false)
		if lost := l.lost.Swap(0); lost > 0 {
			go l.Tell(lost)
		}
	}
}

// Close waits for the lines that are to be written, but not for a log that cannot be.
func (l *Writer) Close() {
	l.mu.Lock()
	l.closed = true
	close(l.lines)
	l.mu.Unlock()
	timer := time.NewTimer(10 * patience)
	defer timer.Stop()
	select {
	case <-l.ended:
	case <-timer.C:
	}
}
