package command

import (
	"math"

	"github.com/redistill/redistill/engine"
)

var connectionCommands = []Command{
	{Name: "auth", Arity: -2, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Group: Connection, Since: "1.0.0",
		Summary: "Authenticate to the server", Complexity: "O(N) where N is the number of passwords defined for the user",
		Syntax: "[username] password", Run: auth,
		Differs: "Here and in HELLO, from another machine, logins wait for the next second when ten of the same address have failed in this one"},
	{Name: "client", Arity: -2, Group: Connection, Since: "2.4.0", Summary: "A container for client connection commands",
		Complexity: "Depends on subcommand.", Differs: "There is no CACHING, TRACKING or UNBLOCK.", Sub: clientCommands},
	{Name: "cluster", Arity: -2, Group: Cluster, Since: "3.0.0", Summary: "A container for cluster commands",
		Complexity: "Depends on subcommand.", Syntax: "subcommand [arg [arg ...]]",
		Differs: "Every subcommand answers that cluster support is disabled.", Run: noCluster},
	{Name: "echo", Arity: 2, Flags: Loading | Stale | Fast, Group: Connection, Since: "1.0.0",
		Summary: "Echo the given string", Complexity: "O(1)", Syntax: "message", Run: echo},
	{Name: "hello", Arity: -1, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Group: Connection, Since: "6.0.0",
		Summary: "Handshake with Redis", Complexity: "O(1)",
		Syntax: "[protover [AUTH username password] [SETNAME clientname]]", Run: hello},
	{Name: "monitor", Arity: 1, Flags: Admin | NoScript | Loading | Stale, Group: Admins, Since: "1.0.0",
		Summary: "Listen for all requests received by the server in real time", Run: monitor},
	{Name: "ping", Arity: -1, Flags: Fast, Group: Connection, Since: "1.0.0", Summary: "Ping the server", Complexity: "O(1)",
		Syntax: "[message]", Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, Run: ping},
	{Name: "quit", Arity: -1, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy | Immediate, Group: Connection, Since: "1.0.0",
		Summary: "Close the connection", Complexity: "O(1)", Run: quit},
	{Name: "readonly", Arity: 1, Flags: Loading | Stale | Fast, Categories: CatConnection, Group: Cluster, Since: "3.0.0",
		Summary: "Enables read queries for a connection to a cluster replica node", Complexity: "O(1)", Run: noCluster},
	{Name: "readwrite", Arity: 1, Flags: Loading | Stale | Fast, Categories: CatConnection, Group: Cluster, Since: "3.0.0",
		Summary: "Disables read queries for a connection to a cluster replica node", Complexity: "O(1)", Run: noCluster},
	{Name: "reset", Arity: 1, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy | Immediate, Locks: LockWatched,
		Group: Connection, Since: "6.2.0", Summary: "Reset the connection", Complexity: "O(1)", Run: reset},
	{Name: "select", Arity: 2, Flags: Loading | Stale | Fast, Group: Connection, Since: "1.0.0",
		Summary: "Change the selected database for the current connection", Complexity: "O(1)", Syntax: "index", Run: selectDB},
}

// redisVersion is the version of Redis whose commands these are. Clients choose their features by it.
const redisVersion = "7.2.4"

const (
	errMaxClients     = Error("ERR max number of clients reached")
	errMonitorAccess  = Error("ERR Replica can't interact with the keyspace")
	errProtocolNumber = Error("ERR Protocol version is not an integer or out of range")
	errNoProto        = Error("NOPROTO unsupported protocol version")
	errHelloNoAuth    = Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH " +
		"<user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	errInt32     = Error("ERR value is out of range, value must between -2147483648 and 2147483647")
	errNoCluster = Error("ERR This instance has cluster support disabled")
)

// PING [message]
func ping(c *Call) error {
	switch len(c.Args) {
	case 1:
		c.Out.Simple("PONG")
	case 2:
		c.Out.Bulk(c.Args[1])
	default:
		return errArity(c.Cmd)
	}
	return nil
}

// ECHO message
func echo(c *Call) error {
	c.Out.Bulk(c.Args[1])
	return nil
}

// SELECT index
func selectDB(c *Call) error {
	db, err := c.int(1)
	switch {
	case err != nil:
		return err
	case db < math.MinInt32 || db > math.MaxInt32:
		return errInt32
	case db < 0 || db >= engine.Databases:
		return errDBRange
	}
	c.Tx.DB = int(db)
	c.Out.OK()
	return nil
}

// QUIT
func quit(c *Call) error {
	c.S.Closing = true
	c.Out.OK()
	return nil
}

// RESET
func reset(c *Call) error {
	s := c.S
	s.detach()
	s.endMulti()
	s.tx.DB, s.tx.NoTouch = 0, false
	s.noEvict = false
	s.silence = speak
	s.Out.Proto = 2
	s.setName(nil)
	s.logout()
	c.Out.Simple("RESET")
	return nil
}

// HELLO [protover [AUTH username password] [SETNAME clientname]]
func hello(c *Call) error {
	h, err := parseHello(c)
	if err != nil {
		return err
	}
	if h.user != nil {
		if err := c.S.authenticate(h.user, h.password); err != nil {
			return err
		}
	}
	if !c.S.Authenticated() {
		return errHelloNoAuth
	}
	if h.named {
		c.S.setName(h.name)
	}
	if h.proto != 0 {
		c.Out.Proto = h.proto
	}
	greet(c)
	return nil
}

// helloOptions are what HELLO asks for.
type helloOptions struct {
	proto          int    // 0: as it is
	user, password []byte // nil: none given
	named          bool
	name           []byte
}

func parseHello(c *Call) (h helloOptions, err error) {
	if len(c.Args) == 1 {
		return h, nil
	}
	proto, err := c.int(1)
	if err != nil {
		return h, errProtocolNumber
	}
	if proto != 2 && proto != 3 {
		return h, errNoProto
	}
	h.proto = int(proto)
	for i := 2; i < len(c.Args); i++ {
		more := len(c.Args) - 1 - i
		switch {
		case is(c.Args[i], "auth") && more >= 2:
			h.user, h.password = c.Args[i+1], c.Args[i+2]
			i += 2
		case is(c.Args[i], "setname") && more >= 1:
			h.named, h.name = true, c.Args[i+1]
			if !isPlain(h.name) {
				return h, errClientName
			}
			i++
		default:
			return h, Error("ERR Syntax error in HELLO option '" + shown(c.Args[i]) + "'")
		}
	}
	return h, nil
}

// greet replies to HELLO.
func greet(c *Call) {
	c.Out.Map(7)
	c.Out.BulkString("server")
	c.Out.BulkString("redis")
	c.Out.BulkString("version")
	c.Out.BulkString(redisVersion)
	c.Out.BulkString("proto")
	c.Out.Int(int64(c.Out.Proto))
	c.Out.BulkString("id")
	c.Out.Int(c.S.ID)
	c.Out.BulkString("mode")
	c.Out.BulkString("standalone")
	c.Out.BulkString("role")
	c.Out.BulkString("master")
	c.Out.BulkString("modules")
	c.Out.Array(0)
}

// CLUSTER subcommand [arg [arg ...]], READONLY, READWRITE
func noCluster(*Call) error { return errNoCluster }
