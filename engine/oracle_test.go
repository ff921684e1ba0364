package engine_test

import (
	"bytes"
	"maps"
	"strconv"

	"github.com/redistill/redistill/engine"
)

// oracle is the Store as one writes it in an afternoon: maps and slices, one goroutine, no memory limit. The random tests do everything
// to it and to the real one, and compare.
type oracle struct {
	now, hits, misses int64
	noCount           bool
	db                int
	dbs               [engine.Databases]map[string]*oracleKey
	version           [engine.Databases]map[string]int // of every key: grows with each change
	changed           map[watchedKey]bool              // by operations, since the world looked
}

// oracleKey is what a key holds.
type oracleKey struct {
	val      []byte // of a string
	raw      bool   // a string that was written to in place
	fields   map[string][]byte
	large    bool // a hash that passed Redis's limits for a listpack
	members  map[string]bool
	enc      string // of a set
	deadline int64
}

func newOracle() *oracle {
	o := &oracle{changed: make(map[watchedKey]bool)}
	for i := range o.dbs {
		o.dbs[i], o.version[i] = make(map[string]*oracleKey), make(map[string]int)
	}
	return o
}

func (k *oracleKey) typ() engine.Type {
	switch {
	case k == nil:
		return engine.None
	case k.fields != nil:
		return engine.Hash
	case k.members != nil:
		return engine.Set
	}
	return engine.String
}

func (k *oracleKey) encoding() string {
	_, isInt := oracleInt(k.val)
	switch {
	case k.members != nil:
		return k.enc
	case k.fields != nil && k.large:
		return "hashtable"
	case k.fields != nil:
		return "listpack"
	case k.raw:
		return "raw"
	case isInt:
		return "int"
	case len(k.val) <= 44:
		return "embstr"
	}
	return "raw"
}

func (k *oracleKey) clone() *oracleKey {
	c := *k
	c.val = bytes.Clone(k.val)
	if k.fields != nil {
		c.fields = make(map[string][]byte)
		for f, v := range k.fields {
			c.fields[f] = v // never written to in place
		}
	}
	c.members = maps.Clone(k.members)
	return &c
}

// oracleInt parses the canonical text of an int64.
func oracleInt(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == string(b)
}

func oracleAdd(b []byte, there bool, delta int64) (int64, error) {
	if !there {
		return delta, nil
	}
	n, ok := oracleInt(b)
	if !ok {
		return 0, engine.ErrNotInteger
	}
	if sum := n + delta; delta == 0 || (sum > n) == (delta > 0) {
		return sum, nil
	}
	return 0, engine.ErrOverflow
}

// peek returns a key of a database, nil if it is missing or has expired.
func (o *oracle) peek(db int, k string) *oracleKey {
	e := o.dbs[db][k]
	if e != nil && e.deadline != engine.NoDeadline && o.now > e.deadline {
		o.vanish(db, k)
		return nil
	}
	return e
}

// read is peek for the reads, which count.
func (o *oracle) read(k string) *oracleKey {
	e := o.peek(o.db, k)
	switch {
	case o.noCount:
	case e != nil:
		o.hits++
	default:
		o.misses++
	}
	return e
}

func (o *oracle) touch(db int, k string) {
	o.version[db][k]++
	o.changed[watchedKey{db, k}] = true
}

func (o *oracle) put(db int, k string, e *oracleKey) { o.dbs[db][k] = e; o.touch(db, k) }

func (o *oracle) remove(db int, k string) { delete(o.dbs[db], k); o.touch(db, k) }

// vanish is remove for what no operation on the key did.
func (o *oracle) vanish(db int, k string) { delete(o.dbs[db], k); o.version[db][k]++ }

func wrongType(e *oracleKey, want engine.Type) error {
	if e != nil && e.typ() != want {
		return engine.ErrWrongType
	}
	return nil
}

func (o *oracle) get(k string) ([]byte, bool, error) {
	e := o.read(k)
	if err := wrongType(e, engine.String); e == nil || err != nil {
		return nil, false, err
	}
	return e.val, true, nil
}

func (o *oracle) set(k string, val []byte, deadline int64) {
	old := o.peek(o.db, k)
	if deadline == engine.KeepDeadline {
		deadline = engine.NoDeadline
		if old != nil {
			deadline = old.deadline
		}
	}
	o.put(o.db, k, &oracleKey{val: bytes.Clone(val), deadline: deadline})
}

func (o *oracle) append(k string, val []byte) (int, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.String); err != nil {
		return 0, err
	}
	if e == nil {
		o.set(k, val, engine.NoDeadline)
		return len(val), nil
	}
	return o.write(k, e, len(e.val), val), nil
}

func (o *oracle) setRange(k string, off int, val []byte) (int, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.String); err != nil {
		return 0, err
	}
	if len(val) == 0 {
		if e == nil {
			return 0, nil
		}
		return len(e.val), nil
	}
	if e == nil {
		e = &oracleKey{}
	}
	return o.write(k, e, off, val), nil
}

