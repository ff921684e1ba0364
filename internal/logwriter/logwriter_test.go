package logwriter

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hangingLog is a log whose lines are written when the test says so.
type hangingLog struct {
	ends chan struct{} // for each line, unless it is closed
	text bytes.Buffer
}

func (h *hangingLog) Write(p []byte) (int, error) {
	<-h.ends
	return h.text.Write(p)
}

func (h *hangingLog) lines() []string { return strings.Fields(h.text.String()) }

// logIn writes a line and returns how long that took.
func logIn(t *testing.T, l *Writer, line string) time.Duration {
	t.Helper()
	began := time.Now()
	if n, err := l.Write([]byte(line + "\n")); n != len(line)+1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	return time.Since(began)
}

// Nobody waits for a log that hangs but once, and for a short while. What it had no room for is
// counted, and when it goes on the rest comes, in its order.
func TestHangingLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hangingLog{ends: make(chan struct{}, 1)}
		l := New(log)
		told := make(chan int64, 1)
		l.Tell = func(lost int64) { told <- lost }
		log.ends <- struct{}{}
		if took := logIn(t, l, "first"); took != 0 || len(log.lines()) != 1 {
			t.Errorf("a log that works takes %s, and has %q then", took, log.lines())
		}
		want := []string{"first"}
		for i := range MaxLines + 1 { // one of them is being written
			took := logIn(t, l, fmt.Sprint(i))
			if want = append(want, fmt.Sprint(i)); took != 0 != (i == 0) || took > patience {
				t.Errorf("line %d took %s", i, took)
			}
		}
		for range 3 {
			if took := logIn(t, l, "lost"); took != 0 {
				t.Errorf("a line without room took %s", took)
			}
		}
		close(log.ends)
		if lost := <-told; lost != 3 {
			t.Errorf("%d lines are lost", lost)
		}
		if took := logIn(t, l, "last"); took != 0 || !slices.Equal(log.lines(), append(want, "last")) {
			t.Errorf("it took %s, and the log has %q", took, log.lines())
		}
		l.Close()
		logIn(t, l, "too late")
		if n := len(log.lines()); n != len(want)+1 {
			t.Errorf("in the end the log has %d lines", n)
		}
	})
}

// At the end lines are written that wait, unless the log hangs still.
func TestHangingLogAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, hangs := range []bool{false, true} {
			log := &hangingLog{ends: make(chan struct{})}
			l := New(log)
			logIn(t, l, "a")
			logIn(t, l, "b")
			if !hangs {
				time.AfterFunc(patience, func() { close(log.ends) })
			}
			began := time.Now()
			l.Close()
			if took := time.Since(began); took != patience && !hangs || took != 10*patience && hangs {
				t.Errorf("hangs %v: the end took %s", hangs, took)
			}
			if hangs {
				close(log.ends)
			}
			<-l.ended
			if got := log.lines(); len(got) != 2 {
				t.Errorf("hangs %v: the log has %q", hangs, got)
			}
		}
	})
}
