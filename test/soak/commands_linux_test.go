package soak

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/redcon"

	"github.com/redistill/redistill/internal/resp"
)

// add appends a random command with the test of its reply, or a few that belong together.
func (k *talker) add() {
	key := fmt.Sprint(k.prefix, "s", k.r.IntN(10))
	switch k.r.IntN(16) {
	case 0, 1:
		k.set(key, k.value(key))
	case 2, 3, 4:
		k.get(key)
	case 5:
		k.ask(func(got []byte) bool { return k.number(got, len(k.strings[key]), 0) }, "STRLEN", key)
	case 6:
		k.del(key)
	case 7:
		k.count()
	case 8, 9, 10:
		k.hash()
	case 11:
		v := k.value(key)
		k.ask(func(got []byte) bool { return k.is(got, func(o *resp.Out) { o.BulkString(v) }) }, "ECHO", v)
	case 12:
		k.transaction(key)
	case 13:
		k.watched(key)
	case 14:
		k.copy(key)
	case 15:
		k.ask(func(got []byte) bool { return k.is(got, func(o *resp.Out) { o.BulkString(k.user) }) }, "ACL", "WHOAMI")
	}
}

func (k *talker) set(key, value string) {
	k.ask(func(got []byte) bool {
		if string(got) != "+OK\r\n" {
			return k.refused(got)
		}
		k.strings[key] = value
		return true
	}, "SET", key, value, "EX", strconv.Itoa(keyLife))
}

func (k *talker) get(key string) {
	k.ask(func(got []byte) bool { return k.found(got, k.strings, key) }, "GET", key)
}

// found tests the value of a key or field, which is null where there is none.
func (k *talker) found(got []byte, from map[string]string, key string) bool {
	v, ok := from[key]
	if ok && k.is(got, func(o *resp.Out) { o.BulkString(v) }) {
		return true
	}
	if ok && !k.mayMiss() || !k.is(got, (*resp.Out).Null) {
		return false
	}
	k.missed += int64(oneIf(ok))
	delete(from, key)
	return true
}

// number tests a reply that is a number, or the other one where the key is missing.
func (k *talker) number(got []byte, want, missing int) bool {
	return k.is(got, func(o *resp.Out) { o.Int(int64(want)) }) ||
		k.mayMiss() && k.is(got, func(o *resp.Out) { o.Int(int64(missing)) })
}

func (k *talker) del(key string) {
	k.ask(func(got []byte) bool {
		_, there := k.strings[key]
		delete(k.strings, key)
		return k.number(got, oneIf(there), 0)
	}, "DEL", key)
}

func oneIf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (k *talker) count() {
	key := fmt.Sprint(k.prefix, "n", k.r.IntN(2))
	k.ask(func(got []byte) bool {
		if k.refused(got) {
			return true
		}
		k.numbers[key]++
		if k.number(got, k.numbers[key], k.numbers[key]) {
			return true
		}
		k.numbers[key] = 1
		return k.mayMiss() && k.number(got, 1, 1)
	}, "INCR", key)
	k.expire(key, func() bool { return k.numbers[key] > 0 })
}

// expire limits the life of a key that may be there.
func (k *talker) expire(key string, there func() bool) {
	k.ask(func(got []byte) bool { return k.number(got, oneIf(there()), 0) }, "EXPIRE", key, strconv.Itoa(keyLife))
}

func (k *talker) hash() {
	key, field := fmt.Sprint(k.prefix, "h", k.r.IntN(2)), fmt.Sprint("f", k.r.IntN(30))
	h := k.hashes[key]
	if h == nil {
		h = map[string]string{}
		k.hashes[key] = h
	}
	switch k.r.IntN(7) {
	case 0, 1:
		value := k.value(key)
		k.ask(func(got []byte) bool {
			if k.refused(got) {
				return true
			}
			_, there := h[field]
			h[field] = value
			return k.number(got, oneIf(!there), 1)
		}, "HSET", key, field, value)
		k.expire(key, func() bool { return len(h) > 0 })
	case 2, 3:
		k.ask(func(got []byte) bool { return k.found(got, h, field) }, "HGET", key, field)
	case 4, 5:
		k.ask(func(got []byte) bool {
			_, there := h[field]
			delete(h, field)
			return k.number(got, oneIf(there), 0)
		}, "HDEL", key, field)
	case 6:
		k.ask(func(got []byte) bool { return k.allFields(got, h) }, "HGETALL", key)
	}
}

// allFields tests the reply to HGETALL: the fields in any order, each once.
func (k *talker) allFields(got []byte, h map[string]string) bool {
	header := func(n int) []byte {
		k.want.B = k.want.B[:0]
		k.want.Map(n)
		return k.want.B
	}
	words, n, ok := parseStrings(got)
	if !ok || !bytes.HasPrefix(got, header(n/2)) || n%2 != 0 {
		return false
	}
	seen := map[string]string{}
	for i := 0; i < n; i += 2 {
		if v, there := h[words[i]]; !there || v != words[i+1] {
			return false
		}
		seen[words[i]] = words[i+1]
	}
	if len(seen) != n/2 || len(seen) != len(h) && !k.mayMiss() {
		return false
	}
	maps.DeleteFunc(h, func(field, _ string) bool { _, there := seen[field]; return !there })
	return true
}

// parseStrings returns the strings in an array or map of strings, and their number.
func parseStrings(reply []byte) (words []string, n int, ok bool) {
	_, rest, ok := bytes.Cut(reply, []byte("\r\n"))
	for ok && len(rest) > 0 {
		size, word := redcon.ReadNextRESP(rest)
		if word.Type != redcon.Bulk || word.Data == nil {
			return nil, 0, false
		}
		words = append(words, word.String())
		rest = rest[size:]
	}
	return words, len(words), ok
}

