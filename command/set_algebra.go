package command

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

// source is a set that takes part in an operation of several.
type source struct {
	key  engine.Key
	size int // members, 0 if there is no set
}

// algebra calls fn for each member of what is made of several sets, until it returns false.
type algebra func(c *Call, from []source, fn func(member []byte) bool) error

// sources returns the sets of some keys. That is the read of each that counts.
func (c *Call) sources(keys []engine.Key) ([]source, error) {
	from := make([]source, len(keys))
	for i, k := range keys {
		n, err := c.Tx.SLen(k)
		if err != nil {
			return nil, err
		}
		from[i] = source{k, n}
	}
	return from, nil
}

// SINTER key [key ...]
func sinter(c *Call) error { return c.replyMembers(intersection) }

// SUNION key [key ...]
func sunion(c *Call) error { return c.replyMembers(union) }

// SDIFF key [key ...]
func sdiff(c *Call) error { return c.replyMembers(difference) }

// SINTERSTORE destination key [key ...]
func sinterstore(c *Call) error { return c.storeMembers(intersection) }

// SUNIONSTORE destination key [key ...]
func sunionstore(c *Call) error { return c.storeMembers(sequence) }

// SDIFFSTORE destination key [key ...]
func sdiffstore(c *Call) error { return c.storeMembers(difference) }

const (
	errNumKeys       = Error("ERR numkeys should be greater than 0")
	errTooManyKeys   = Error("ERR Number of keys can't be greater than number of args")
	errNegativeLimit = Error("ERR LIMIT can't be negative")
)

// SINTERCARD numkeys key [key ...] [LIMIT limit]
func sintercard(c *Call) error {
	numKeys, ok := resp.ParseInt(c.Args[1])
	if !ok || numKeys < 1 {
		return errNumKeys
	}
	if numKeys > int64(len(c.Args)-2) {
		return errTooManyKeys
	}
	limit := int64(0)
	for i := 2 + int(numKeys); i < len(c.Args); i += 2 {
		if !is(c.Args[i], "limit") || i+1 == len(c.Args) {
			return errSyntax
		}
		if limit, ok = resp.ParseInt(c.Args[i+1]); !ok || limit < 0 {
			return errNegativeLimit
		}
	}
	from, err := c.sources(c.Keys)
	if err != nil {
		return err
	}
	n := int64(0)
	c.Tx.Quietly(func() {
		err = intersection(c, from, func([]byte) bool {
			n++
			return n != limit
		})
	})
	return c.integer(n, err)
}

// replyMembers replies with what is made of the sets among the arguments.
func (c *Call) replyMembers(op algebra) error {
	from, err := c.sources(c.Keys)
	if err != nil {
		return err
	}
	start, n := len(c.Out.B), 0
	c.Tx.Quietly(func() {
		err = op(c, from, func(member []byte) bool {
			c.Out.Bulk(member)
			n++
			return !c.Out.Cut
		})
	})
	if err != nil {
		return err
	}
	head := len(c.Out.B)
	c.Out.Set(n)
	c.putFirst(start, head)
	return nil
}

// storeMembers stores what is made of the sets behind the first key under that key.
func (c *Call) storeMembers(op algebra) error {
	from, err := c.sources(c.Keys[1:])
	if err != nil {
		return err
	}
	n := 0
	c.Tx.Quietly(func() {
		n, err = c.Tx.SStore(c.Keys[0], func(add func(member []byte) error) error {
			var failed error
			err := op(c, from, func(member []byte) bool {
				failed = add(member)
				return failed == nil
			})
			return cmp.Or(failed, err)
		})
	})
	return c.integer(int64(n), err)
}

