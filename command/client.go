package command

var clientCommands = []Command{
	{Name: "getname", Arity: 2, Flags: NoScript | Loading | Stale, Group: Connection, Since: "2.6.9",
		Summary: "Get the current connection name", Complexity: "O(1)", Run: clientGetName},
	{Name: "getredir", Arity: 2, Flags: NoScript | Loading | Stale, Group: Connection, Since: "6.0.0",
		Summary: "Get tracking notifications redirection client ID if any", Complexity: "O(1)", Run: clientGetRedir},
	{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Connection, Since: "5.0.0",
		Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Run: clientHelp},
	{Name: "id", Arity: 2, Flags: NoScript | Loading | Stale, Group: Connection, Since: "5.0.0",
		Summary: "Returns the client ID for the current connection", Complexity: "O(1)", Run: clientID},
	{Name: "info", Arity: 2, Flags: NoScript | Loading | Stale, Group: Connection, Since: "6.2.0",
		Summary: "Returns information about the current client connection.", Complexity: "O(1)",
		Tips: []string{"nondeterministic_output"}, Run: clientInfo},
	{Name: "kill", Arity: -3, Flags: Admin | NoScript | Loading | Stale, Locks: LockAll, Group: Connection, Since: "2.4.0",
		Summary: "Kill the connection of a client", Complexity: "O(N) where N is the number of client connections",
		Syntax: "<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | " +
			"[LADDR ip:port] | [SKIPME yes/no] [[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | " +
			"[ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no] ...]>>", Run: clientKill},
	{Name: "list", Arity: -2, Flags: Admin | NoScript | Loading | Stale, Group: Connection, Since: "2.4.0",
		Summary: "Get the list of client connections", Complexity: "O(N) where N is the number of client connections",
		Syntax: "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
		Tips:   []string{"nondeterministic_output"}, Run: clientList},
	{Name: "no-evict", Arity: 3, Flags: Admin | NoScript | Loading | Stale, Group: Connection, Since: "7.0.0",
		Summary: "Set client eviction mode for the current connection", Complexity: "O(1)", Syntax: "<ON | OFF>", Run: clientNoEvict},
	{Name: "no-touch", Arity: 3, Flags: NoScript | Loading | Stale, Group: Connection, Since: "7.2.0",
		Summary:    "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
		Complexity: "O(1)", Syntax: "<ON | OFF>", Run: clientNoTouch},
	{Name: "pause", Arity: -3, Flags: Admin | NoScript | Loading | Stale, Locks: LockAll, Group: Connection, Since: "2.9.50",
		Summary: "Stop processing commands from clients for some time", Complexity: "O(1)", Syntax: "timeout [WRITE | ALL]",
		Differs: "Keys are evicted during a pause if memory needs that", Run: clientPause},
	{Name: "reply", Arity: 3, Flags: NoScript | Loading | Stale, Group: Connection, Since: "3.2.0",
		Summary: "Instruct the server whether to reply to commands", Complexity: "O(1)", Syntax: "<ON | OFF | SKIP>", Run: clientReply},
	{Name: "setinfo", Arity: 4, Flags: NoScript | Loading | Stale, Group: Connection, Since: "7.2.0",
		Summary: "Sets information specific to the client or connection.", Complexity: "O(1)",
		Syntax: "<LIB-NAME libname | LIB-VER libver>", Run: clientSetInfo},
	{Name: "setname", Arity: 3, Flags: NoScript | Loading | Stale, Group: Connection, Since: "2.6.9",
		Summary: "Set the current connection name", Complexity: "O(1)", Syntax: "connection-name", Run: clientSetName},
	{Name: "trackinginfo", Arity: 2, Flags: NoScript | Loading | Stale, Group: Connection, Since: "6.2.0",
		Summary:    "Return information about server assisted client side caching for the current connection",
		Complexity: "O(1)", Run: clientTrackingInfo},
	{Name: "unpause", Arity: 2, Flags: Admin | NoScript | Loading | Stale, Group: Connection, Since: "6.2.0",
		Summary: "Resume processing of clients that were paused", Complexity: "O(N) Where N is the number of paused clients",
		Run: clientUnpause},
}

const errClientName = Error("ERR Client names cannot contain spaces, newlines or special characters.")

