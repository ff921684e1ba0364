package command

import (
	"hash/maphash"
	"math"
	"math/rand/v2"

	"github.com/redistill/redistill/engine"
	"github.com/redistill/redistill/internal/resp"
)

const errNotPositive = Error("ERR value is out of range, must be positive")

// SPOP key [count]
func spop(c *Call) (err error) {
	if len(c.Args) > 3 {
		return errSyntax
	}
	if len(c.Args) == 2 {
		c.Tx.Quietly(func() { err = c.popOne(c.Keys[0]) })
		return err
	}
	count, ok := resp.ParseInt(c.Args[2])
	if !ok || count < 0 {
		return errNotPositive
	}
	c.Tx.Quietly(func() { err = c.popSome(c.Keys[0], count) })
	return err
}

// popOne replies with a random member of a set and takes it out, or with null if there is no set.
func (c *Call) popOne(k engine.Key) error {
	n, err := c.Tx.SLen(k)
	if err == nil && n == 0 {
		c.Out.Null()
	}
	if n == 0 || err != nil {
		return err
	}
	return c.popMembers(k, 1)
}

// popSome replies with count random members of a set, at most all, and takes them out.
func (c *Call) popSome(k engine.Key, count int64) error {
	n, err := c.Tx.SLen(k)
	if err != nil {
		return err
	}
	if count < int64(n) {
		c.Out.Set(int(count))
		return c.popMembers(k, int(count))
	}
	if err := c.allMembers(k, n); err != nil {
		return err
	}
	if c.Tx.Delete(k) {
		c.Tx.Tell(k, engine.EventDel)
	}
	return nil
}

// popMembers replies with n members of those that a set has, one after the other, and takes each
// out before the next is chosen.
func (c *Call) popMembers(k engine.Key, n int) error {
	var member []byte
	for ; n > 0 && !c.Out.Cut; n-- {
		_, err := c.Tx.SRandom(k, func(m []byte) { member = append(member[:0], m...) })
		if err == nil {
			_, err = c.Tx.SRem(k, member)
		}
		if err != nil {
			return err
		}
		c.Out.Bulk(member)
	}
	return nil
}

// SRANDMEMBER key [count]
func srandmember(c *Call) error {
	if len(c.Args) > 3 {
		return errSyntax
	}
	if len(c.Args) == 2 {
		ok, err := c.Tx.SRandom(c.Keys[0], c.Out.Bulk)
		if err == nil && !ok {
			c.Out.Null()
		}
		return err
	}
	count, err := c.intBetween(2, -math.MaxInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	if c.S.unsent > 0 { // the reply has begun
		c.Tx.Quietly(func() { err = c.anyMembers(-count) })
		return err
	}
	size, err := c.Tx.SLen(c.Keys[0])
	if err != nil {
		return err
	}
	c.Tx.Quietly(func() { err = c.randomMembers(count, size) }) // SLen was the read
	return err
}

// randomMembers replies with count different members of the size members there are, at most all;
// with -count members, which may be the same, if count is negative.
func (c *Call) randomMembers(count int64, size int) error {
	distinct := int(min(count, int64(size)))
	switch {
	case count == 0 || size == 0:
		c.Out.Array(0)
		return nil
	case count < 0:
		return c.anyMembers(-count)
	case fewToPick(distinct, size):
		return c.pickMembers(distinct)
	}
	return c.sampleMembers(distinct, size)
}

// pickMost is how many elements are picked at most, one after the other: those that were picked are
// remembered, which is memory that no limit knows of.
const pickMost = 1 << 16

// fewToPick reports whether n of size elements are so few that they are picked at random. It would
// take longer to go through all.
func fewToPick(n, size int) bool { return size > 128 && n <= size/4 && n <= pickMost }

// picked remembers elements by their hashes.
type picked struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newPicked() picked { return picked{maphash.MakeSeed(), map[uint64]struct{}{}} }

// add notes an element and reports whether it is new. Of two with the same hash one never is.
func (p *picked) add(element []byte) bool {
	n := len(p.hashes)
	p.hashes[maphash.Bytes(p.seed, element)] = struct{}{}
	return len(p.hashes) > n
}

// anyMembers replies with n members, each chosen from all. See repeat.
func (c *Call) anyMembers(n int64) error {
	return c.repeat(n, func() { c.Out.Array(int(n)) }, func() {
		if ok, err := c.Tx.SRandom(c.Keys[0], c.Out.Bulk); !ok || err != nil {
			c.Out.Null()
		}
	})
}

// sampleMembers replies with n of size members: it goes through all and takes each with the chance
// that makes every choice as likely.
func (c *Call) sampleMembers(n, size int) error {
	c.Out.Array(n)
	return c.Tx.SEach(c.Keys[0], func(member []byte) bool {
		if rand.IntN(size) < n {
			c.Out.Bulk(member)
			n--
		}
		size--
		return n > 0 && !c.Out.Cut
	})
}

// pickMembers replies with n members, which are few of all: it chooses from all and again if it
// knows the member already.
func (c *Call) pickMembers(n int) error {
	c.Out.Array(n)
	known := newPicked()
	for len(known.hashes) < n && !c.Out.Cut {
		_, err := c.Tx.SRandom(c.Keys[0], func(member []byte) {
			if known.add(member) {
				c.Out.Bulk(member)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
