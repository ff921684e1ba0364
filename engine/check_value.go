package engine

import "fmt"

// checkValues verifies the values of a keyspace and takes their parts.
func (c *checker) checkValues(sp *keyspace) error {
	for i := uint32(0); i < sp.keys.buckets; i++ {
		for b := sp.keys.bucket(i); b != nil; b = sp.keys.child(b) {
			for s := (slot{b, 0}); s.i < bucketSlots; s.i++ {
				if load8(b, s.i) == 0 {
					continue
				}
				v := decode(c.sh.at(s.loc()))
				if err := c.checkValue(sp, &v); err != nil {
					return fmt.Errorf("key %.40q: %w", v.keyBytes(), err)
				}
			}
		}
	}
	return nil
}

func (c *checker) checkValue(sp *keyspace, v *view) error {
	switch v.kind() {
	case kindHash:
		return checkSmallHash(v)
	case kindBigStr:
		b := v.bigStr()
		if b.total <= len(b.head) {
			return fmt.Errorf("string of %d bytes, %d in the record, has parts", b.total, len(b.head))
		}
		return c.takeRun(sp, b.owner, 0, b.total-len(b.head))
	case kindBigHash:
		return c.checkBigHash(sp, v)
	}
	return nil
}

// takeRun takes the parts that hold n bytes from number first on.
func (c *checker) takeRun(sp *keyspace, o owner, first uint32, n int) error {
	for no := first; n > 0; no++ {
		want := min(n, partData)
		s, p, ok := c.sh.findPart(sp, o, no)
		switch {
		case !ok:
			return fmt.Errorf("part %d is missing", no)
		case len(partBytes(p)) != want || load8(p, 0)&flagBucket != 0:
			return fmt.Errorf("part %d has %d bytes, want %d, and flags %#x", no, len(partBytes(p)), want, load8(p, 0))
		case !take(c.parts, s.loc()):
			return fmt.Errorf("part %d belongs to another value too", no)
		}
		n -= want
	}
	return nil
}

// checkEntries verifies that b is made of entries from off on, and calls fn for each.
func checkEntries(b []byte, off int, fn func(e *entry) error) error {
	for off < len(b) {
		n, at, ok := checkVarint(b, off)
		stored, at, ok2 := checkVarint(b, at)
		flen := n >> 1
		if !ok || !ok2 || flen > MaxKey {
			return fmt.Errorf("field of %d bytes, value of %d", flen, stored)
		}
		if flen > inlineField {
			flen = longSize
		}
		if n&1 != 0 {
			stored = refSize
		}
		if at+flen+stored > len(b) {
			return fmt.Errorf("entry of %d bytes where there are %d", flen+stored, len(b)-at)
		}
		e := entryAt(b, off)
		if err := fn(&e); err != nil {
			return err
		}
		off = e.end
	}
	return nil
}

func checkSmallHash(v *view) error {
	b, n := v.valBytes(), 0
	err := checkEntries(b, hashHeader, func(e *entry) error {
		if n++; e.long || e.ref {
			return fmt.Errorf("small hash has a field with parts")
		}
		if found, ok := findEntry(b, hashHeader, e.field); !ok || found.off != e.off {
			return fmt.Errorf("field %.40q is there twice", e.field)
		}
		return nil
	})
	if err == nil && (n != hashCount(v) || n == 0 || v.vlen > hashMax) {
		err = fmt.Errorf("small hash of %d fields, %d counted, and %d bytes", n, hashCount(v), v.vlen)
	}
	return err
}

