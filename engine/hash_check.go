package engine

import "fmt"

func (hashType) check(c *checker, sp *space, v view) error {
	if v.layout() == layoutPacked {
		return checkSmallHash(&v)
	}
	return c.checkBigHash(bigHash{bucketed{v.bucketRoot(), c.partsOf(sp, &v)}})
}

func checkSmallHash(v *view) error {
	b, n := v.valBytes(), 0
	err := checkEntries(b, packedHead, func(e *entry) error {
		if n++; e.long || e.ref {
			return fmt.Errorf("small hash has a field with parts")
		}
		if found, ok := findEntry(b, packedHead, e.field); !ok || found.off != e.off {
			return fmt.Errorf("field %.40q is there twice", e.field)
		}
		return nil
	})
	if err == nil && (n != v.packed() || n == 0 || v.vlen > hashMax) {
		err = fmt.Errorf("small hash of %d fields, %d counted, and %d bytes", n, v.packed(), v.vlen)
	}
	return err
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

// checkBigHash verifies a hash in parts and takes them.
func (c *checker) checkBigHash(h bigHash) error {
	fields, packed, long := 0, 0, 0
	if h.buckets() == 0 || h.buckets() >= refParts {
		return fmt.Errorf("hash of %d buckets", h.buckets())
	}
	for no := uint32(0); no < h.buckets(); no++ {
		s, p, ok := h.find(no)
		if !ok {
			continue
		}
		if !take(c.parts, s.loc()) || partType(p) != Hash {
			return fmt.Errorf("bucket %d is none, or another value's too", no)
		}
		b := hashBucket(partBytes(p))
		packed += len(b)
		if err := checkBucket(b); err != nil {
			return fmt.Errorf("bucket %d: %w", no, err)
		}
		err := checkEntries(b, b.entries(), func(e *entry) error {
			fields++
			e.eachRef(func(_ uint32, n int) { long += n })
			return c.checkField(&h, no, b, e)
		})
		if err != nil {
			return fmt.Errorf("bucket %d: %w", no, err)
		}
	}
	if fields != h.count() || packed != h.packed() || long != h.long() || fields == 0 {
		return fmt.Errorf("%d fields of %d bytes and %d in parts; counted are %d of %d and %d",
			fields, packed, long, h.count(), h.packed(), h.long())
	}
	return nil
}

func (hashType) checkPart(part []byte) error { return checkBucket(part) }

// checkBucket verifies the data of a bucket, of which it trusts nothing but the length.
func checkBucket(b hashBucket) error {
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
	return err
}

// checkField verifies an entry of a bucket and takes the parts that it refers to.
func (c *checker) checkField(h *bigHash, no uint32, b hashBucket, e *entry) error {
	var err error
	e.eachRef(func(first uint32, n int) {
		if first < refParts {
			err = fmt.Errorf("refers to part %d", first)
		} else if err == nil {
			err = c.takeRun(h.parts, first, n)
		}
	})
	if err != nil {
		return err
	}
	field := e.field
	if e.long {
		field = h.longField(*e)
	}
	_, found, ok := h.findField(b, field, hashBytes(field))
	if h.bucketOf(e) != no || !ok || found.off != e.off {
		return fmt.Errorf("field %.40q belongs to bucket %d; found: %v at %d, not %d", field, h.bucketOf(e), ok, found.off, e.off)
	}
	return nil
}
