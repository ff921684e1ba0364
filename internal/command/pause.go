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

	mu      sync.Mutex // guards the fields below
	mode    pauseMode
	until   int64 // Unix milliseconds
	timer   *time.Timer
	waiting map[*Session]struct{} // held back, to be woken
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
	p.waiting[s] = struct{}{}
	s.blocked.Store(true)
	return true
}

// forget drops a session that is closed.
func (p *pause) forget(s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, s)
}

// held returns the number of clients that wait.
func (p *pause) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// begin holds commands back from now until the given time in Unix milliseconds. A pause in effect is never made shorter or weaker.
func (p *pause) begin(until int64, mode pauseMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == pauseNone {
		p.waiting = map[*Session]struct{}{}
	}
	p.mode, p.until = max(p.mode, mode), max(p.until, until)
	p.srv.alert.Or(alertPause)
	p.srv.holdExpiry(pausedExpiry)
	p.arm()
}

// arm sets the timer for the end of the pause.
func (p *pause) arm() {
	if p.timer != nil {
		p.timer.Stop()
	}
	left := min(p.until-time.Now().UnixMilli(), math.MaxInt64/int64(time.Millisecond))
	p.timer = time.AfterFunc(time.Duration(left)*time.Millisecond, p.expire)
}

// expire ends the pause when its time has come. The timer may have been set anew while it fired.
func (p *pause) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == pauseNone {
		return
	}
	if p.until > time.Now().UnixMilli() {
		p.arm()
		return
	}
	p.release()
}

// end ends the pause at once.
func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

// release lets everything run again.
func (p *pause) release() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.srv.alert.And(^alertPause)
	p.srv.letExpire(pausedExpiry)
	for s := range p.waiting {
		s.blocked.Store(false)
		s.wake()
	}
	p.mode, p.until, p.timer, p.waiting = pauseNone, 0, nil, nil
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
