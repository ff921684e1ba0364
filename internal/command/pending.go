package command

import (
	"errors"
	"sync/atomic"
)

// errWait is what a handler returns whose command shall be run again when its session is woken; it
// has replied nothing.
var errWait = errors.New("wait")

// pending is something under way in another goroutine that a client waits for. Handlers run on the
// client's goroutine, which may be an event loop that serves thousands. So none of them reads or
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

// giveUp has the client wait no more.
func (s *Session) giveUp() {
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
