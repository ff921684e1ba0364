package wiretest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// node is one RESP2 or RESP3 value. It keeps what was on the wire, so that
// appendWire gives back exactly the bytes that were read.
type node struct {
	head  []byte // the first line, type byte included, CRLF not
	body  []byte // payload of a bulk value, nil for every other type
	elems []node // elements of an aggregate; key, value, key, value for a map
}

var errNotCRLF = errors.New("line does not end in CRLF")

// readNode reads one whole value.
func readNode(r *bufio.Reader) (node, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		if len(line) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return node{}, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return node{}, fmt.Errorf("%w: %q", errNotCRLF, line)
	}
	n := node{head: line[:len(line)-2]}
	switch n.kind() {
	case '+', '-', ':', '_', '#', ',', '(':
		return n, nil
	case '$', '=', '!':
		return n, n.readBody(r)
	case '*', '%', '~', '>':
		return n, n.readElems(r)
	}
	return node{}, fmt.Errorf("unknown reply type: %q", line)
}

func (n *node) readBody(r *bufio.Reader) error {
	size, err := strconv.Atoi(string(n.head[1:]))
	if err != nil {
		return fmt.Errorf("bad bulk length %q", n.head)
	}
	if size < 0 {
		return nil
	}
	buf := make([]byte, size+2)
	if _, err := io.ReadFull(r, buf); err != nil {
		return err
	}
	if !bytes.HasSuffix(buf, []byte("\r\n")) {
		return fmt.Errorf("%w: bulk %q", errNotCRLF, buf)
	}
	n.body = buf[:size]
	return nil
}

func (n *node) readElems(r *bufio.Reader) error {
	count, err := strconv.Atoi(string(n.head[1:]))
	if err != nil {
		return fmt.Errorf("bad aggregate length %q", n.head)
	}
	if n.kind() == '%' {
		count *= 2
	}
	for range count {
		e, err := readNode(r)
		if err != nil {
			return err
		}
		n.elems = append(n.elems, e)
	}
	return nil
}

// parseNode reads a value that must fill wire to its end.
func parseNode(wire []byte) (node, error) {
	r := bufio.NewReader(bytes.NewReader(wire))
	n, err := readNode(r)
	if err != nil {
		return node{}, err
	}
	if _, err := r.ReadByte(); err == nil {
		return node{}, errors.New("bytes after the end of the reply")
	}
	return n, nil
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
