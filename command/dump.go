package command

import (
	"math"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/rdb"
	"github.com/redistill/redistill/internal/snapshot"
)

var dumpCommands = []Command{
	{Name: "dump", Arity: 2, Flags: ReadOnly, Keys: Keys{{At: 1}}, Group: Generic, Since: "2.6.0",
		Tips:    []string{"nondeterministic_output"},
		Summary: "Return a serialized version of the value stored at the specified key.",
		Complexity: "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the " +
			"value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
		Differs: "Payloads have version 9 of the format, which Redis 5 and later restore; nothing is compressed",
		Syntax:  "key", Run: dump},
	{Name: "restore", Arity: -4, Flags: Write | DenyOOM, Categories: CatDangerous,
		Keys: Keys{{At: 1, Access: OW | Updates}}, Values: Positions{3, 3, 1},
		Group: Generic, Since: "2.6.0",
		Summary: "Create a key using the provided serialized value, previously obtained using DUMP.",
		Complexity: "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis " +
			"objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) " +
			"where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values " +
			"into sorted sets is O(log(N)).",
		Differs: "Strings, hashes and sets only; IDLETIME and FREQ are kept as exactly as OBJECT tells them",
		Syntax:  "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]", Run: restore,
		Event: engine.EventRestore, Growth: restoreGrowth},
}

// DUMP key
func dump(c *Call) error {
	k := c.Keys[0]
	if !c.Tx.Read(k) {
		c.Out.Null()
		return nil
	}
	start := len(c.Out.B)
	p := snapshot.Payload{B: c.Out.B, More: c.roomIn}
	err := c.export(k, &p)
	if c.Out.B = p.B; err == nil && c.Out.Room(rdb.PayloadFooter) {
		c.Out.B = rdb.EndPayload(c.Out.B, start)
		if head := len(c.Out.B); c.Out.BeginBulk(head-start, 0) {
			c.putFirst(start, head)
			c.Out.EndBulk()
		}
	}
	if err == snapshot.ErrNoRoom {
		return nil // the client is closed
	}
	return err
}

// roomIn makes room for n more bytes of replies in b, which is Out.B with what follows it, and
// returns it, or nil if there is no room.
func (c *Call) roomIn(b []byte, n int) []byte {
	if c.Out.B = b; !c.Out.Room(n) {
		return nil
	}
	return c.Out.B
}

// export passes the value of a key that is there, with its type before it, as RDB encodes them.
func (c *Call) export(k engine.Key, p *snapshot.Payload) error {
	ok, err := c.Tx.Export(k, p)
	if err == nil && !ok {
		err = errNoSuchKey
	}
	return err
}

// Replies of RESTORE.
const (
	errBusyKey    = Error("BUSYKEY Target key name already exists.")
	errBadPayload = Error("ERR DUMP payload version or checksum are wrong")
	errBadData    = Error("ERR Bad data format")
	errBadTTL     = Error("ERR Invalid TTL value, must be >= 0")
	errBadIdle    = Error("ERR Invalid IDLETIME value, must be >= 0")
	errBadFreq    = Error("ERR Invalid FREQ value, must be >= 0 and <= 255")
)

// restoreOptions are those of RESTORE. Idle is in seconds; idle and freq are -1 if they were not given.
type restoreOptions struct {
	replace, absolute bool
	idle, freq        int64
}

func (c *Call) restoreOptions() (o restoreOptions, err error) {
	o.idle, o.freq = -1, -1
	for i := 4; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case is(c.Args[i], "replace"):
			o.replace = true
		case is(c.Args[i], "absttl"):
			o.absolute = true
		case is(c.Args[i], "idletime") && more && o.freq == -1:
			i++
			if o.idle, err = c.int(i); err == nil && o.idle < 0 {
				err = errBadIdle
			}
		case is(c.Args[i], "freq") && more && o.idle == -1:
			i++
			if o.freq, err = c.int(i); err == nil && (o.freq < 0 || o.freq > 255) {
				err = errBadFreq
			}
		default:
			err = errSyntax
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
func restore(c *Call) error {
	k := c.Keys[0]
	o, err := c.restoreOptions()
	if err != nil {
		return err
	}
	if !o.replace && c.has(k) {
		return errBusyKey
	}
	ttl, err := c.int(2)
	switch {
	case err != nil:
		return err
	case ttl < 0:
		return errBadTTL
	case !rdb.CheckPayload(c.Args[3]):
		return errBadPayload
	}
	d := rdb.Decoder{MaxString: c.Srv.longestString()}
	f, err := rdb.SplitPayload(c.Args[3])
	if err == nil {
		err = d.Check(&f)
	}
	if err != nil {
		if !f.Type.Decodable() && !f.Empty() {
			return Error("ERR values of type " + f.Type.Name() + " are not supported")
		}
		return errBadData
	}
	deadline := engine.NoDeadline
	if ttl > 0 {
		deadline = ttl
		if !o.absolute {
			deadline += c.Now // a sum that overflows is in the past, as in Redis
		}
	}
	gone := deadline != engine.NoDeadline && deadline <= c.Now
	if gone {
		c.Tx.As = engine.EventDel
	}
	c.Tx.Delete(k)
	if gone {
		c.Out.OK()
		return nil
	}
	return c.ok(c.store(k, &f, &d, deadline, o))
}

// store makes a key with a value that was decoded once already.
func (c *Call) store(k engine.Key, f *rdb.Frame, d *rdb.Decoder, deadline int64, o restoreOptions) error {
	if err := snapshot.Put(c.Tx, k, f, d, deadline); err != nil {
		c.Tx.Delete(k)
		return err
	}
	if o.freq >= 0 {
		c.Tx.SetFrequency(k, int(o.freq))
	}
	if o.idle >= 0 {
		c.Tx.SetIdle(k, min(o.idle, math.MaxInt64/1000)*1000)
	}
	return nil
}

// longestString is the length of the longest string that is stored.
func (srv *Server) longestString() int {
	return int(min(srv.Config.Values().ProtoMaxBulkLen, math.MaxInt32))
}

// restoreGrowth is the size of the value, which may be compressed in the payload. Nothing is decompressed before there is room for it.
func restoreGrowth(args [][]byte) int {
	f, _ := rdb.SplitPayload(args[3]) // what is wrong with it is for the handler to say
	return size(args) + f.Size()
}
