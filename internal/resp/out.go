package resp

import "slices"

// The longest header, and the longest number in a reply.
const (
	headerRoom = 23
	numberRoom = 40
)

// Out is the reply buffer of one connection. Its methods append one reply, or
// the header of one, to B. They allocate nothing while B has capacity.
//
// Where More refuses room, replies are lost: Cut is set, and nothing is appended
// until Reset. Who replies with much looks at it now and then.
//
// A header is followed by its elements: n replies after Array, Set and Push,
// 2n (key, value, key, value...) after Map.
type Out struct {
	// B holds the replies that were not yet sent. The owner of the connection
	// sends and truncates it.
	B []byte
	// Pieces are bytes of replies that are not in B but elsewhere, in order.
	Pieces []Piece
	shared int // the bytes of all of them
	// Proto is the protocol version that the client chose: 2 or 3.
	Proto int
	// Cut says that a reply is not complete, for want of room.
	Cut bool
	// More is called for room for n more bytes than the capacity of B allows. It
	// returns a slice of the same bytes with at least that room, in which they may
	// have moved, or nil. Without More, B grows as append has it.
	More func(b []byte, n int) []byte
}

// Piece is a part of the replies that was not copied into Out.B.
type Piece struct {
	At int    // the bytes before it are B[:At] and the pieces before it
	B  []byte // belongs to whoever passed it to Share
}

// Room makes room for n more bytes in B, and reports whether there is.
func (o *Out) Room(n int) bool { return cap(o.B)-len(o.B) >= n && !o.Cut || o.extend(n) }

func (o *Out) extend(n int) bool {
	if o.Cut {
		return false
	}
	if o.More == nil {
		o.B = slices.Grow(o.B, n)
		return true
	}
	b := o.More(o.B, n)
	if b == nil {
		o.Cut = true
		return false
	}
	o.B = b
	return true
}

// Share appends bytes without copying them: they must stay as they are until
// they were sent, or the replies cut off before them.
func (o *Out) Share(pieces [][]byte) {
	for _, b := range pieces {
		o.Pieces = append(o.Pieces, Piece{len(o.B), b})
		o.shared += len(b)
	}
}

// Len returns the number of bytes that the replies have, pieces included.
func (o *Out) Len() int { return len(o.B) + o.shared }

// Truncate cuts the replies off behind the first n bytes of B, where one ends,
// and before any piece that follows these.
func (o *Out) Truncate(n int) {
	o.B = o.B[:n]
	for k := len(o.Pieces); k > 0 && o.Pieces[k-1].At >= n; k-- {
		o.shared -= len(o.Pieces[k-1].B)
		o.Pieces = o.Pieces[:k-1]
	}
}

// Unshare forgets the pieces.
func (o *Out) Unshare() {
	clear(o.Pieces)
	o.Pieces, o.shared = o.Pieces[:0], 0
}

// Rest appends to dst, which it does not let grow, the slices that the replies
// consist of from offset from on, up to most bytes.
func (o *Out) Rest(dst [][]byte, from, most int) [][]byte {
	add := func(b []byte) {
		skip := min(from, len(b))
		from -= skip
		if b = b[skip:]; len(b) > 0 && most > 0 && len(dst) < cap(dst) {
			b = b[:min(len(b), most)]
			most -= len(b)
			dst = append(dst, b)
		}
	}
	at := 0
	for i := 0; i < len(o.Pieces) && most > 0 && len(dst) < cap(dst); i++ {
		p := &o.Pieces[i]
		add(o.B[at:p.At])
		add(p.B)
		at = p.At
	}
	add(o.B[at:])
	return dst
}

// Int appends an integer.
func (o *Out) Int(n int64) { o.header(':', n) }

// Bulk appends a bulk string, a copy of b. A nil b is the empty string.
func (o *Out) Bulk(b []byte) {
	if o.Room(headerRoom + len(b) + 2) {
		o.B = appendNumber(o.B, '$', int64(len(b)))
		o.B = append(o.B, b...)
		o.B = append(o.B, '\r', '\n')
	}
}

// BulkString appends a bulk string.
func (o *Out) BulkString(s string) {
	if o.Room(headerRoom + len(s) + 2) {
		o.B = appendNumber(o.B, '$', int64(len(s)))
		o.B = append(o.B, s...)
		o.B = append(o.B, '\r', '\n')
	}
}

// BulkInt appends an integer as a bulk string.
func (o *Out) BulkInt(n int64) {
	var digits [20]byte
	o.Bulk(AppendInt(digits[:0], n))
}

// BeginBulk begins a bulk string of n bytes, and makes room for those of them that are not shared. If
// there is room, the caller appends or shares exactly n bytes and then calls EndBulk.
func (o *Out) BeginBulk(n, copied int) bool {
	if !o.Room(headerRoom + copied + 2) {
		return false
	}
	o.B = appendNumber(o.B, '$', int64(n))
	return true
}

// EndBulk ends what BeginBulk began.
func (o *Out) EndBulk() { o.B = append(o.B, '\r', '\n') }

// Simple appends a status. s must hold no CR or LF.
func (o *Out) Simple(s string) {
	if o.Room(len(s) + 3) {
		o.B = append(o.B, '+')
		o.B = append(o.B, s...)
		o.B = append(o.B, '\r', '\n')
	}
}

