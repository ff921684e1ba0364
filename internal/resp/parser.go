package resp

import (
	"bytes"
	"math"
	"slices"
)

// Limits of what one client may send. Zero means the default.
type Limits struct {
	// MaxBulk is the longest argument in bytes, by default DefaultMaxBulk.
	MaxBulk int
	// MaxArgs is the greatest number of arguments a command may announce, by
	// default DefaultMaxArgs. Nothing is allocated for announced arguments.
	MaxArgs int
	// MaxInline is the longest header line or inline command in bytes, without
	// its line end, by default DefaultMaxInline. It is never less than 16.
	MaxInline int
	// Authenticated lifts the limits of clients that have not given the
	// password: 10 arguments of at most 16 KiB. Without a password it has to
	// be set for every client.
	Authenticated bool
}

// Defaults of Limits, those of Redis 7.
const (
	DefaultMaxBulk   = 512 << 20
	DefaultMaxArgs   = math.MaxInt32
	DefaultMaxInline = 64 << 10

	unauthenticatedBulk = 16 << 10
	unauthenticatedArgs = 10
)

func (l *Limits) maxBulk() int {
	if l.MaxBulk > 0 {
		return l.MaxBulk
	}
	return DefaultMaxBulk
}

func (l *Limits) maxArgs() int {
	if l.MaxArgs > 0 {
		return l.MaxArgs
	}
	return DefaultMaxArgs
}

func (l *Limits) maxInline() int {
	if l.MaxInline > 0 {
		return max(l.MaxInline, 16)
	}
	return DefaultMaxInline
}

// ProtocolError says how a client broke the protocol. Its place in the stream
// is lost, so the connection must be closed after replying "ERR " + Text.
type ProtocolError struct {
	// Text is in Redis's words, such as "Protocol error: invalid bulk length".
	// It may contain CR or LF sent by the client; Out.Error replaces them.
	Text string
}

// Error returns Text.
func (e *ProtocolError) Error() string { return e.Text }

// The errors of commands, except for "expected '$'", which names a byte.
var (
	errCount          = &ProtocolError{"Protocol error: invalid multibulk length"}
	errCountAuth      = &ProtocolError{"Protocol error: unauthenticated multibulk length"}
	errCountTooBig    = &ProtocolError{"Protocol error: too big mbulk count string"}
	errBulk           = &ProtocolError{"Protocol error: invalid bulk length"}
	errBulkAuth       = &ProtocolError{"Protocol error: unauthenticated bulk length"}
	errBulkTooBig     = &ProtocolError{"Protocol error: too big bulk count string"}
	errInlineTooBig   = &ProtocolError{"Protocol error: too big inline request"}
	errInlineUnquoted = &ProtocolError{"Protocol error: unbalanced quotes in request"}
)

// Parser splits the bytes of one client into commands. Its zero value is ready
// for the first byte of an unauthenticated client. It belongs to one
// connection and is not safe for concurrent use.
type Parser struct {
	// Limits may be changed between any two calls of Next.
	Limits

	// Progress through an incomplete command; all zero between commands. The
	// offsets count from the first byte of the command, buf[0].
	pos  int // start of the header line or argument being read
	scan int // header line: its bytes before scan hold no line end
	end  int // argument: just behind its CRLF; 0 while reading a header
	need int // argument: bytes that were missing at the last call
	argc int // announced arguments; 0 while reading the first line
	left int // announced arguments that are not complete yet
}

