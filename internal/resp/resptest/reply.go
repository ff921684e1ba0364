// Package resptest reads replies for tests, in the form that is handy to compare.
package resptest

import (
	"bufio"
	"errors"
	"io"
	"strconv"
)

// Reply reads a RESP2 reply: a string for strings and statuses, an error for errors, an int64, a []any, or nil. err is what is wrong with
// the reply, or with reading it.
func Reply(r *bufio.Reader) (v any, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, text := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		return text, nil
	case '-':
		return errors.New(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || kind == ':':
		return n, err
	case n < 0:
		return nil, nil
	case kind == '$':
		b := make([]byte, n+2)
		_, err := io.ReadFull(r, b)
		return string(b[:n]), err
	}
	list := []any{}
	for range n {
		v, err := Reply(r)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