// OK appends the status OK.
func (o *Out) OK() { o.text("+OK\r\n") }

// Error appends an error. The text begins with its code, as in "ERR syntax
// error"; CR and LF in it, which would end the reply, become spaces.
func (o *Out) Error(text string) {
	if !o.Room(len(text) + 3) {
		return
	}
	o.B = append(o.B, '-')
	start := len(o.B)
	o.B = append(o.B, text...)
	for i, c := range o.B[start:] {
		if c == '\r' || c == '\n' {
			o.B[start+i] = ' '
		}
	}
	o.B = append(o.B, '\r', '\n')
}

// Null appends the null that stands for a missing value.
func (o *Out) Null() {
	if o.Proto == 3 {
		o.text("_\r\n")
		return
	}
	o.text("$-1\r\n")
}

// NullArray appends the null that stands for a missing array, as of an aborted
// EXEC. RESP3 has only one null.
func (o *Out) NullArray() {
	if o.Proto == 3 {
		o.text("_\r\n")
		return
	}
	o.text("*-1\r\n")
}

// Array begins an array of n replies.
func (o *Out) Array(n int) { o.header('*', int64(n)) }

// Map begins a map of n pairs, in RESP2 an array of 2n replies.
func (o *Out) Map(n int) {
	if o.Proto == 3 {
		o.header('%', int64(n))
		return
	}
	o.Array(2 * n)
}

// Set begins a set of n replies, in RESP2 an array.
func (o *Out) Set(n int) {
	if o.Proto == 3 {
		o.header('~', int64(n))
		return
	}
	o.Array(n)
}

// Push begins an out-of-band message of n replies, in RESP2 an array.
func (o *Out) Push(n int) {
	if o.Proto == 3 {
		o.header('>', int64(n))
		return
	}
	o.Array(n)
}

// Attribute begins n pairs of things worth knowing about the reply behind
// them. RESP2 has nothing like it.
func (o *Out) Attribute(n int) { o.header('|', int64(n)) }

// Double appends a floating point number, in RESP2 as a bulk string.
func (o *Out) Double(f float64) {
	if o.Proto == 3 {
		if o.Room(numberRoom) {
			o.B = append(o.B, ',')
			o.B = AppendDouble(o.B, f)
			o.B = append(o.B, '\r', '\n')
		}
		return
	}
	var digits [32]byte
	o.Bulk(AppendDouble(digits[:0], f))
}

// Bool appends a truth value, in RESP2 the integer 1 or 0.
func (o *Out) Bool(v bool) {
	reply := ":0\r\n"
	switch {
	case v && o.Proto == 3:
		reply = "#t\r\n"
	case v:
		reply = ":1\r\n"
	case o.Proto == 3:
		reply = "#f\r\n"
	}
	o.text(reply)
}

// BigNumber appends an integer of any size given as its decimal digits, in
// RESP2 as a bulk string.
func (o *Out) BigNumber(digits string) {
	if o.Proto != 3 {
		o.BulkString(digits)
		return
	}
	if o.Room(len(digits) + 3) {
		o.B = append(o.B, '(')
		o.B = append(o.B, digits...)
		o.B = append(o.B, '\r', '\n')
	}
}

// Verbatim appends a text and its format, three letters such as "txt" or
// "mkd", in RESP2 as a bulk string without the format.
func (o *Out) Verbatim(format3 string, b []byte) {
	if o.Proto != 3 {
		o.Bulk(b)
		return
	}
	if o.Room(headerRoom + len(b) + 6) {
		o.B = appendNumber(o.B, '=', int64(len(b)+4))
		o.B = append(o.B, format3...)
		o.B = append(o.B, ':')
		o.B = append(o.B, b...)
		o.B = append(o.B, '\r', '\n')
	}
}

// text appends a short text as it stands.
func (o *Out) text(s string) {
	if o.Room(len(s)) {
		o.B = append(o.B, s...)
	}
}

// header appends the line of a type byte and a number.
func (o *Out) header(kind byte, n int64) {
	if o.Room(headerRoom) {
		o.B = appendNumber(o.B, kind, n)
	}
}

// appendNumber appends the line of a type byte and a number. Small numbers,
// nearly all there are, are one append of a fixed size each; the others are
// written from their end into an array and appended at once.
func appendNumber(dst []byte, kind byte, n int64) []byte {
	u := uint64(n)
	switch {
	case u < 10:
		return append(dst, kind, '0'+byte(u), '\r', '\n')
	case u < 100:
		return append(dst, kind, '0'+byte(u/10), '0'+byte(u%10), '\r', '\n')
	case u < 1000:
		return append(dst, kind, '0'+byte(u/100), '0'+byte(u/10%10), '0'+byte(u%10), '\r', '\n')
	}
	if n < 0 {
		u = -u
	}
	var line [23]byte // type, sign, 19 digits, CRLF
	i := len(line) - 2
	line[i], line[i+1] = '\r', '\n'
	for ; u > 0; u /= 10 {
		i--
		line[i] = '0' + byte(u%10)
	}
	if n < 0 {
		i--
		line[i] = '-'
	}
	i--
	line[i] = kind
	return append(dst, line[i:]...)
}
