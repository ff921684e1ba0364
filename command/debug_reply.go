package command

// DEBUG ERROR message
func debugError(c *Call) error { return Error(c.Args[2]) }

const (
	protocolNumber = "1234567999999999999999999999999999999"
	protocolText   = "This is a verbatim\nstring"
)

// protocolTypes are what DEBUG PROTOCOL replies with, by name. The values are Redis's.
var protocolTypes = map[string]func(*Call) error{
	"string":   func(c *Call) error { c.Out.BulkString("Hello World"); return nil },
	"integer":  func(c *Call) error { c.Out.Int(12345); return nil },
	"double":   func(c *Call) error { c.Out.Double(3.141); return nil },
	"bignum":   func(c *Call) error { c.Out.BigNumber(protocolNumber); return nil },
	"null":     func(c *Call) error { c.Out.Null(); return nil },
	"array":    func(c *Call) error { c.Out.Array(3); return c.countToThree() },
	"set":      func(c *Call) error { c.Out.Set(3); return c.countToThree() },
	"map":      protocolMap,
	"attrib":   protocolAttribute,
	"push":     protocolPush,
	"true":     func(c *Call) error { c.Out.Bool(true); return nil },
	"false":    func(c *Call) error { c.Out.Bool(false); return nil },
	"verbatim": func(c *Call) error { c.Out.Verbatim("txt", []byte(protocolText)); return nil },
}

// DEBUG PROTOCOL type
func debugProtocol(c *Call) error {
	for name, reply := range protocolTypes {
		if is(c.Args[2], name) {
			return reply(c)
		}
	}
	return Error("ERR Wrong protocol type name. Please use one of the following: " +
		"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
}

func (c *Call) countToThree() error {
	for n := range int64(3) {
		c.Out.Int(n)
	}
	return nil
}

func protocolMap(c *Call) error {
	c.Out.Map(3)
	for n := range int64(3) {
		c.Out.Int(n)
		c.Out.Bool(n == 1)
	}
	return nil
}

// protocolAttribute replies with an attribute, where there are such, and the reply that it belongs
// to.
func protocolAttribute(c *Call) error {
	if c.Out.Proto == 3 {
		c.Out.Attribute(1)
		c.Out.BulkString("key-popularity")
		c.Out.Array(2)
		c.Out.BulkString("key:123")
		c.Out.Int(90)
	}
	c.Out.BulkString("Some real reply following the attribute")
	return nil
}

// protocolPush replies with a message that nobody asked for, and then with a reply.
func protocolPush(c *Call) error {
	if c.Out.Proto != 3 {
		return Error("ERR RESP2 is not supported by this command")
	}
	c.Out.Push(2)
	c.Out.BulkString("server-cpu-usage")
	c.Out.Int(42)
	c.Out.BulkString("Some real reply following the push reply")
	return nil
}