// Next reads the command at the start of buf, the first byte that is not yet
// consumed.
//
// It returns the number of bytes consumed and the arguments, stored in
// args[:0] (grown if too small) and aliasing buf. A consumed command may be
// empty (a blank line, *0, *-1): n > 0 and no arguments. n == 0 without an
// error means that bytes are missing: call again with the same bytes, wherever
// they are then, and more behind them. Next may rewrite buf[:n].
//
// err is nil or a *ProtocolError, after which the Parser is of no more use.
//
// The body reads digits by hand, in one piece, because it runs once per
// command: it takes whole commands of up to 99 arguments of up to fastBulk
// bytes and leaves everything else, errors included, to resume.
func (p *Parser) Next(buf []byte, args [][]byte) (n int, out [][]byte, err error) {
	if p.scan != 0 || len(buf) < 4 || buf[0] != '*' {
		return p.resume(buf, args[:0])
	}
	argc, head := uint(buf[1])-'0', 4
	if argc-1 >= 9 {
		return p.resume(buf, args[:0])
	}
	if buf[2] != '\r' {
		digit := uint(buf[2]) - '0'
		argc, head = argc*10+digit, 5
		if digit > 9 || buf[3] != '\r' {
			return p.resume(buf, args[:0])
		}
	}
	if argc > uint(cap(args)) || len(buf) < head || !p.fastLimits(argc) {
		return p.resume(buf, args[:0])
	}
	out, b := args[:argc], buf[head:]
	for k := range out {
		if len(b) < 6 || b[0] != '$' {
			return p.resume(buf, args[:0])
		}
		size, start := uint(b[1])-'0', 4
		if size > 9 {
			return p.resume(buf, args[:0])
		}
		if b[2] != '\r' {
			size, start = readDigits(b, size)
			if start == 0 {
				return p.resume(buf, args[:0])
			}
		}
		end := start + int(size)
		if len(b) < end+2 {
			return p.resume(buf, args[:0])
		}
		out[k] = b[start:end:end]
		b = b[end+2:]
	}
	return len(buf) - len(b), out, nil
}

// Need returns how many more bytes are needed, at the least, to complete the
// argument that the last call of Next found incomplete: a hint for sizing the
// buffer of a large value. It is 0 when unknown.
func (p *Parser) Need() int { return p.need }

// Parsed returns how many bytes at the start of the command that the last call
// of Next found incomplete are words that have arrived, with their headers.
func (p *Parser) Parsed() int { return p.pos }

// Arrived returns how many bytes of the argument that the last call of Next
// found incomplete are there, if n bytes of its command are.
func (p *Parser) Arrived(n int) int { return max(min(n, p.end)-p.pos, 0) }

// Begun is what is known of a command that is not complete.
type Begun struct {
	Name  []byte // its first word; nil if that has not arrived
	At    int    // which argument is on its way; the name is 0
	Size  int    // the length of that argument, 0 if it is not known yet
	Total int    // how many bytes the command has at least
}

// Begun returns what is known of the incomplete command at the start of buf,
// after a call of Next with the same bytes that took nothing. The name aliases
// buf.
func (p *Parser) Begun(buf []byte) Begun {
	if p.argc == p.left {
		return Begun{}
	}
	i := bytes.IndexByte(buf, '\n') + 2 // behind the '$' of the name
	n := bytes.IndexByte(buf[i:], '\r')
	size, _ := ParseInt(buf[i : i+n]) // it was read before
	i += n + 2
	b := Begun{Name: buf[i : i+int(size)], At: p.argc - p.left, Total: max(p.end, len(buf))}
	if p.end > 0 {
		b.Size = p.end - p.pos - 2
	}
	return b
}

// Forget drops the progress through an incomplete command: the next call of
// Next begins a command.
func (p *Parser) Forget() {
	p.pos, p.scan, p.end, p.need, p.argc, p.left = 0, 0, 0, 0, 0, 0
}

// resume is the careful path of Next: it continues where the last call ran out
// of bytes and recognises every error.
func (p *Parser) resume(buf []byte, args [][]byte) (int, [][]byte, error) {
	if len(buf) == 0 {
		return 0, args, nil
	}
	if p.argc == 0 {
		if buf[0] != '*' {
			return p.inline(buf, args)
		}
		count, err := p.readCount(buf)
		if err != nil || p.pos == 0 {
			return 0, args, err
		}
		if count <= 0 {
			return p.finish(), args, nil
		}
		p.argc, p.left = count, count
	}
	for p.left > 0 {
		if p.end == 0 {
			if err := p.readLength(buf); err != nil || p.end == 0 {
				return 0, args, err
			}
		}
		if len(buf) < p.end {
			p.need = p.end - len(buf)
			return 0, args, nil
		}
		p.pos, p.scan, p.end = p.end, p.end, 0
		p.left--
	}
	args = collect(buf, p.argc, args)
	return p.finish(), args, nil
}

// finish forgets the command that ends at p.pos and returns its length.
func (p *Parser) finish() int {
	n := p.pos
	p.Forget()
	return n
}

