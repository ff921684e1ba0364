package command

import (
	"encoding/binary"
	"strings"

	"github.com/redistill/redistill/internal/acl"
)

// Commands returns the rows of every command of the server. A command is added by a row here, a handler in the file of its family, and a block in the
// wire tests.
func Commands() []Command {
	var all []Command
	for _, family := range [][]Command{
		connectionCommands, serverCommands, keysCommands, stringCommands, hashCommands, setCommands, transactionCommands,
	} {
		all = append(all, family...)
	}
	return all
}

// table finds commands by name. It is built once and then only read.
type table struct {
	rows  []*Command // commands and containers, in the order of commands()
	list  []*Command // the same and all subcommands, by Command.index
	slots [tableSlots]slot
}

// slot is a place of the hash table, with open addressing by nameKey.hash. A lookup compares two words in place of the name: a
// command's name is found in about the time that a comparison of strings takes.
type slot struct {
	key   nameKey
	exact bool     // a name with this key is the row's, without a second look
	cmd   *Command // nil: the slot is free
}

const tableSlots = 1 << 9

func newTable(rows []Command) *table {
	t := &table{}
	for i := range rows {
		c := &rows[i]
		c.fullName = c.Name
		t.rows = append(t.rows, c)
		t.add(c)
		c.Sub = append([]Command(nil), c.Sub...) // each table has rows of its own
		for j := range c.Sub {
			sub := &c.Sub[j]
			sub.fullName = c.Name + "|" + sub.Name
			t.add(sub)
		}
		key := keyOf([]byte(c.Name))
		h := key.hash()
		for t.slots[h%tableSlots].cmd != nil {
			h++
		}
		// The key holds every letter of a name of up to 16. Bytes that are no letters have no case, and the key may confuse them.
		t.slots[h%tableSlots] = slot{key, len(c.Name) <= 16 && onlyLetters(c.Name), c}
	}
	return t
}

func (t *table) add(c *Command) {
	c.index = len(t.list)
	if k := c.Keys; len(k) == 1 && k[0].isOne() {
		c.use = acl.Key{At: k[0].At, Access: c.accessOf(&k[0]).need()}
	}
	if c.Keys.areMovable() {
		c.Flags |= MovableKeys
	}
	t.list = append(t.list, c)
}

// lookup returns the row named name, of any case, or nil.
func (t *table) lookup(name []byte) *Command {
	key := keyOf(name)
	for h := key.hash(); ; h++ {
		s := &t.slots[h%tableSlots]
		if s.cmd == nil {
			return nil
		}
		if s.key == key && (s.exact || is(name, s.cmd.Name)) {
			return s.cmd
		}
	}
}

// find returns the row with the given full name, of any case, such as "get" or "config|get", or nil.
func (t *table) find(fullName string) *Command {
	name, sub, nested := strings.Cut(fullName, "|")
	c := t.lookup([]byte(name))
	if c == nil || !nested {
		return c
	}
	return c.subcommand([]byte(sub))
}

// nameKey is the start and the end of a name, which overlap in a short one, with the bit set that makes letters small, and its length.
type nameKey struct {
	head, tail uint64
	size       int
}

const (
	everyByte = 0x0101010101010101
	small     = 0x20 * everyByte
)

func keyOf(name []byte) nameKey {
	switch n := len(name); {
	case n >= 8:
		return nameKey{binary.LittleEndian.Uint64(name) | small, binary.LittleEndian.Uint64(name[n-8:]) | small, n}
	case n >= 4:
		head, tail := binary.LittleEndian.Uint32(name), binary.LittleEndian.Uint32(name[n-4:])
		return nameKey{(uint64(head) | uint64(tail)<<32) | small, small, n}
	case n > 0:
		return nameKey{uint64(name[0]) | uint64(name[n/2])<<8 | uint64(name[n-1])<<16 | small, small, n}
	}
	return nameKey{}
}

func (k nameKey) hash() uint32 {
	h := (k.head ^ k.tail<<1 ^ uint64(k.size)) * 0x9E3779B97F4A7C15
	return uint32(h >> 40)
}

// onlyLetters reports whether name consists of small letters.
func onlyLetters(name string) bool {
	for _, c := range []byte(name) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
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