func (o *oracle) write(k string, e *oracleKey, off int, val []byte) int {
	if size := off + len(val); size > len(e.val) {
		e.val = append(e.val, make([]byte, size-len(e.val))...)
	}
	copy(e.val[off:], val)
	e.raw = true
	o.put(o.db, k, e)
	return len(e.val)
}

func (o *oracle) incrBy(k string, delta int64) (int64, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.String); err != nil {
		return 0, err
	}
	var old []byte
	if e != nil {
		old = e.val
	}
	sum, err := oracleAdd(old, e != nil, delta)
	if err == nil {
		o.set(k, strconv.AppendInt(nil, sum, 10), engine.KeepDeadline)
	}
	return sum, err
}

func (o *oracle) hset(k, field string, val []byte) (bool, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.Hash); err != nil {
		return false, err
	}
	if e == nil {
		e = &oracleKey{fields: make(map[string][]byte)}
	}
	_, there := e.fields[field]
	e.fields[field] = bytes.Clone(val)
	if len(e.fields) > 512 || len(field) > 64 || len(val) > 64 {
		e.large = true
	}
	o.put(o.db, k, e)
	return !there, nil
}

func (o *oracle) hget(k, field string) ([]byte, bool, error) {
	e := o.read(k)
	if err := wrongType(e, engine.Hash); e == nil || err != nil {
		return nil, false, err
	}
	v, ok := e.fields[field]
	return v, ok, nil
}

func (o *oracle) hdel(k, field string) (bool, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.Hash); e == nil || err != nil {
		return false, err
	}
	if _, ok := e.fields[field]; !ok {
		return false, nil
	}
	delete(e.fields, field)
	o.touch(o.db, k)
	if len(e.fields) == 0 {
		o.remove(o.db, k)
	}
	return true, nil
}

// fieldsOf returns the fields of a hash, nil if the key is missing. A read.
func (o *oracle) fieldsOf(k string) (map[string][]byte, error) {
	e := o.read(k)
	if err := wrongType(e, engine.Hash); e == nil || err != nil {
		return nil, err
	}
	return e.fields, nil
}

func (o *oracle) hincrBy(k, field string, delta int64) (int64, error) {
	e := o.peek(o.db, k)
	if err := wrongType(e, engine.Hash); err != nil {
		return 0, err
	}
	var old []byte
	there := false
	if e != nil {
		old, there = e.fields[field]
	}
	sum, err := oracleAdd(old, there, delta)
	if err == nil {
		_, err = o.hset(k, field, strconv.AppendInt(nil, sum, 10))
	}
	return sum, err
}

func (o *oracle) delete(k string) bool {
	if o.peek(o.db, k) == nil {
		return false
	}
	o.remove(o.db, k)
	return true
}

func (o *oracle) setDeadline(k string, at int64) bool {
	e := o.peek(o.db, k)
	switch {
	case e == nil:
		return false
	case at == engine.NoDeadline && e.deadline == engine.NoDeadline:
		return true // not a change
	case at != engine.NoDeadline && at <= o.now:
		return o.delete(k)
	}
	e.deadline = at
	o.touch(o.db, k)
	return true
}

func (o *oracle) rename(src, dst string) bool {
	e := o.peek(o.db, src)
	if e == nil || src == dst {
		return e != nil
	}
	o.remove(o.db, src)
	o.put(o.db, dst, e)
	return true
}

func (o *oracle) copy(src, dst string, db int, replace bool) bool {
	e := o.read(src)
	if e == nil || o.peek(db, dst) != nil && !replace {
		return false
	}
	if src != dst || db != o.db {
		o.put(db, dst, e.clone())
	}
	return true
}

func (o *oracle) move(k string, db int) bool {
	e := o.peek(o.db, k)
	if e == nil || o.peek(db, k) != nil {
		return false
	}
	o.remove(o.db, k)
	o.put(db, k, e)
	return true
}

func (o *oracle) flush(db int) {
	for k := range o.dbs[db] {
		o.vanish(db, k)
	}
}

// swap exchanges two databases. The versions stay: it is a change of the keys that are there in either.
func (o *oracle) swap(a, b int) {
	if a == b {
		return
	}
	for _, db := range [2]int{a, b} {
		for k := range o.dbs[db] {
			o.peek(db, k) // expiry is a change in its own database only
		}
	}
	for _, db := range [2]int{a, b} {
		for k := range o.dbs[db] {
			o.version[a][k]++
			o.version[b][k]++
		}
	}
	o.dbs[a], o.dbs[b] = o.dbs[b], o.dbs[a]
}

// present returns the names of the keys of a database that have not expired.
func (o *oracle) present(db int) map[string]bool {
	names := make(map[string]bool)
	for k := range o.dbs[db] {
		if o.peek(db, k) != nil {
			names[k] = true
		}
	}
	return names
}