// lineEnd returns the offset of the byte that ends the line at p.pos, or -1 if
// it has not arrived. As in Redis a NUL hides the rest of the line. Lines are
// searched up to MaxInline bytes and not beyond, for the result not to depend
// on how much has arrived. A CR that may belong to the line end is not counted.
func (p *Parser) lineEnd(buf []byte, end byte) (i int, tooBig bool) {
	longest := p.maxInline()
	if end == '\n' && len(buf)-p.pos > longest && buf[p.pos+longest] == '\r' {
		longest++
	}
	i = p.scan
	for ; i < len(buf) && i-p.pos <= longest && buf[i] != 0; i++ {
		if buf[i] == end {
			p.scan = i
			return i, false
		}
	}
	p.scan = i
	return -1, len(buf)-p.pos > longest
}

// readCount reads the line "*count\r\n" and moves p.pos behind it. p.pos stays
// 0 when bytes are missing.
func (p *Parser) readCount(buf []byte) (int, error) {
	cr, tooBig := p.lineEnd(buf, '\r')
	if tooBig {
		return 0, errCountTooBig
	}
	if cr < 0 || cr+1 >= len(buf) {
		return 0, nil
	}
	count, ok := ParseInt(buf[1:cr])
	if !ok || count > int64(p.maxArgs()) {
		return 0, errCount
	}
	if count > unauthenticatedArgs && !p.Authenticated {
		return 0, errCountAuth
	}
	p.pos, p.scan = cr+2, cr+2
	return int(max(count, 0)), nil
}

// readLength reads the line "$length\r\n", moves p.pos behind it and sets
// p.end, which stays 0 when bytes are missing.
func (p *Parser) readLength(buf []byte) error {
	p.need = 0
	cr, tooBig := p.lineEnd(buf, '\r')
	if tooBig {
		return errBulkTooBig
	}
	if cr < 0 || cr+1 >= len(buf) {
		return nil
	}
	if c := buf[p.pos]; c != '$' {
		return &ProtocolError{"Protocol error: expected '$', got '" + string([]byte{c}) + "'"}
	}
	n, ok := ParseInt(buf[p.pos+1 : cr])
	// The sum cr+2+n+2 has to fit an int, also where an int has 32 bits.
	if !ok || n < 0 || n > int64(p.maxBulk()) || n > int64(math.MaxInt-cr-4) {
		return errBulk
	}
	if n > unauthenticatedBulk && !p.Authenticated {
		return errBulkAuth
	}
	p.pos, p.scan = cr+2, cr+2
	p.end = p.pos + int(n) + 2
	return nil
}

// collect appends the argc arguments of the complete command at the start of
// buf. Its headers have been checked, thus have exactly one spelling. Growing
// args at once is safe here: every announced argument is there.
func collect(buf []byte, argc int, args [][]byte) [][]byte {
	args = slices.Grow(args, argc)
	i := 0
	for buf[i] != '\r' {
		i++
	}
	i += 2
	for range argc {
		n := 0
		for i++; buf[i] != '\r'; i++ {
			n = n*10 + int(buf[i]-'0')
		}
		i += 2
		args = append(args, buf[i:i+n:i+n])
		i += n + 2
	}
	return args
}

// fastBulk is the longest argument that the first pass of Next takes: what
// four digits can say, less than an unauthenticated client may send.
const fastBulk = 9999

// fastLimits says whether a command of argc arguments of at most fastBulk
// bytes is within the limits.
func (p *Parser) fastLimits(argc uint) bool {
	return (argc <= unauthenticatedArgs || p.Authenticated) &&
		(p.MaxArgs <= 0 || argc <= uint(p.MaxArgs)) &&
		(p.MaxBulk <= 0 || p.MaxBulk >= fastBulk)
}

// readDigits continues the header "$d..." at the start of b, first being its
// first digit. It returns the length and where the argument starts, or 0 if
// the header is not one of two to four digits.
func readDigits(b []byte, first uint) (size uint, start int) {
	if first == 0 {
		return 0, 0
	}
	size = first
	for i := 2; i < 6 && i < len(b); i++ {
		if b[i] == '\r' {
			return size, i + 2
		}
		d := uint(b[i]) - '0'
		if d > 9 {
			return 0, 0
		}
		size = size*10 + d
	}
	return 0, 0
}
