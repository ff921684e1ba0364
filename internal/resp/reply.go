package resp

// errReply is what ReplyLen returns for bytes that no server sends.
var errReply = &ProtocolError{"Protocol error: malformed reply"}

// maxReplyCount is the largest length or number of elements that a reply may
// announce. It keeps sums of lengths within an int everywhere.
const maxReplyCount = 1 << 30

// ReplyLen returns the length in bytes of the first reply in buf with all its
// elements, RESP2 or RESP3, or 0 if it is not complete. An attribute counts as
// part of the reply that it precedes; a push message counts as a reply.
// Streamed strings and aggregates are refused. err is nil or a *ProtocolError.
//
// It keeps a count of the replies still to skip in place of a stack, so that
// no depth of nesting costs memory.
func ReplyLen(buf []byte) (n int, err error) {
	for todo := int64(1); todo > 0; todo-- {
		size, elements, err := ReplyHead(buf[n:])
		if err != nil || size == 0 || size > len(buf)-n {
			return 0, err
		}
		n += size
		todo += elements
	}
	return n, nil
}

// ReplyHead returns the length of the reply at the start of buf without its
// elements, and the number of replies that have to follow it. The length is 0 as
// long as it is not known, and beyond the end of buf if not all has arrived. It is
// the grammar of replies for all that read them, RESP2 and RESP3; err is nil or a
// *ProtocolError.
func ReplyHead(buf []byte) (size int, elements int64, err error) {
	cr := 0
	for cr < len(buf) && buf[cr] != '\r' {
		cr++
	}
	if cr+1 >= len(buf) {
		if len(buf) > 0 && !isReplyType(buf[0]) {
			return 0, 0, errReply
		}
		return 0, 0, nil
	}
	if cr == 0 || buf[cr+1] != '\n' {
		return 0, 0, errReply
	}
	kind, size := buf[0], cr+2
	switch kind {
	case '+', '-', ':', ',', '#', '(', '_':
		return size, 0, nil
	}
	if !isReplyType(kind) {
		return 0, 0, errReply
	}
	count, ok := ParseInt(buf[1:cr])
	if !ok || count < -1 || count > maxReplyCount {
		return 0, 0, errReply
	}
	if count == -1 {
		if kind != '$' && kind != '*' {
			return 0, 0, errReply
		}
		return size, 0, nil
	}
	switch kind {
	case '%':
		return size, 2 * count, nil
	case '|':
		return size, 2*count + 1, nil
	case '*', '~', '>':
		return size, count, nil
	}
	end := size + int(count)
	if len(buf)-2 >= end && (buf[end] != '\r' || buf[end+1] != '\n') {
		return 0, 0, errReply
	}
	return end + 2, 0, nil
}

func isReplyType(c byte) bool {
	switch c {
	case '+', '-', ':', ',', '#', '(', '_', '$', '=', '!', '*', '~', '>', '%', '|':
		return true
	}
	return false
}
