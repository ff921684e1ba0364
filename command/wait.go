package command

import (
	"errors"
	"math"
	"sync/atomic"
	"time"
)

// A handler never waits: it runs under locks, on a goroutine that may be an event loop and serve
// thousands. A command that cannot run yet, or is not done, replies nothing, and Exec says Wait.
// The connection keeps the command and passes it to Exec again when the session is woken, as
// often as it takes. There are two reasons to wait:
//
//   - Work goes on in another goroutine, for instance with a file (await).
//   - Something has to happen first (block): the end of CLIENT PAUSE. Whoever makes it happen,
//     which may be an alarm, calls resume. Such a client is blocked, as CLIENT LIST and INFO
//     show.
//
// Session.giveUp ends either, for a command that will not run again.

// block marks the session as one that waits for something to happen.
func (s *Session) block() {
	if s.blocked.CompareAndSwap(false, true) {
		s.srv.blocked.Add(1)
	}
}

// unblock takes the mark away, and reports whether it was there. Any goroutine may call it.
func (s *Session) unblock() bool {
	if !s.blocked.CompareAndSwap(true, false) {
		return false
	}
	s.srv.blocked.Add(-1)
	return true
}

// resume has the command of a blocked session run again. If it still has to wait, it blocks
// again. Any goroutine may call it, with locks held.
func (s *Session) resume() {
	if s.unblock() {
		s.wake()
	}
}

// resume is Session.resume for all sessions.
func (r *registry) resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.byID {
		s.resume()
	}
}

// alarm calls a function when a time is over that clients wait for. The zero value is ready.
type alarm struct{ timer *time.Timer }

// set has ring called at a time in Unix milliseconds, in place of what was set before. As the clock
// may be set back meanwhile, ring has to look whether the time is over, and set the alarm again.
func (a *alarm) set(at int64, ring func()) {
	a.stop()
	left := min(at-time.Now().UnixMilli(), math.MaxInt64/int64(time.Millisecond))
	a.timer = time.AfterFunc(time.Duration(left)*time.Millisecond, ring)
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// errWait is what a handler returns whose command shall be run again when its session is woken; it
// has replied nothing.
var errWait = errors.New("wait")

// pending is something under way in another goroutine that a client waits for. No handler reads or
// writes a file: a disk may take for ever.
type pending struct {
	wake func()      // called at the end
	stop atomic.Bool // nobody waits any more
	done atomic.Bool // set after the fields below
	text string      // what was read
	err  error
}

// end tells the client that it need not wait any more.
func (p *pending) end(text string, err error) {
	p.text, p.err = text, err
	p.done.Store(true)
	p.wake()
}

// Working reports whether the command that waits is being worked on, so that it will be answered
// also while the server stops. One that CLIENT PAUSE holds back has not begun.
func (s *Session) Working() bool { return s.pending != nil }

// giveUp has the client wait no more: the command will not run again.
func (s *Session) giveUp() {
	s.unblock()
	if s.pending != nil {
		s.pending.stop.Store(true)
		s.pending = nil
	}
}

// await has begin start something that calls end, in another goroutine or at once, and returns what
// that has passed to end. Until then it returns errWait, which the handler has to return as well.
// In EXEC nothing can be waited for.
func (c *Call) await(begin func(p *pending)) (text string, err error) {
	p := c.S.pending
	if p == nil {
		p = &pending{wake: c.S.wake}
		c.S.pending = p
		begin(p)
	}
	if !p.done.Load() {
		return "", errWait
	}
	c.S.pending = nil
	return p.text, p.err
}

// aside is await for work with a file of settings or of users. One such piece of work is done at a
// time, so that the last one that a client was told of is what the file has. Nobody waits for its
// end when the server ends. The words of the command may be overwritten while it is under way.
func (c *Call) aside(work func() (text string, err error)) (string, error) {
	srv := c.Srv
	return c.await(func(p *pending) {
		go func() {
			srv.files.Lock()
			defer srv.files.Unlock()
			p.end(work())
		}()
	})
}
