package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/redistill/redistill/internal/resp"
)

// node is one RESP2 or RESP3 value. It keeps what was on the wire, so that
// appendWire gives back exactly the bytes that were read.
type node struct {
	head  []byte // the first line, type byte included, CRLF not
	body  []byte // payload of a bulk value, nil for every other type
	elems []node // elements of an aggregate; key, value, key, value for a map
}

// parseNode reads a value that must fill wire to its end. The node is made of
// wire's bytes.
func parseNode(wire []byte) (node, error) {
	n, rest, err := readNode(wire)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes after the end of the reply")
	}
	return n, err
}

// readNode reads the value at the start of wire.
func readNode(wire []byte) (n node, rest []byte, err error) {
	size, elements, err := resp.ReplyHead(wire)
	if err != nil {
		return n, nil, fmt.Errorf("%w: %.100q", err, wire)
	}
	if size == 0 || size > len(wire) {
		return n, nil, io.ErrUnexpectedEOF
	}
	line, body, _ := bytes.Cut(wire[:size], []byte("\r\n"))
	n.head, rest = line, wire[size:]
	if len(body) > 0 {
		n.body = body[:len(body)-len("\r\n")]
	}
	for range elements {
		var e node
		if e, rest, err = readNode(rest); err != nil {
			return n, nil, err
		}
		n.elems = append(n.elems, e)
	}
	return n, rest, nil
}

func (n node) kind() byte { return n.head[0] }

// isNull tells whether n is one of the null replies of RESP2 and RESP3.
func (n node) isNull() bool {
	switch string(n.head) {
	case "_", "$-1", "*-1":
		return true
	}
	return false
}

// integer returns the value of an integer reply.
func (n node) integer() (int64, bool) {
	if n.kind() != ':' {
		return 0, false
	}
	v, err := strconv.ParseInt(string(n.head[1:]), 10, 64)
	return v, err == nil
}

func (n node) appendWire(dst []byte) []byte {
	dst = append(dst, n.head...)
	dst = append(dst, "\r\n"...)
	if n.body != nil {
		dst = append(dst, n.body...)
		dst = append(dst, "\r\n"...)
	}
	for _, e := range n.elems {
		dst = e.appendWire(dst)
	}
	return dst
}

func (n node) wire() []byte { return n.appendWire(nil) }

// sorted returns n with its elements in a canonical order. Groups of `group`
// neighbouring elements stay together; a map's entries always do. The elements
// of a cursor reply are those of the list in second place.
func (n node) sorted(group int) node {
	if n.isCursorReply() {
		n.elems = []node{n.elems[0], n.elems[1].sorted(group)}
		return n
	}
	if n.kind() == '%' {
		group = 2
	}
	if len(n.elems)%group != 0 {
		return n
	}
	groups := slices.Collect(slices.Chunk(n.elems, group))
	slices.SortFunc(groups, func(a, b []node) int {
		return bytes.Compare(wireOf(a), wireOf(b))
	})
	n.elems = slices.Concat(groups...)
	return n
}

func (n node) isCursorReply() bool {
	return len(n.elems) == 2 && n.elems[0].kind() == '$' && n.elems[1].kind() == '*'
}

func wireOf(nodes []node) []byte {
	var dst []byte
	for _, n := range nodes {
		dst = n.appendWire(dst)
	}
	return dst
}
