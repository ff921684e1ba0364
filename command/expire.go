package command

import (
	"math"
	"sync"

	"github.com/redistill/redistill/engine"
)

// EXPIRE key seconds [NX | XX | GT | LT]
func expire(c *Call) error { return c.expire(c.Now, 1000) }

// PEXPIRE key milliseconds [NX | XX | GT | LT]
func pexpire(c *Call) error { return c.expire(c.Now, 1) }

// EXPIREAT key unix-time-seconds [NX | XX | GT | LT]
func expireat(c *Call) error { return c.expire(0, 1000) }

// PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]
func pexpireat(c *Call) error { return c.expire(0, 1) }

// expire sets a deadline, given in units of milliseconds after base.
func (c *Call) expire(base, unit int64) error {
	var cond expireCondition
	if err := cond.parse(c.Args[3:]); err != nil {
		return err
	}
	n, err := c.int(2)
	if err != nil {
		return err
	}
	if n > math.MaxInt64/unit || n < math.MinInt64/unit || n*unit > math.MaxInt64-base {
		return errExpireTime(c.Cmd)
	}
	k, at := c.Keys[0], base+n*unit
	if cond != (expireCondition{}) && !cond.holds(c, k, at) {
		return c.boolean(false, nil)
	}
	if at <= c.Now { // of which some, as 0, mean something else to the engine
		return c.boolean(c.Tx.Delete(k), nil)
	}
	return c.boolean(c.Tx.SetDeadline(k, at), nil)
}

// expireCondition says when a new deadline is set.
type expireCondition struct {
	ifNone    bool // NX: the key has no deadline
	ifAny     bool // XX: it has one
	ifGreater bool // GT: the new one is later; none is the latest
	ifLess    bool // LT: the new one is sooner
}

func (e *expireCondition) parse(words [][]byte) error {
	for _, w := range words {
		switch {
		case is(w, "nx"):
			e.ifNone = true
		case is(w, "xx"):
			e.ifAny = true
		case is(w, "gt"):
			e.ifGreater = true
		case is(w, "lt"):
			e.ifLess = true
		default:
			return Error("ERR Unsupported option " + string(clip(w, len(w))))
		}
	}
	if e.ifNone && (e.ifAny || e.ifGreater || e.ifLess) {
		return errExpireNX
	}
	if e.ifGreater && e.ifLess {
		return errExpireGTLT
	}
	return nil
}

// holds reports whether the key is there and its deadline is as the condition wants.
func (e *expireCondition) holds(c *Call, k engine.Key, at int64) bool {
	var old int64
	var ok bool
	c.Tx.Quietly(func() { old, ok = c.Tx.Deadline(k) })
	none := old == engine.NoDeadline
	switch {
	case !ok,
		e.ifNone && !none,
		e.ifAny && none,
		e.ifGreater && (none || at <= old),
		e.ifLess && !none && at >= old:
		return false
	}
	return true
}

// PERSIST key
func persist(c *Call) error {
	condition := expireCondition{ifAny: true}
	return c.boolean(condition.holds(c, c.Keys[0], 0) && c.Tx.SetDeadline(c.Keys[0], engine.NoDeadline), nil)
}

// TTL key
func ttl(c *Call) error { return c.timeLeft(1000) }

// PTTL key
func pttl(c *Call) error { return c.timeLeft(1) }

// EXPIRETIME key
func expiretime(c *Call) error { return c.expireTime(1000) }

// PEXPIRETIME key
func pexpiretime(c *Call) error { return c.expireTime(1) }

// timeLeft replies with the time until the deadline in units of milliseconds.
func (c *Call) timeLeft(unit int64) error {
	at, ok := c.Tx.Deadline(c.Keys[0])
	if ok && at != engine.NoDeadline {
		return c.integer(rounded(max(0, at-c.Now), unit), nil)
	}
	return c.noDeadline(ok)
}

// expireTime replies with the deadline in units of milliseconds.
func (c *Call) expireTime(unit int64) error {
	at, ok := c.Tx.Deadline(c.Keys[0])
	if ok && at != engine.NoDeadline {
		return c.integer(rounded(at, unit), nil)
	}
	return c.noDeadline(ok)
}

// noDeadline replies for a key without a deadline, or without the key.
func (c *Call) noDeadline(ok bool) error {
	if ok {
		return c.integer(-1, nil)
	}
	return c.integer(-2, nil)
}

// rounded turns milliseconds into units, to the nearest.
func rounded(ms, unit int64) int64 {
	return int64((uint64(ms) + uint64(unit/2)) / uint64(unit)) // unsigned, as the last deadlines would overflow
}

// expiryHold is why the Store does not remove expired keys in the background. While it is not 0, it
// does not.
type expiryHold struct {
	mu  sync.Mutex
	why uint8
}

// Reasons of expiryHold.
const (
	pausedExpiry   uint8 = 1 << iota // CLIENT PAUSE
	disabledExpiry                   // DEBUG SET-ACTIVE-EXPIRE 0
)

func (srv *Server) holdExpiry(why uint8) {
	srv.expiry.mu.Lock()
	defer srv.expiry.mu.Unlock()
	srv.expiry.why |= why
	srv.Store.HoldExpiry(true)
}

func (srv *Server) letExpire(why uint8) {
	srv.expiry.mu.Lock()
	defer srv.expiry.mu.Unlock()
	srv.expiry.why &^= why
	srv.Store.HoldExpiry(srv.expiry.why != 0)
}
