package sample

import (
	"strconv"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/tools/client"
)

// number returns a reply as a number; of another it is an error.
func number(r redcon.RESP) (int64, error) {
	if err := client.ErrorOf(r); err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(r.String(), 10, 64)
	if err != nil {
		return 0, client.ErrNotRedis
	}
	return n, nil
}

// elements returns those of an array, of which another reply has none. They are
// valid as long as the reply.
func elements(r redcon.RESP) []redcon.RESP {
	var list []redcon.RESP
	r.ForEach(func(r redcon.RESP) bool {
		list = append(list, r)
		return true
	})
	return list
}

// texts returns the elements of an array as texts.
func texts(r redcon.RESP) []string {
	var list []string
	for _, e := range elements(r) {
		list = append(list, e.String())
	}
	return list
}
