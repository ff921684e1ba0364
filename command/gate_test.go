package command

import (
	"io"
	"slices"
	"testing"

	"github.com/redistill/redistill/engine"
)

// repeatable are the commands that write and are run again after engine.ErrDamaged. Each calls one
// operation of the engine that writes, and the damaged key is gone when that says so.
var repeatable = []string{"append", "setrange"}

// TestDamagedValues: of all commands, those alone are run again that only read or are known to have
// changed nothing.
func TestDamagedValues(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	for _, row := range srv.table.list {
		if row.Run == nil {
			continue
		}
		runs := 0
		damaged := Command{Name: row.Name, Flags: row.Flags, Keys: row.Keys, index: row.index}
		damaged.Run = func(c *Call) error {
			if runs++; runs == 1 {
				c.Out.BulkString("a part of the reply")
				return engine.ErrDamaged
			}
			return c.ok(nil)
		}
		c.Out.B = c.Out.B[:0]
		err := c.invoke(&damaged)
		want, reply := 1, "-"+string(errDamaged)+"\r\n"
		if row.Flags&ReadOnly != 0 || slices.Contains(repeatable, row.fullName) {
			want, reply = 2, "+OK\r\n"
		}
		if runs != want || string(c.Out.B) != reply || (err == nil) != (want == 2) {
			t.Errorf("%s: ran %d times, want %d; %q and %v", row.fullName, runs, want, c.Out.B, err)
		}
		onlyWritesOneKey := row.Flags&Write != 0 && row.use.At > 0 && row.Locks == LockKeys
		if row.Flags&Repeatable != 0 && !onlyWritesOneKey {
			t.Errorf("%s: is said to be repeatable and does not write one key", row.fullName)
		}
	}
}

// TestDamagedValueInTransaction: what a command has done before it comes upon a damaged value is
// done once, and the transaction goes on.
func TestDamagedValueInTransaction(t *testing.T) {
	move := Command{Name: "move2", Arity: 3, Flags: Write, Keys: Keys{{At: 1}, {At: 2}}}
	move.Run = func(c *Call) error {
		if _, err := c.Tx.Append(c.Keys[1], []byte("x")); err != nil {
			return err
		}
		return engine.ErrDamaged
	}
	c := connect(t, newServerWith(t, io.Discard, []Command{move}))
	c.expect("MOVE2 a b", "-"+string(errDamaged), "GET b", "$1 x",
		"MULTI", "+OK", "MOVE2 a b", "+QUEUED", "GET b", "+QUEUED",
		"EXEC", "*2 -"+string(errDamaged)+" $2 xx")
}
