package command

import "github.com/redistill/redistill/engine"

var objectHelp = []string{
	"ENCODING <key>",
	"    Return the kind of internal representation used in order to store the value",
	"    associated with a <key>.",
	"FREQ <key>",
	"    Return the access frequency index of the <key>. The returned integer is",
	"    proportional to the logarithm of the recent access frequency of the key.",
	"IDLETIME <key>",
	"    Return the idle time of the <key>, that is the approximated number of",
	"    seconds elapsed since the last access to the key.",
	"REFCOUNT <key>",
	"    Return the number of references of the value associated with the specified",
	"    <key>.",
}

// OBJECT ENCODING key
func objectEncoding(c *Call) error {
	name, ok := c.Tx.Encoding(c.Keys[0])
	if !ok {
		c.Out.Null()
		return nil
	}
	c.Out.BulkString(name)
	return nil
}

// OBJECT FREQ key
func objectFreq(c *Call) error {
	n, ok := c.Tx.Frequency(c.Keys[0])
	if !ok {
		c.Out.Null()
		return nil
	}
	if !c.frequencyIsKept() {
		return errNoFrequency
	}
	return c.integer(int64(n), nil)
}

// OBJECT IDLETIME key
func objectIdletime(c *Call) error {
	ms, ok := c.Tx.Idle(c.Keys[0])
	if !ok {
		c.Out.Null()
		return nil
	}
	if c.frequencyIsKept() {
		return errNoIdleTime
	}
	return c.integer((ms+500)/1000, nil)
}

// frequencyIsKept reports whether the policy evicts by frequency. Others evict by recency, if by either.
func (c *Call) frequencyIsKept() bool {
	p := c.Srv.Store.Policy()
	return p == engine.AllKeysLFU || p == engine.VolatileLFU
}

// OBJECT REFCOUNT key. Values are not shared between keys.
func objectRefcount(c *Call) error {
	if !c.has(c.Keys[0]) {
		c.Out.Null()
		return nil
	}
	return c.integer(1, nil)
}
