package command

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// monitors are the clients in MONITOR mode. There are some while alertMonitors is set in Server.alert.
type monitors struct {
	srv *Server

	mu   sync.Mutex // guards the fields below; held while feeding, so that all see one order
	list []*Session
	line []byte // scratch
}

// add makes s a monitor.
func (m *monitors) add(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, s)
	m.srv.alert.Or(alertMonitors)
}

// remove ends the monitoring of s, if it does monitor.
func (m *monitors) remove(s *Session) {
	if s.state&monitoring == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = slices.DeleteFunc(m.list, func(other *Session) bool { return other == s })
	if len(m.list) == 0 {
		m.srv.alert.And(^alertMonitors)
	}
}

// lineKept is the size above which the memory of a line is given back.
const lineKept = 64 << 10

// feed shows a command that s has run to all monitors. Administrators' commands are not shown, as Redis does not.
func (m *monitors) feed(s *Session, cmd *Command, args [][]byte) {
	if cmd.Flags&(Admin|SkipMonitor) != 0 {
		return
	}
	limit := m.srv.Config.Values().ClientOutputBufferLimit.Replica // the class that monitors are of
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line = appendMonitorLine(m.line[:0], s, cmd, args, time.Now())
	for _, to := range m.list {
		to.post(m.line, limit)
	}
	if cap(m.line) > lineKept {
		m.line = nil
	}
}

// appendMonitorLine appends the line of a command as the status reply that it is sent as.
func appendMonitorLine(dst []byte, s *Session, cmd *Command, args [][]byte, now time.Time) []byte {
	dst = append(dst, '+')
	dst = strconv.AppendInt(dst, now.Unix(), 10)
	dst = append(dst, '.')
	micros := strconv.AppendInt(nil, 1e6+int64(now.Nanosecond()/1000), 10)
	dst = append(dst, micros[1:]...)
	dst = append(dst, " ["...)
	dst = strconv.AppendInt(dst, int64(s.tx.DB), 10)
	dst = append(dst, ' ')
	if s.unix {
		dst = append(dst, "unix:"...)
		dst = append(dst, strings.TrimSuffix(s.LAddr, ":0")...)
	} else {
		dst = append(dst, s.Addr...)
	}
	dst = append(dst, ']')
	for i, a := range args {
		dst = append(dst, ' ')
		if isSecret(cmd, args, i) {
			dst = append(dst, `"`+redacted+`"`...)
			continue
		}
		dst = appendQuoted(dst, a)
	}
	return append(dst, '\r', '\n')
}

// appendQuoted appends b in quotes, with escapes for what is not printable ASCII, as Redis does.
func appendQuoted(dst, b []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range b {
		switch {
		case c == '\\' || c == '"':
			dst = append(dst, '\\', c)
		case c >= ' ' && c <= '~':
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\a':
			dst = append(dst, '\\', 'a')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		default:
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, '"')
}

// MONITOR
func monitor(c *Call) error {
	s := c.S
	switch {
	case s.state&inMulti != 0:
		return Error("ERR MONITOR isn't allowed for DENY BLOCKING client")
	case s.state&monitoring != 0:
		return nil // Redis does not answer a second time either
	}
	s.state |= monitoring
	c.Srv.monitors.add(s)
	c.Out.OK()
	return nil
}
