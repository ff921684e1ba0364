// Package resptest makes values of replies for tests, in the form that is handy to
// compare, and answers commands as tests want them answered.
package resptest

import (
	"bytes"
	"errors"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/tools/client"
)

// Value returns a reply in RESP2 as a string for strings and statuses, an error for
// errors, an int64, a []any, or nil.
func Value(r redcon.RESP) any {
	switch r.Type {
	case redcon.Error:
		return errors.New(r.String())
	case redcon.Integer:
		return r.Int()
	case redcon.Array:
		if r.Count < 0 {
			return nil
		}
		list := []any{}
		r.ForEach(func(r redcon.RESP) bool {
			list = append(list, Value(r))
			return true
		})
		return list
	}
	if r.Data == nil {
		return nil
	}
	return r.String()
}

// Parse returns the Value of the reply that is at the start of wire.
func Parse(wire []byte) (any, error) {
	r, err := client.NewReader(bytes.NewReader(wire), len(wire)).Read()
	if err != nil {
		return nil, err
	}
	return Value(r), nil
}
