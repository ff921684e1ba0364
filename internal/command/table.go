package command

// commands is every command of the server. A command is added by a row here, a handler in the file of its family, and a block in the
// wire tests.
func commands() []Command {
	var all []Command
	for _, family := range [][]Command{
		connectionCommands, serverCommands, keysCommands, stringCommands, hashCommands, transactionCommands,
	} {
		all = append(all, family...)
	}
	return all
}

// table finds commands by name. It is built once and then only read.
type table struct {
	list  []*Command // containers and subcommands too, ordered by index
	slots []*Command // open addressing by nameHash, a power of two long
}

func newTable(rows []Command) *table {
	t := &table{slots: make([]*Command, 1024)}
	for i := range rows {
		c := &rows[i]
		c.fullName = c.Name
		t.add(c)
		h := nameHash([]byte(c.Name))
		for t.slots[h&uint32(len(t.slots)-1)] != nil {
			h++
		}
		t.slots[h&uint32(len(t.slots)-1)] = c
		for j := range c.Sub {
			sub := &c.Sub[j]
			sub.fullName = c.Name + "|" + sub.Name
			t.add(sub)
		}
	}
	return t
}

func (t *table) add(c *Command) {
	c.index = len(t.list)
	t.list = append(t.list, c)
}

// lookup returns the row named name, of any case, or nil.
func (t *table) lookup(name []byte) *Command {
	mask := uint32(len(t.slots) - 1)
	for h := nameHash(name); ; h++ {
		c := t.slots[h&mask]
		if c == nil || is(name, c.Name) {
			return c
		}
	}
}

// nameHash hashes a name without regard to case.
func nameHash(name []byte) uint32 {
	h := uint32(len(name))
	for _, c := range name {
		h = h*31 + uint32(c|0x20)
	}
	return h
}

// subcommand returns the row of a container's subcommand, or nil.
func (c *Command) subcommand(name []byte) *Command {
	for i := range c.Sub {
		if is(name, c.Sub[i].Name) {
			return &c.Sub[i]
		}
	}
	return nil
}

// keys appends the positions of the keys among args to dst. args has the right arity.
func (c *Command) keys(dst []int, args [][]byte) []int {
	if c.Keys.First == 0 {
		return dst
	}
	last := c.Keys.Last
	if last < 0 {
		last += len(args)
	}
	for i := c.Keys.First; i <= last && i < len(args); i += c.Keys.Step {
		dst = append(dst, i)
	}
	return dst
}
