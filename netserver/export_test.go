package netserver

// base returns what a connection has on every path.
func (c *link) base() *link { return c }
