package wire

import (
	"bytes"
	"strings"
	"time"
)

// likeness says how alike the replies of two servers to one command must be.
type likeness int

const (
	likeExact       likeness = iota
	likeUnordered            // same elements in any order
	likePairs                // same field-value pairs in any order
	likeCursor               // a scan from 0: same elements in any order, unless it is cut short
	likeCursorPairs          // the same for a scan that returns pairs
	likeShape                // same type and length: the choice is random, or tells of the server
	likeSeconds              // seconds that come to the same but for when each server ran the commands
	likeMillis               // the same of milliseconds
	likeEncoding             // the same, but that a small set is a listpack, as since Redis 7.2
)

var likenesses = map[string]likeness{
	"KEYS": likeUnordered, "HKEYS": likeUnordered, "HVALS": likeUnordered, "HGETALL": likePairs,
	"SCAN": likeCursor, "HSCAN": likeCursorPairs, "RANDOMKEY": likeShape, "HRANDFIELD": likeShape, "HELLO": likeShape,
	"SMEMBERS": likeUnordered, "SINTER": likeUnordered, "SUNION": likeUnordered, "SDIFF": likeUnordered, "SPOP": likeUnordered,
	"SRANDMEMBER": likeShape, "SSCAN": likeCursor, "OBJECT": likeEncoding,
	"TTL": likeSeconds, "EXPIRETIME": likeSeconds, "PTTL": likeMillis, "PEXPIRETIME": likeMillis,
}

func likenessOf(args []string) likeness {
	name := strings.ToUpper(args[0])
	cursor := 1
	if name == "HSCAN" || name == "SSCAN" {
		cursor = 2
	}
	l := likenesses[name]
	if (l == likeCursor || l == likeCursorPairs) && len(args) > cursor && args[cursor] != "0" {
		return likeShape // a cursor that no server gave out stands anywhere
	}
	return l
}

// alike compares two replies to the same command, a of ours and b of
// redis-server. skew is how much later one
// server than the other may have run this command, and those before it.
func (l likeness) alike(a, b node, skew time.Duration) bool {
	if bytes.Equal(older(a.wire()), b.wire()) {
		return true
	}
	switch l {
	case likeUnordered:
		return equalSorted(a, b, 1)
	case likePairs:
		return equalSorted(a, b, 2)
	case likeCursor:
		return sameScan(a, b, 1)
	case likeCursorPairs:
		return sameScan(a, b, 2)
	case likeShape:
		return a.kind() == b.kind() && len(a.elems) == len(b.elems) && a.isNull() == b.isNull() && a.kind() != '-'
	case likeSeconds:
		return closeIntegers(a, b, 1+tolerated(skew)/1000)
	case likeMillis:
		return closeIntegers(a, b, tolerated(skew))
	case likeEncoding:
		return string(a.body) == "listpack" && string(b.body) == "hashtable"
	}
	return false
}

func equalSorted(a, b node, group int) bool {
	return bytes.Equal(a.sorted(group).wire(), b.sorted(group).wire())
}

// sameScan compares two replies to a scan from cursor 0.
func sameScan(a, b node, group int) bool {
	return a.isCursorReply() && b.isCursorReply() &&
		(!scanIsComplete(a) || !scanIsComplete(b) || equalSorted(a, b, group))
}

func scanIsComplete(n node) bool { return string(n.elems[0].body) == "0" }

// tolerated returns the milliseconds that times to live may differ by: one
// server may have set the deadline late, and the other may tell it late, and
// each reads a clock of milliseconds for either.
func tolerated(skew time.Duration) int64 { return 2*skew.Milliseconds() + 4 }

// closeIntegers compares two times to live. Negative values have a meaning of
// their own and are never close to another.
func closeIntegers(a, b node, tolerance int64) bool {
	x, okX := a.integer()
	y, okY := b.integer()
	return okX && okY && x >= 0 && y >= 0 && max(x, y)-min(x, y) <= tolerance
}