var clientHelp = help("client",
	"GETREDIR",
	"    Return the client ID we are redirecting to when tracking is enabled.",
	"GETNAME",
	"    Return the name of the current connection.",
	"ID",
	"    Return the ID of the current connection.",
	"INFO",
	"    Return information about the current client connection.",
	"KILL <ip:port>",
	"    Kill connection made from <ip:port>.",
	"KILL <option> <value> [<option> <value> [...]]",
	"    Kill connections. Options are:",
	"    * ADDR (<ip:port>|<unixsocket>:0)",
	"      Kill connections made from the specified address",
	"    * LADDR (<ip:port>|<unixsocket>:0)",
	"      Kill connections made to specified local address",
	"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
	"      Kill connections by type.",
	"    * USER <username>",
	"      Kill connections authenticated by <username>.",
	"    * SKIPME (YES|NO)",
	"      Skip killing current connection (default: yes).",
	"LIST [options ...]",
	"    Return information about client connections. Options:",
	"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
	"      Return clients of specified type.",
	"UNPAUSE",
	"    Stop the current client pause, resuming traffic.",
	"PAUSE <timeout> [WRITE|ALL]",
	"    Suspend all, or just write, clients for <timeout> milliseconds.",
	"REPLY (ON|OFF|SKIP)",
	"    Control the replies sent to the current connection.",
	"SETNAME <name>",
	"    Assign the name <name> to the current connection.",
	"SETINFO <option> <value>",
	"    Set client meta attr. Options are:",
	"    * LIB-NAME: the client lib name.",
	"    * LIB-VER: the client lib version.",
	"TRACKINGINFO",
	"    Report tracking status for the current connection.",
	"NO-EVICT (ON|OFF)",
	"    Protect current client connection from eviction.",
	"NO-TOUCH (ON|OFF)",
	"    Will not touch LRU/LFU stats when this mode is on.")

// CLIENT ID
func clientID(c *Call) error {
	c.Out.Int(c.S.ID)
	return nil
}

// CLIENT GETNAME
func clientGetName(c *Call) error {
	if name := c.S.clientName(); name != "" {
		c.Out.BulkString(name)
	} else {
		c.Out.Null()
	}
	return nil
}

// CLIENT SETNAME connection-name
func clientSetName(c *Call) error {
	if !isPlain(c.Args[2]) {
		return errClientName
	}
	c.S.setName(c.Args[2])
	c.Out.OK()
	return nil
}

// CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>
func clientSetInfo(c *Call) error {
	s := c.S
	field := &s.libName
	switch {
	case is(c.Args[2], "lib-name"):
	case is(c.Args[2], "lib-ver"):
		field = &s.libVer
	default:
		return Error("ERR Unrecognized option '" + shown(c.Args[2]) + "'")
	}
	if !isPlain(c.Args[3]) {
		return Error("ERR " + string(c.Args[2]) + " cannot contain spaces, newlines or special characters.")
	}
	s.setLabel(field, c.Args[3])
	c.Out.OK()
	return nil
}

// isPlain reports whether b is fit to be shown in a line of words: printable ASCII without spaces, or nothing.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

func (s *Session) setName(name []byte) { s.setLabel(&s.name, name) }

// label is a name that a client has given itself, or its library.
type label struct {
	text   []byte
	memory growing // what text lies in
}

// setLabel changes one of the session's labels.
func (s *Session) setLabel(l *label, text []byte) {
	s.mu.Lock()
	b := s.srv.Buffers()
	if len(text) <= smallBuffer {
		l.memory.free(b)
	}
	l.text = l.memory.append(b, l.text[:0], text) // nothing, where the system has no memory
	held := s.name.memory.held(b) + s.libName.memory.held(b) + s.libVer.memory.held(b)
	s.mu.Unlock()
	s.hold(heldNames, held)
}

// freeLabels gives the memory of labels back. s.mu is held.
func (s *Session) freeLabels() {
	for _, l := range []*label{&s.name, &s.libName, &s.libVer} {
		l.text = nil
		l.memory.free(s.srv.Buffers())
	}
	s.held[heldNames] = 0
}

// clientName returns the name that CLIENT SETNAME gave. Any goroutine may call it.
func (s *Session) clientName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.name.text)
}

// CLIENT REPLY <ON | OFF | SKIP>
func clientReply(c *Call) error {
	s := c.S
	switch {
	case is(c.Args[2], "on"):
		s.silence = speak
		c.Out.OK()
	case is(c.Args[2], "off"):
		s.silence = mute
	case is(c.Args[2], "skip"):
		if s.silence != mute {
			s.silence = skipNext
		}
	default:
		return errSyntax
	}
	return nil
}

// CLIENT NO-EVICT <ON | OFF>
func clientNoEvict(c *Call) error { return c.onOff(&c.S.noEvict) }

// CLIENT NO-TOUCH <ON | OFF>
func clientNoTouch(c *Call) error { return c.onOff(&c.Tx.NoTouch) }

// onOff sets what the third word says and replies.
func (c *Call) onOff(set *bool) error {
	switch {
	case is(c.Args[2], "on"):
		*set = true
	case is(c.Args[2], "off"):
		*set = false
	default:
		return errSyntax
	}
	c.Out.OK()
	return nil
}

// CLIENT GETREDIR
func clientGetRedir(c *Call) error {
	c.Out.Int(-1) // tracking is off
	return nil
}

// CLIENT TRACKINGINFO
func clientTrackingInfo(c *Call) error {
	c.Out.Map(3)
	c.Out.BulkString("flags")
	c.Out.Set(1)
	c.Out.BulkString("off")
	c.Out.BulkString("redirect")
	c.Out.Int(-1)
	c.Out.BulkString("prefixes")
	c.Out.Array(0)
	return nil
}
