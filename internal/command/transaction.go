package command

import "github.com/redistill/redistill/engine"

// transaction is a session's state between MULTI and EXEC, and its watched keys.
type transaction struct {
	open    bool // MULTI was said
	failed  bool // a command was refused while queueing: EXEC fails
	size    int  // bytes of queued arguments
	queued  []queuedCommand
	watched []watchedKey
}

// queuedCommand is a command waiting for EXEC. It owns its arguments.
type queuedCommand struct {
	cmd  *Command
	args [][]byte
}

// watchedKey is a key that WATCH named. It owns its bytes.
type watchedKey struct {
	db    int
	key   engine.Key
	token uint64
}

// queue copies a command, whose arguments alias the read buffer, to run at EXEC.
func (t *transaction) queue(cmd *Command, args [][]byte) {
	n := size(args)
	buf := make([]byte, 0, n)
	own := make([][]byte, len(args))
	for i, a := range args {
		buf = append(buf, a...)
		own[i] = buf[len(buf)-len(a) : len(buf) : len(buf)]
	}
	t.size += n
	t.queued = append(t.queued, queuedCommand{cmd, own})
}