// inAll reports whether each of some sets has a member.
func (c *Call) inAll(sets []source, member []byte) (bool, error) {
	for i := range sets {
		if ok, err := c.Tx.SHas(sets[i].key, member); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// inAny reports whether one of some sets has a member.
func (c *Call) inAny(sets []source, member []byte) (bool, error) {
	for i := range sets {
		if ok, err := c.Tx.SHas(sets[i].key, member); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// eachIf calls fn for the members of a set that keep is true for, until fn returns false.
func (c *Call) eachIf(of source, keep func(member []byte) (bool, error),
	fn func(member []byte) bool) (more bool, err error) {
	var failed error
	more = true
	err = c.Tx.SEach(of.key, func(member []byte) bool {
		ok, err := keep(member)
		switch {
		case err != nil:
			failed, more = err, false
		case ok:
			more = fn(member)
		}
		return more
	})
	return more, cmp.Or(failed, err)
}

// intersection goes through the smallest set and asks the others, smaller ones first.
func intersection(c *Call, from []source, fn func(member []byte) bool) error {
	sortSources(from)
	if from[0].size == 0 {
		return nil
	}
	keep := func(member []byte) (bool, error) { return c.inAll(from[1:], member) }
	_, err := c.eachIf(from[0], keep, fn)
	return err
}

// sortSources puts smaller sets before larger ones.
func sortSources(from []source) {
	slices.SortStableFunc(from, func(a, b source) int { return cmp.Compare(a.size, b.size) })
}

// sequence goes through each set, so that members of several come more than once.
func sequence(c *Call, from []source, fn func(member []byte) bool) error {
	for i := range from {
		more := true
		err := c.Tx.SEach(from[i].key, func(member []byte) bool {
			more = fn(member)
			return more
		})
		if !more || err != nil {
			return err
		}
	}
	return nil
}

// union goes through each set, the largest first, and leaves out what those before it have.
func union(c *Call, from []source, fn func(member []byte) bool) error {
	sortSources(from)
	slices.Reverse(from)
	s := newSieve(c, len(from), sum(from))
	for s.nextPass() {
		for i := range from {
			if from[i].size == 0 {
				break // as are those behind it
			}
			last := i == len(from)-1
			more, err := c.eachIf(from[i], func(member []byte) (bool, error) {
				if !s.passes(member) {
					return false, nil
				}
				found, err := s.find(from[:i], member)
				if !found && !last {
					s.note(i, member)
				}
				return !found, err
			}, fn)
			if !more || err != nil {
				return err
			}
		}
	}
	return nil
}

// difference goes through the first set and leaves out what one of the others has.
func difference(c *Call, from []source, fn func(member []byte) bool) error {
	first, others := from[0], from[1:]
	sortSources(others)
	all := sum(others)
	// To ask each of the others about each member may be more than to go through them all.
	s := &sieve{Call: c, of: 1, forgets: true}
	if all/len(from) < first.size {
		s = newSieve(c, len(others), all)
	}
	keep := func(member []byte) (bool, error) {
		if !s.passes(member) {
			return false, nil
		}
		found, err := s.find(others, member)
		return !found, err
	}
	for s.nextPass() {
		if err := s.noteShared(first, others); err != nil {
			return err
		}
		if more, err := c.eachIf(first, keep, fn); !more || err != nil {
			return err
		}
	}
	return nil
}

// sum returns how many members some sets have together.
func sum(of []source) (n int) {
	for i := range of {
		n += of[i].size
	}
	return n
}

// sieve finds which of several sets has a member. It asks one set after the other, or, where these
// are many, remembers which one it was. As it remembers few at a time, all members pass it several
// times, of which each counts once.
type sieve struct {
	*Call
	seed    maphash.Seed
	first   map[uint64]int32 // by hash, the first set that is known to have such a member; or nil
	pass    int              // the pass, from 1 on
	of      int              // how many there are
	forgets bool             // it never remembers
}

// fewSets is up to how many sets are asked one after the other, and sieveMost how many members are
// remembered: more would be memory that no limit knows of. To ask a set takes as long as some
// members take to pass, so that there are at most passesPerSet passes for each set.
const (
	fewSets      = 8
	sieveMost    = 1 << 16
	passesPerSet = 4
)

// newSieve returns a sieve of n sets that have so many members together.
func newSieve(c *Call, n, members int) *sieve {
	s := &sieve{Call: c, of: members/(sieveMost/4*3) + 1}
	if s.forgets = n <= fewSets || s.of > n*passesPerSet; s.forgets {
		s.of = 1
		return s
	}
	s.seed = maphash.MakeSeed()
	return s
}

// nextPass begins the next pass, if there is one.
func (s *sieve) nextPass() bool {
	s.pass++
	if s.first = nil; !s.forgets && s.pass <= s.of {
		s.first = map[uint64]int32{}
	}
	return s.pass <= s.of
}

// passes reports whether a member counts in this pass.
func (s *sieve) passes(member []byte) bool {
	return s.of == 1 || int(maphash.Bytes(s.seed, member)%uint64(s.of)) == s.pass-1
}

// noteShared notes which members of a set others have, as far as they count in this pass.
func (s *sieve) noteShared(first source, others []source) error {
	for i := 0; i < len(others) && s.first != nil; i++ {
		_, err := s.eachIf(others[i], func(member []byte) (bool, error) {
			if !s.passes(member) {
				return false, nil
			}
			return s.Tx.SHas(first.key, member)
		}, func(member []byte) bool {
			s.note(i, member)
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// note remembers that the set with an index has a member.
func (s *sieve) note(i int, member []byte) {
	if s.first == nil {
		return
	}
	if len(s.first) == sieveMost {
		s.first = nil // the sets are asked from now on
		return
	}
	h := maphash.Bytes(s.seed, member)
	if _, known := s.first[h]; !known {
		s.first[h] = int32(i)
	}
}

// find reports whether one of some sets, whose members were all noted if it remembers, has a
// member.
func (s *sieve) find(sets []source, member []byte) (bool, error) {
	if s.first == nil {
		return s.inAny(sets, member)
	}
	i, known := s.first[maphash.Bytes(s.seed, member)]
	if !known {
		return false, nil
	}
	if ok, err := s.Tx.SHas(sets[i].key, member); ok || err != nil {
		return ok, err
	}
	return s.inAny(sets, member) // two members have the same hash
}

// memberRoom is how many bytes a member may take in a result beyond what it takes in a set of its
// own kind: among integers alone it is shorter than beside other members.
const memberRoom = 16

// weighSet is an upper bound of what the members of a key's value take in another set.
func weighSet(c *Call, k engine.Key) int {
	n, _ := c.Tx.MemoryUsage(k)
	return n + n/4 + memberRoom*c.Tx.Elements(k)
}

// weighInter is the size of the smallest set, of which a part may be stored.
func weighInter(c *Call) int {
	least := weighSet(c, c.Keys[1])
	for _, k := range c.Keys[2:] {
		least = min(least, weighSet(c, k))
	}
	return least
}

// weighUnion is the size of all sets.
func weighUnion(c *Call) int {
	sum := 0
	for _, k := range c.Keys[1:] {
		sum += weighSet(c, k)
	}
	return sum
}

// weighDiff is the size of the first set, of which a part may be stored.
func weighDiff(c *Call) int { return weighSet(c, c.Keys[1]) }
