// Package resp turns a client's bytes into commands and replies into bytes:
// RESP2, RESP3 and the inline (telnet) form of commands. It knows no command,
// does no I/O and starts no goroutine.
//
// # Reading
//
// A [Parser] reads the command at the start of a buffer which the caller owns:
//
//	for len(buf) > 0 {
//		n, out, err := p.Next(buf, args)
//		if err != nil { /* reply "-ERR " + err.Text, close */ }
//		if n == 0 { break } // read more behind buf, keep buf[0] where it is
//		args = out
//		if len(args) > 0 { execute(args) }
//		buf = buf[n:]
//	}
//
// Commands nearly always arrive whole, so Next first tries to read the whole
// command in one pass, straight into the argument slices. Only when that does
// not succeed (bytes missing, or an unusual spelling) does it take the careful
// path, which alone knows the errors and remembers how far it came.
//
//	*2\r\n $3\r\n GET\r\n $9\r\n user:
//	                             ^pos      ^end = pos+9+2, beyond the buffer
//
// The next call starts at pos, with the announced length already known, so a
// 512 MB value that arrives in 16 KB pieces costs one comparison a piece. What
// is remembered is a handful of offsets from the first byte of the command and
// never a slice: the caller may move the unconsumed bytes between calls (grow
// the buffer, slide them to its start, hand the buffer back to a pool). The
// argument slices are made in a last pass over the headers once the command is
// complete. Hence an incomplete command costs no memory apart from its bytes,
// whatever count it announces, and every header is read at most three times.
//
// # Slice lifetimes
//
// Arguments alias the buffer. They are valid until the caller overwrites the
// consumed part of it, and those that keep one longer (the engine, MULTI) must
// copy it. In builds with the tag invariants, package netserver overwrites it as
// soon as the commands have run. Their capacity ends with the argument, so appending to one never
// writes over the next. Inline commands are unquoted in place: Next may
// rewrite the bytes that it consumes, never those behind them. The slice of
// arguments itself grows to the longest command seen; a caller that reuses it
// should drop one of millions.
//
// # Agreement with Redis
//
// Limits, error texts and leniencies are those of Redis 7.0: the byte behind a
// header's CR and the two bytes behind an argument are skipped without a look,
// an inline line may end in LF alone, and a NUL inside a header or inline line
// hides its end until the line is refused as too long. One thing is stricter:
// whether an over-long line is refused does not depend on how the network
// split it. Redis looks only when its buffer ends inside the line.
//
// # Writing
//
// [Out] collects replies in a byte slice, in the protocol version the client
// chose with HELLO, so that a handler states what it replies (a map, a double,
// a null) and not how. Nothing is written to the network here.
package resp