// checkBigHash verifies a hash in parts and takes them.
func (c *checker) checkBigHash(sp *keyspace, v *view) error {
	h := v.bigHash(hashBytes(v.keyBytes()))
	fields, packed, long := 0, 0, 0
	if h.buckets() == 0 || h.buckets() >= refParts {
		return fmt.Errorf("hash of %d buckets", h.buckets())
	}
	for no := uint32(0); no < h.buckets(); no++ {
		s, p, ok := c.sh.findPart(sp, h.owner(), no)
		if !ok {
			continue
		}
		if !take(c.parts, s.loc()) || load8(p, 0)&flagBucket == 0 {
			return fmt.Errorf("bucket %d is none, or another value's too", no)
		}
		b := hashBucket(partBytes(p))
		packed += len(b)
		err := checkBucket(b, func(e *entry) error {
			fields++
			e.eachRef(func(_ uint32, n int) { long += n })
			return c.checkField(sp, h, no, b, e)
		})
		if err != nil {
			return fmt.Errorf("bucket %d: %w", no, err)
		}
	}
	if fields != h.count() || packed != h.packed() || long != int(load64(h.p, 16)) || fields == 0 {
		return fmt.Errorf("%d fields of %d bytes and %d in parts; counted are %d of %d and %d",
			fields, packed, long, h.count(), h.packed(), load64(h.p, 16))
	}
	return nil
}

// checkBucket verifies the data of a bucket, of which it trusts nothing but the length, and then calls fn for the entries.
func checkBucket(b hashBucket, fn func(e *entry) error) error {
	if len(b) < firstBucket || b.groups() == 0 || b.entries() > len(b) {
		return fmt.Errorf("%d bytes with a wrong number of groups", len(b))
	}
	n := 0
	err := checkEntries(b, b.entries(), func(e *entry) error {
		if n == b.groups()*groupSlots || b.tag(n) == 0 || b.offset(n) != e.off-b.entries() {
			return fmt.Errorf("entry %d at %d has no slot, or a wrong one", n, e.off)
		}
		n++
		return nil
	})
	if err == nil && (n != b.count() || n <= (b.groups()-1)*groupSlots) {
		err = fmt.Errorf("%d entries in %d groups with %d slots in use", n, b.groups(), b.count())
	}
	if err != nil {
		return err
	}
	return checkEntries(b, b.entries(), fn)
}

// checkField verifies an entry of a bucket and takes the parts that it refers to.
func (c *checker) checkField(sp *keyspace, h bigHash, no uint32, b hashBucket, e *entry) error {
	var err error
	e.eachRef(func(first uint32, n int) {
		if first < refParts {
			err = fmt.Errorf("refers to part %d", first)
		} else if err == nil {
			err = c.takeRun(sp, h.owner(), first, n)
		}
	})
	if err != nil {
		return err
	}
	field := e.field
	if e.long {
		field = c.sh.longField(sp, h, *e)
	}
	_, found, ok := c.sh.findField(sp, h, b, field, hashBytes(field))
	if h.bucketOf(e) != no || !ok || found.off != e.off {
		return fmt.Errorf("field %.40q belongs to bucket %d; found: %v at %d, not %d", field, h.bucketOf(e), ok, found.off, e.off)
	}
	return nil
}

// checkDoomed takes the parts that are still to be deleted.
func (c *checker) checkDoomed() error {
	all := c.sh.doomed
	if c.sh.snap != nil {
		for _, h := range c.sh.snap.held {
			all = append(all[:len(all):len(all)], h.doomed...)
		}
	}
	for _, d := range all {
		for no := d.next; no != d.end; no++ {
			if err := c.takeDoomed(c.sh.spaces[d.space], d.owner, no); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeDoomed takes a part, if it is there, and those that its entries refer to if it is a bucket.
func (c *checker) takeDoomed(sp *keyspace, o owner, no uint32) error {
	s, p, ok := c.sh.findPart(sp, o, no)
	if !ok {
		return nil
	}
	if !take(c.parts, s.loc()) {
		return fmt.Errorf("part %d of owner %#x is to be deleted, and is a part of a value", no, o.id)
	}
	if load8(p, 0)&flagBucket == 0 {
		return nil
	}
	return checkBucket(partBytes(p), func(e *entry) error {
		var err error
		e.eachRef(func(first uint32, n int) {
			for i := uint32(0); err == nil && i < uint32(partCount(n)); i++ {
				err = c.takeDoomed(sp, o, first+i)
			}
		})
		return err
	})
}
