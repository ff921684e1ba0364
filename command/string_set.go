package command

import (
	"math"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

// ttlOption is an option of SET and GETEX about the time to live. They exclude each other.
type ttlOption uint8

const (
	noTTL   ttlOption = iota
	inSec             // EX seconds
	inMilli           // PX milliseconds
	atSec             // EXAT unix-time-seconds
	atMilli           // PXAT unix-time-milliseconds
	keepTTL           // KEEPTTL, of SET
	dropTTL           // PERSIST, of GETEX
)

// setOptions are the options of SET and GETEX.
type setOptions struct {
	ifMissing, ifPresent bool // NX, XX
	get                  bool // GET
	ttl                  ttlOption
	amount               []byte // of the TTL or the time, not yet parsed
}

// parse parses the options of SET, or else of GETEX.
func (o *setOptions) parse(words [][]byte, ofSet bool) error {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case ofSet && is(w, "nx") && !o.ifPresent:
			o.ifMissing = true
		case ofSet && is(w, "xx") && !o.ifMissing:
			o.ifPresent = true
		case ofSet && is(w, "get"):
			o.get = true
		case ofSet && is(w, "keepttl") && o.allows(keepTTL):
			o.ttl = keepTTL
		case !ofSet && is(w, "persist") && o.allows(dropTTL):
			o.ttl = dropTTL
		default:
			ttl := ttlWord(w)
			i++
			if ttl == noTTL || !o.allows(ttl) || i == len(words) {
				return errSyntax
			}
			o.ttl, o.amount = ttl, words[i]
		}
	}
	return nil
}

// setAccess is what SET does with its key: it overwrites it, and reads it if it is to return it.
func setAccess(args [][]byte) Access {
	for _, w := range args[3:] {
		if is(w, "get") {
			return RW | Reads | Updates
		}
	}
	return OW | Updates
}

// allows reports whether t is the only option about the time to live so far. It may come twice.
func (o *setOptions) allows(t ttlOption) bool { return o.ttl == noTTL || o.ttl == t }

func ttlWord(w []byte) ttlOption {
	switch {
	case is(w, "ex"):
		return inSec
	case is(w, "px"):
		return inMilli
	case is(w, "exat"):
		return atSec
	case is(w, "pxat"):
		return atMilli
	}
	return noTTL
}

// deadline returns the time, in Unix milliseconds, that an amount of seconds or milliseconds means, which must be positive.
func (c *Call) deadline(t ttlOption, amount []byte) (int64, error) {
	n, ok := resp.ParseInt(amount)
	if !ok {
		return 0, errNotInteger
	}
	unit, base := int64(1), int64(0)
	if t == inSec || t == atSec {
		unit = 1000
	}
	if t == inSec || t == inMilli {
		base = c.Now
	}
	if n <= 0 || n > (math.MaxInt64-base)/unit {
		return 0, errExpireTime(c.Cmd)
	}
	return base + n*unit, nil
}

// SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]
func setString(c *Call) error {
	if len(c.Args) == 3 {
		return c.ok(c.Tx.Set(c.Keys[0], c.Args[2], engine.NoDeadline))
	}
	var o setOptions
	if err := o.parse(c.Args[3:], true); err != nil {
		return err
	}
	at, err := o.newDeadline(c)
	if err != nil {
		return err
	}
	if !o.get && !o.ifMissing && !o.ifPresent {
		return c.ok(c.Tx.Set(c.Keys[0], c.Args[2], at))
	}
	return c.setIf(&o, at)
}

// newDeadline returns the deadline for engine.Tx.Set.
func (o *setOptions) newDeadline(c *Call) (int64, error) {
	switch o.ttl {
	case noTTL:
		return engine.NoDeadline, nil
	case keepTTL:
		return engine.KeepDeadline, nil
	}
	return c.deadline(o.ttl, o.amount)
}

// setIf is SET with NX, XX or GET.
func (c *Call) setIf(o *setOptions, at int64) error {
	k := c.Keys[0]
	var found bool
	if o.get {
		v, ok, err := c.Tx.Get(k)
		if err := c.value(v, ok, err); err != nil {
			return err
		}
		found = ok
	} else {
		found = c.has(k)
	}
	if o.ifMissing && found || o.ifPresent && !found {
		if !o.get {
			c.Out.Null()
		}
		return nil
	}
	err := c.Tx.Set(k, c.Args[2], at)
	if o.get {
		return err // the old value is the reply
	}
	return c.ok(err)
}

// SETNX key value
func setnx(c *Call) error {
	if c.has(c.Keys[0]) {
		return c.boolean(false, nil)
	}
	return c.boolean(true, c.Tx.Set(c.Keys[0], c.Args[2], engine.NoDeadline))
}

// SETEX key seconds value
func setex(c *Call) error { return c.setFor(inSec) }

// PSETEX key milliseconds value
func psetex(c *Call) error { return c.setFor(inMilli) }

func (c *Call) setFor(t ttlOption) error {
	at, err := c.deadline(t, c.Args[2])
	if err != nil {
		return err
	}
	return c.ok(c.Tx.Set(c.Keys[0], c.Args[3], at))
}

// GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]
func getex(c *Call) error {
	var o setOptions
	if err := o.parse(c.Args[2:], false); err != nil {
		return err
	}
	k := c.Keys[0]
	v, ok, err := c.Tx.Get(k)
	if err := c.value(v, ok, err); err != nil || !ok || o.ttl == noTTL {
		return err
	}
	if o.ttl == dropTTL {
		c.Tx.SetDeadline(k, engine.NoDeadline)
		return nil
	}
	// Only now, for a missing key has no use for the option, right or wrong.
	at, err := c.deadline(o.ttl, o.amount)
	if err == nil {
		c.Tx.SetDeadline(k, at)
	}
	return err
}
