package command

import (
	"bytes"
	"errors"
	"strings"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

// Error is an error reply: its text with the code that clients match on.
type Error string

// Error returns the text of the reply.
func (e Error) Error() string { return string(e) }

// Error replies that more than one command uses. The texts are Redis's, for clients match on them.
const (
	errSyntax         = Error("ERR syntax error")
	errNotInteger     = Error("ERR value is not an integer or out of range")
	errNotFloat       = Error("ERR value is not a valid float")
	errNotFinite      = Error("ERR increment would produce NaN or Infinity")
	errOutOfRange     = Error("ERR value is out of range")
	errNoSuchKey      = Error("ERR no such key")
	errDecrOverflow   = Error("ERR decrement would overflow")
	errOffset         = Error("ERR offset is out of range")
	errCursor         = Error("ERR invalid cursor")
	errInfinite       = Error("ERR value is NaN or Infinity")
	errHashNotInteger = Error("ERR hash value is not an integer")
	errHashNotFloat   = Error("ERR hash value is not a float")
	errExpireNX       = Error("ERR NX and XX, GT or LT options at the same time are not compatible")
	errExpireGTLT     = Error("ERR GT and LT options at the same time are not compatible")
	errNoFrequency    = Error("ERR An LFU maxmemory policy is not selected, access frequency not tracked. " + errPolicyNote)
	errNoIdleTime     = Error("ERR An LFU maxmemory policy is selected, idle time not tracked. " + errPolicyNote)
	errSameObject     = Error("ERR source and destination objects are the same")
	errDBRange        = Error("ERR DB index is out of range")
	errCrossProtocol  = Error("ERR HTTP is not spoken here") // never sent: the connection is closed without a reply, as Redis does
	errNoAuth         = Error("NOAUTH Authentication required.")
	errExecAbort      = Error("EXECABORT Transaction discarded because of previous errors.")
	errOutOfMemory    = Error("OOM command not allowed when used memory > 'maxmemory'.")
	errStringTooLong  = Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	errDamaged        = Error("ERR a value was damaged and has lost a part. The command stopped there")
	errReplyTooLong   = Error("ERR reply exceeds maximum allowed size")
)

const errPolicyNote = "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

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
	case errors.Is(err, engine.ErrOutOfMemory), errors.Is(err, engine.ErrPinned):
		out.Error(string(errOutOfMemory))
	case errors.Is(err, engine.ErrKeyTooLong):
		out.Error("ERR key, field or member is longer than 32 KB")
	case errors.Is(err, engine.ErrDamaged):
		out.Error(string(errDamaged))
	default:
		out.Error("ERR " + err.Error())
	}
}

// errArity is the reply to a command with too few or too many arguments.
func errArity(c *Command) Error {
	return Error("ERR wrong number of arguments for '" + c.fullName + "' command")
}

// errExpireTime is the reply to a time to live that is not positive where it must be, or too large.
func errExpireTime(c *Command) Error {
	return Error("ERR invalid expire time in '" + c.fullName + "' command")
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
	return Error("ERR unknown subcommand '" + string(clip(sub, 128)) + "'. Try " + strings.ToUpper(container.fullName) + " HELP.")
}

// errSubcommandSyntax is the reply to a subcommand with too many arguments where Redis has its handler find that out.
func errSubcommandSyntax(c *Call) Error {
	container, _, _ := strings.Cut(c.Cmd.fullName, "|")
	return Error("ERR unknown subcommand or wrong number of arguments for '" + string(clip(c.Args[1], 128)) + "'. Try " +
		strings.ToUpper(container) + " HELP.")
}

// clip returns b up to n bytes or the first zero byte, which is where Redis's texts end too.
func clip(b []byte, n int) []byte {
	b = b[:min(n, len(b))]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// shown returns what Redis's texts show of a word.
func shown(b []byte) string { return string(clip(b, len(b))) }
