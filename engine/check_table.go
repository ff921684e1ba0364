package engine

import "fmt"

// checkSpace verifies the tables of a space and its counts.
func (c *checker) checkSpace(sp *space) error {
	if c.sh.spaces[sp.id] != sp || c.sh.dbs[sp.db] != sp {
		return fmt.Errorf("is database %d, which is another space", sp.db)
	}
	if err := c.checkKeys(sp); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	err := c.checkTable(&sp.parts, func(l loc) (uint64, bool, error) {
		p := c.sh.at(l)
		if load8(p, 0)&layoutMask != layoutPart || load8(p, 1)>>4 != sp.id {
			return 0, false, fmt.Errorf("not a part of this space")
		}
		c.parts[l>>locBits].set(l.offset())
		o, no := partOwner(p), partNumber(p)
		s, _, ok := c.sh.findPart(sp, o, no)
		return partHash(o, no), ok && s.loc() == l, nil
	})
	if err != nil {
		return fmt.Errorf("parts: %w", err)
	}
	return nil
}

// checkKeys verifies the table of keys, and the counts of deadlines.
func (c *checker) checkKeys(sp *space) error {
	expires, deadlines := 0, int64(0)
	err := c.checkTable(&sp.keys, func(l loc) (uint64, bool, error) {
		p := c.sh.at(l)
		if load8(p, 0)&layoutMask == layoutPart || load8(p, 1)>>4 != sp.id {
			return 0, false, fmt.Errorf("not a key of this space")
		}
		v := decode(p)
		if at := v.deadline(); at != NoDeadline {
			expires++
			deadlines += at - deadlineZero
		}
		hash := hashBytes(v.keyBytes())
		if hash&c.mask != c.number {
			return 0, false, fmt.Errorf("key of another shard")
		}
		r := ref{sh: c.sh, sp: sp, key: Key{v.keyBytes(), hash}}
		return hash, r.find() && r.slot.loc() == l, nil
	})
	if err == nil && (expires != sp.expires || deadlines != sp.deadlines) {
		err = fmt.Errorf("%d have a deadline, in sum %d; counted are %d and %d", expires, deadlines, sp.expires, sp.deadlines)
	}
	return err
}

// recordCheck returns the hash of the record at a location, and whether a look-up of it leads there.
type recordCheck func(l loc) (hash uint64, found bool, err error)

// checkTable verifies the structure of a table, and every entry with record.
func (c *checker) checkTable(t *table, record recordCheck) error {
	if t.buckets == 0 {
		if t.keys != 0 || t.blocks() != 0 {
			return fmt.Errorf("no buckets, but %d keys and %d blocks", t.keys, t.blocks())
		}
		return nil
	}
	if t.buckets < minBuckets || len(t.pages) != int(t.buckets+pageMask)>>pageShift || t.mask&(t.mask+1) != 0 ||
		t.mask >= t.buckets || t.buckets > t.mask<<1|1 || int(t.spilled) > len(t.overflow)<<pageShift {
		return fmt.Errorf("%d buckets in %d pages, mask %#x, %d overflow buckets in %d pages",
			t.buckets, len(t.pages), t.mask, t.spilled, len(t.overflow))
	}
	spills, keys := make([]bool, t.spilled), 0
	for i := uint32(0); i < t.buckets; i++ {
		n, err := c.checkChain(t, i, spills, record)
		if err != nil {
			return fmt.Errorf("bucket %d: %w", i, err)
		}
		keys += n
	}
	if keys != t.keys {
		return fmt.Errorf("%d entries, %d counted", keys, t.keys)
	}
	for next := t.free; next != 0; next = load32(t.spill(next-1), bucketChild) {
		if err := claim(spills, next-1); err != nil {
			return fmt.Errorf("free list: %w", err)
		}
	}
	for i, seen := range spills {
		if !seen {
			return fmt.Errorf("overflow bucket %d is neither in a chain nor free", i)
		}
	}
	return nil
}

// claim notes that an overflow bucket was seen.
func claim(spills []bool, i uint32) error {
	if int(i) >= len(spills) || spills[i] {
		return fmt.Errorf("overflow bucket %d of %d is not there or used twice", i, len(spills))
	}
	spills[i] = true
	return nil
}

// checkChain verifies a primary bucket and those that continue it, and returns the number of entries.
func (c *checker) checkChain(t *table, index uint32, spills []bool, record recordCheck) (keys int, err error) {
	for b := t.bucket(index); b != nil; b = t.child(b) {
		child := load32(b, bucketChild)
		if child != 0 {
			if err := claim(spills, child-1); err != nil {
				return 0, err
			}
		}
		used := 0
		for i := range bucketSlots {
			tag := load8(b, i)
			if tag == 0 {
				continue
			}
			used++
			if err := c.checkSlot(t, index, tag, slot{b, i}.loc(), record); err != nil {
				return 0, fmt.Errorf("slot %d: %w", i, err)
			}
		}
		if child != 0 && used != bucketSlots || used == 0 && b != t.bucket(index) {
			return 0, fmt.Errorf("chain has a bucket with %d entries in the middle or none at the end", used)
		}
		keys += used
	}
	return keys, nil
}

// checkSlot verifies one entry of a table.
func (c *checker) checkSlot(t *table, index uint32, tag uint8, l loc, record recordCheck) error {
	if !take(c.records, l) {
		return fmt.Errorf("points to %#x, where no live record is, or one that another entry points to", l)
	}
	hash, found, err := record(l)
	if err != nil {
		return err
	}
	if tag != tagOf(hash) || t.index(hash) != index || !found {
		return fmt.Errorf("hash %#x has tag %d and bucket %d, not tag %d; found: %v", hash, tagOf(hash), t.index(hash), tag, found)
	}
	return nil
}
