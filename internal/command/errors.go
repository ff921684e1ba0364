package command

import (
	"errors"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

// Error is an error reply: its text with the code that clients match on.
type Error string

// Error returns the text of the reply.
func (e Error) Error() string { return string(e) }

// Error replies that more than one command uses. The texts are Redis's, for clients match on them.
const (
	errSyntax        = Error("ERR syntax error")
	errNotInteger    = Error("ERR value is not an integer or out of range")
	errNotFloat      = Error("ERR value is not a valid float")
	errNoSuchKey     = Error("ERR no such key")
	errDBRange       = Error("ERR DB index is out of range")
	errNoAuth        = Error("NOAUTH Authentication required.")
	errExecAbort     = Error("EXECABORT Transaction discarded because of previous errors.")
	errOutOfMemory   = Error("OOM command not allowed when used memory > 'maxmemory'.")
	errStringTooLong = Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
)

// reply appends err as an error reply. It is the only place that turns the engine's errors into RESP.
func reply(out *resp.Out, err error) {
	if e, ok := err.(Error); ok {
		out.Error(string(e))
		return
	}
	switch {
	case errors.Is(err, engine.ErrWrongType):
		out.Error("WRONGTYPE Operation against a key holding the wrong kind of value")
	case errors.Is(err, engine.ErrNotInteger):
		out.Error(string(errNotInteger))
	case errors.Is(err, engine.ErrOverflow):
		out.Error("ERR increment or decrement would overflow")
	case errors.Is(err, engine.ErrOutOfMemory):
		out.Error(string(errOutOfMemory))
	default:
		out.Error("ERR " + err.Error())
	}
}

// errArity is the reply to a command with too few or too many arguments.
func errArity(c *Command) Error {
	return Error("ERR wrong number of arguments for '" + c.fullName + "' command")
}

// errUnknownCommand is the reply to a name that is not in the table; up to 128 bytes of the name and of the arguments are shown.
func errUnknownCommand(args [][]byte) Error {
	text := append([]byte("ERR unknown command '"), clip(args[0], 128)...)
	text = append(text, "', with args beginning with: "...)
	shown := 0
	for _, a := range args[1:] {
		if shown >= 128 {
			break
		}
		part := clip(a, 128-shown)
		text = append(text, '\'')
		text = append(text, part...)
		text = append(text, "' "...)
		shown += len(part) + 3
	}
	return Error(text)
}

// errUnknownSubcommand is the reply to a subcommand that the container does not have.
func errUnknownSubcommand(container *Command, sub []byte) Error {
	name := []byte(container.fullName)
	for i := range name {
		if name[i]-'a' < 26 {
			name[i] -= 'a' - 'A'
		}
	}
	return Error("ERR unknown subcommand '" + string(clip(sub, 128)) + "'. Try " + string(name) + " HELP.")
}

func clip(b []byte, n int) []byte {
	if len(b) > n {
		return b[:n]
	}
	return b
}