// transaction appends MULTI, a GET, a PING and EXEC.
func (k *talker) transaction(key string) {
	k.atomically([]string{"GET", key}, func(o *resp.Out) {
		if v, ok := k.strings[key]; ok {
			o.BulkString(v)
			return
		}
		o.Null()
	})
}

// atomically appends a transaction of a command, whose reply result appends, and a PING.
func (k *talker) atomically(command []string, result func(o *resp.Out)) {
	status := func(text string) func([]byte) bool {
		return func(got []byte) bool { return k.is(got, func(o *resp.Out) { o.Simple(text) }) || k.refused(got) }
	}
	k.ask(status("OK"), "MULTI")
	if k.denial([]string{"MULTI"}) != "" {
		return
	}
	k.ask(status("QUEUED"), command...)
	k.ask(status("QUEUED"), "PING")
	aborted := k.denial(command) != "" || k.denial([]string{"PING"}) != ""
	k.ask(func(got []byte) bool {
		failed := bytes.HasPrefix(got, []byte("-EXECABORT "))
		if aborted || failed {
			return failed && (aborted || k.loose)
		}
		return k.is(got, func(o *resp.Out) { o.Array(2); result(o); o.Simple("PONG") }) ||
			k.mayMiss() && k.is(got, func(o *resp.Out) { o.Array(2); o.Null(); o.Simple("PONG") })
	}, "EXEC")
}

// watched appends a transaction on a watched key, which often changes before it.
func (k *talker) watched(key string) {
	if k.rules != nil {
		k.transaction(key) // which has the cases of what is denied
		return
	}
	k.ask(func(got []byte) bool { return string(got) == "+OK\r\n" }, "WATCH", key)
	changed := k.r.IntN(2) == 0
	value, set := k.value(key), false
	if changed {
		k.ask(func(got []byte) bool {
			if set = string(got) == "+OK\r\n"; set {
				k.strings[key] = value
			}
			return set || k.refused(got)
		}, "SET", key, value, "EX", strconv.Itoa(keyLife))
	}
	ok := func(text string) func(got []byte) bool {
		return func(got []byte) bool { return string(got) == "+"+text+"\r\n" || k.refused(got) }
	}
	k.ask(ok("OK"), "MULTI")
	next := k.value(key)
	k.ask(ok("QUEUED"), "SET", key, next, "EX", strconv.Itoa(keyLife))
	k.ask(func(got []byte) bool {
		if k.is(got, (*resp.Out).NullArray) {
			return set || k.mayMiss()
		}
		if string(got) == "*1\r\n+OK\r\n" && !set {
			k.strings[key] = next
			return true
		}
		return k.loose && bytes.HasPrefix(got, []byte("-EXECABORT "))
	}, "EXEC")
}

// copy appends a DUMP, or a RESTORE of what an earlier one returned.
func (k *talker) copy(key string) {
	if d := k.dumped; d != nil && k.r.IntN(2) == 0 {
		k.ask(func(got []byte) bool {
			if string(got) != "+OK\r\n" {
				return k.refused(got)
			}
			k.strings[key] = d.value
			return true
		}, "RESTORE", key, strconv.Itoa(keyLife*1000), d.payload, "REPLACE")
		return
	}
	k.ask(func(got []byte) bool {
		v, ok := k.strings[key]
		if k.is(got, (*resp.Out).Null) {
			delete(k.strings, key)
			return !ok || k.mayMiss()
		}
		words, n, parsed := parseStrings(append([]byte("*1\r\n"), got...))
		if !ok || !parsed || n != 1 || !strings.Contains(words[0], v) {
			return false
		}
		k.dumped = &dumped{words[0], v}
		return true
	}, "DUMP", key)
}

// keys returns the keys that there have to be.
func (k *talker) keys() []string {
	list := slices.Concat(slices.Collect(maps.Keys(k.strings)), slices.Collect(maps.Keys(k.numbers)))
	for key, h := range k.hashes {
		if len(h) > 0 {
			list = append(list, key)
		}
	}
	return list
}

// value returns random bytes, mostly few, rarely many, of which authentic can tell that they were written to the key.
func (k *talker) value(key string) string {
	limit := 100
	switch n := k.r.IntN(1000); {
	case n < 2:
		limit = k.most
	case n < 20:
		limit = 64 << 10
	case n < 200:
		limit = 4 << 10
	}
	seed := k.r.Uint64()
	text := binary.BigEndian.AppendUint64([]byte(owner(key)), seed)
	return string(appendRandom(text, seed, k.r.IntN(min(limit, k.most))))
}

// owner is the beginning of all keys and values of one connection.
func owner(key string) string { return key[:strings.IndexByte(key, ':')+1] }

// appendRandom appends n bytes that follow from a seed.
func appendRandom(dst []byte, seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	for end := len(dst) + n; len(dst) < end; {
		for bits, j := r.Uint64(), 0; j < 8 && len(dst) < end; bits, j = bits>>8, j+1 {
			dst = append(dst, byte(bits))
		}
	}
	return dst
}

// authentic reports whether a client wrote a value to the key, or to another one of the same connection, exactly so.
func authentic(key, value string) bool {
	head := len(owner(key)) + 8
	if len(value) < head || value[:head-8] != owner(key) {
		return false
	}
	seed := binary.BigEndian.Uint64([]byte(value[head-8 : head]))
	return string(appendRandom([]byte(value[:head]), seed, len(value)-head)) == value
}
