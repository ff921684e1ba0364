package cmd

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	logPatience = 100 * time.Millisecond // how long a line is waited for, while the one before was written in time
	logLines    = 256                    // lines that may wait to be written
)

// logWriter passes lines of the log on in a goroutine of its own. Those who log may be event loops
// that serve thousands, and the log may be on a disk that hangs, or a pipe that nobody reads.
// Normally a line is written when Write returns. If that takes too long, lines wait by themselves
// until the log can be written again; those that are too many are lost.
type logWriter struct {
	out   io.Writer
	tell  func(lost int64) // is told how many lines were lost, in a goroutine of its own
	stuck atomic.Bool      // the last line was not written in time
	lost  atomic.Int64     // lines since tell was called
	ended chan struct{}    // closed when all lines are written after close

	mu     sync.Mutex // guards the fields below
	closed bool
	lines  chan logLine // not written yet
}

type logLine struct {
	text    []byte
	written chan struct{} // closed when it is
}

// newLogWriter returns a writer of lines to out. Its method close has to be called in the end.
func newLogWriter(out io.Writer) *logWriter {
	l := &logWriter{out: out, tell: func(int64) {}, ended: make(chan struct{}), lines: make(chan logLine, logLines)}
	go l.run()
	return l
}

// Write takes a line. It returns no error, because nobody could do anything about it.
func (l *logWriter) Write(text []byte) (int, error) {
	line := logLine{bytes.Clone(text), make(chan struct{})}
	if !l.add(line) {
		l.lost.Add(1)
		return len(text), nil
	}
	if l.stuck.Load() {
		return len(text), nil
	}
	patience := time.NewTimer(logPatience)
	defer patience.Stop()
	select {
	case <-line.written:
	case <-patience.C:
		l.stuck.Store(true)
	}
	return len(text), nil
}

// add reports whether there was room for a line.
func (l *logWriter) add(line logLine) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	select {
	case l.lines <- line:
		return true
	default:
		return false
	}
}

// run is the goroutine that writes.
func (l *logWriter) run() {
	defer close(l.ended)
	for line := range l.lines {
		_, _ = l.out.Write(line.text)
		close(line.written)
		if len(l.lines) > 0 {
			continue
		}
		l.stuck.Store(false)
		if lost := l.lost.Swap(0); lost > 0 {
			go l.tell(lost)
		}
	}
}

// close waits for the lines that are to be written, but not for a log that cannot be.
func (l *logWriter) close() {
	l.mu.Lock()
	l.closed = true
	close(l.lines)
	l.mu.Unlock()
	patience := time.NewTimer(10 * logPatience)
	defer patience.Stop()
	select {
	case <-l.ended:
	case <-patience.C:
	}
}
