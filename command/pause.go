package command

import (
	"math"
	"sync"
	"time"
)

// pauseMode says which commands CLIENT PAUSE holds back. A greater one holds back more.
type pauseMode uint8

const (
	pauseNone pauseMode = iota
	pauseWrites
	pauseAll
)

// pause is the state of CLIENT PAUSE. It is in effect while alertPause is set in Server.alert.
type pause struct {
	srv *Server

	mu    sync.Mutex // guards the fields below
	mode  pauseMode
	until int64 // Unix milliseconds
	alarm alarm // of the end
}

// hold reports whether a command has to wait, and makes sure then that its session is woken at the end of the pause. Clients in MONITOR
// mode are never held: they cannot reach the keyspace.
func (p *pause) hold(s *Session, cmd *Command) bool {
	if s.srv.alert.Load()&alertPause == 0 || s.state&monitoring != 0 {
		return false
	}
	writes := cmd.Flags&Write != 0 || cmd == s.srv.exec && s.multi.flags&Write != 0
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == pauseNone || p.mode == pauseWrites && !writes {
		s.tx.KeepExpired = p.mode != pauseNone // nothing changes during a pause
		return false
	}
	s.block() // with p.mu held: before release, or not at all
	return true
}

// begin holds commands back from now until the given time in Unix milliseconds. A pause in effect is never made shorter or weaker.
func (p *pause) begin(until int64, mode pauseMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.until = max(p.mode, mode), max(p.until, until)
	p.srv.alert.Or(alertPause)
	p.srv.holdExpiry(pausedExpiry)
	p.alarm.set(p.until, p.expire)
}

// expire ends the pause when its time has come. The alarm may have been set again while it rang.
func (p *pause) expire() {
	p.mu.Lock()
	over := p.mode != pauseNone && p.until <= time.Now().UnixMilli()
	switch {
	case over:
		p.release()
	case p.mode != pauseNone:
		p.alarm.set(p.until, p.expire)
	}
	p.mu.Unlock()
	if over {
		p.srv.clients.resume()
	}
}

// end ends the pause at once.
func (p *pause) end() {
	p.mu.Lock()
	p.release()
	p.mu.Unlock()
	p.srv.clients.resume()
}

// release lets everything run again. p.mu is held.
func (p *pause) release() {
	p.alarm.stop()
	p.srv.alert.And(^alertPause)
	p.srv.letExpire(pausedExpiry)
	p.mode, p.until = pauseNone, 0
}

// CLIENT PAUSE timeout [WRITE | ALL]
func clientPause(c *Call) error {
	mode := pauseAll
	if len(c.Args) > 4 {
		return Error("ERR unknown subcommand or wrong number of arguments for '" + string(clip(c.Args[1], 128)) + "'. Try CLIENT HELP.")
	}
	if len(c.Args) == 4 {
		switch {
		case is(c.Args[3], "write"):
			mode = pauseWrites
		case !is(c.Args[3], "all"):
			return Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
		}
	}
	ms, err := c.int(2)
	switch {
	case err != nil:
		return Error("ERR timeout is not an integer or out of range")
	case ms < 0:
		return Error("ERR timeout is negative")
	case ms > math.MaxInt64-c.Now:
		return Error("ERR timeout is out of range")
	case ms > 0:
		c.Srv.pause.begin(c.Now+ms, mode)
	}
	c.Out.OK()
	return nil
}

// CLIENT UNPAUSE
func clientUnpause(c *Call) error {
	c.Srv.pause.end()
	c.Out.OK()
	return nil
}
