package command

import (
	"strconv"

	"github.com/redistill/redistill/internal/resp"
)

// clientType is the class of a client in CLIENT LIST TYPE and CLIENT KILL TYPE.
type clientType uint8

const (
	anyType clientType = iota
	normalType
	masterType  // none here: replication is not
	replicaType // likewise
	pubSubType
)

// parseClientType returns the class that a word names.
func parseClientType(word []byte) (clientType, error) {
	switch {
	case is(word, "normal"):
		return normalType, nil
	case is(word, "master"):
		return masterType, nil
	case is(word, "replica"), is(word, "slave"):
		return replicaType, nil
	case is(word, "pubsub"):
		return pubSubType, nil
	}
	return anyType, Error("ERR Unknown client type '" + shown(word) + "'")
}

// includes reports whether the session is of a class. A client in MONITOR mode is a normal one.
func (t clientType) includes(*Session) bool { return t == anyType || t == normalType }

// CLIENT INFO
func clientInfo(c *Call) error {
	c.S.publishRunning()
	c.Out.Verbatim("txt", c.S.appendLine(nil, c.Now))
	return nil
}

// CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]
func clientList(c *Call) error {
	clients, err := c.selectClients()
	if err != nil {
		return err
	}
	c.S.publishRunning()
	text := make([]byte, 0, lineBytes*len(clients))
	for _, s := range clients {
		text = s.appendLine(text, c.Now)
	}
	c.Out.Verbatim("txt", text)
	return nil
}

// selectClients returns the clients that the arguments of CLIENT LIST ask for.
func (c *Call) selectClients() ([]*Session, error) {
	switch {
	case len(c.Args) == 2:
		return c.Srv.clients.list(), nil
	case len(c.Args) == 4 && is(c.Args[2], "type"):
		t, err := parseClientType(c.Args[3])
		if err != nil {
			return nil, err
		}
		var clients []*Session
		for _, s := range c.Srv.clients.list() {
			if t.includes(s) {
				clients = append(clients, s)
			}
		}
		return clients, nil
	case len(c.Args) > 3 && is(c.Args[2], "id"):
		var clients []*Session
		for _, arg := range c.Args[3:] {
			id, ok := resp.ParseInt(arg)
			if !ok {
				return nil, Error("ERR Invalid client ID")
			}
			if s := c.Srv.clients.find(id); s != nil {
				clients = append(clients, s)
			}
		}
		return clients, nil
	}
	return nil, errSyntax
}

// publishRunning publishes the session's state while a command of it runs, for itself to be shown.
func (s *Session) publishRunning() {
	s.publish()
	s.argvMem.Store(int64(size(s.call.Args)))
}

// Bits of published.flags: the letters of CLIENT LIST that the session itself knows.
const (
	listMonitor uint32 = 1 << iota
	listMulti
	listClosing
	listNoEvict
	listNoTouch
)

func (s *Session) listedFlags() (f uint32) {
	if s.state&monitoring != 0 {
		f |= listMonitor
	}
	if s.state&inMulti != 0 {
		f |= listMulti
	}
	if s.Closing {
		f |= listClosing
	}
	if s.noEvict {
		f |= listNoEvict
	}
	if s.tx.NoTouch {
		f |= listNoTouch
	}
	return f
}

// appendFlags appends the letters of the client's flags.
func (s *Session) appendFlags(dst []byte) []byte {
	start := len(dst)
	f := s.flags.Load()
	for _, letter := range []struct {
		set  bool
		name byte
	}{
		{f&listMonitor != 0, 'O'}, {f&listMulti != 0, 'x'}, {s.blocked.Load(), 'b'}, {f&listClosing != 0, 'c'}, {s.unix, 'U'},
		{f&listNoEvict != 0, 'e'}, {f&listNoTouch != 0, 'T'},
	} {
		if letter.set {
			dst = append(dst, letter.name)
		}
	}
	if len(dst) == start {
		dst = append(dst, 'N')
	}
	return dst
}

// lineBytes is about the length of a line of CLIENT LIST, and rather more.
const lineBytes = 448

// sessionBytes is about what a session takes without its buffers.
const sessionBytes = 1 << 10

// appendLine appends the client's line of CLIENT LIST with its newline. Any goroutine may call it. now is in Unix milliseconds.
func (s *Session) appendLine(dst []byte, now int64) []byte {
	s.mu.Lock()
	name, libName, libVer := string(s.name.text), string(s.libName.text), string(s.libVer.text)
	pushed, pushedCap := int64(len(s.inbox)), int64(cap(s.inbox))
	s.mu.Unlock()
	p := &s.published
	queryLen, queryCap, outCap, argvMem, multiMem := p.queryLen.Load(), p.queryCap.Load(), p.outCap.Load(), p.argvMem.Load(), p.multiMem.Load()

	dst = appendField(dst, "id=", s.ID)
	dst = appendWord(dst, " addr=", s.Addr)
	dst = appendWord(dst, " laddr=", s.LAddr)
	dst = appendField(dst, " fd=", int64(s.FD))
	dst = appendWord(dst, " name=", name)
	dst = appendField(dst, " age=", max(now-s.created, 0)/1000)
	dst = appendField(dst, " idle=", max(now-p.active.Load(), 0)/1000)
	dst = append(dst, " flags="...)
	dst = s.appendFlags(dst)
	dst = appendField(dst, " db=", int64(p.db.Load()))
	dst = append(dst, " sub=0 psub=0 ssub=0"...)
	dst = appendField(dst, " multi=", p.queued.Load())
	dst = appendField(dst, " qbuf=", queryLen)
	dst = appendField(dst, " qbuf-free=", max(queryCap-queryLen, 0))
	dst = appendField(dst, " argv-mem=", argvMem)
	dst = appendField(dst, " multi-mem=", multiMem)
	dst = appendField(dst, " rbs=", outCap)
	dst = appendField(dst, " rbp=", p.outPeak.Load())
	dst = appendField(dst, " obl=", p.outLen.Load())
	dst = appendField(dst, " oll=", min(pushed, 1)) // the bytes pushed to a client lie in one piece
	dst = appendField(dst, " omem=", pushedCap)
	dst = appendField(dst, " tot-mem=", s.bytes())
	dst = append(dst, " events=r"...)
	if s.behind.Load() {
		dst = append(dst, 'w') // it does not read, and the connection waits until it does
	}
	dst = append(dst, " cmd="...)
	if cmd := p.last.Load(); cmd != nil {
		dst = append(dst, cmd.fullName...)
	} else {
		dst = append(dst, "NULL"...)
	}
	dst = appendWord(dst, " user=", s.user.Load().Name())
	dst = appendField(dst, " redir=-1 resp=", int64(p.proto.Load()))
	dst = appendWord(dst, " lib-name=", libName)
	dst = appendWord(dst, " lib-ver=", libVer)
	dst = appendField(dst, " tot-net-in=", p.netIn.Load())
	dst = appendField(dst, " tot-net-out=", p.netOut.Load())
	dst = appendField(dst, " tot-cmds=", p.ran.Load())
	return append(dst, '\n')
}

func appendField(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(dst, name...), n, 10)
}

func appendWord(dst []byte, name, word string) []byte {
	return append(append(dst, name...), word...)
}
