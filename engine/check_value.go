package engine

import "fmt"

// checkValues verifies the values of a space and takes their parts.
func (c *checker) checkValues(sp *space) error {
	for i := uint32(0); i < sp.keys.buckets; i++ {
		for b := sp.keys.bucket(i); b != nil; b = sp.keys.child(b) {
			for s := (slot{b, 0}); s.i < bucketSlots; s.i++ {
				if load8(b, s.i) == 0 {
					continue
				}
				v := decode(c.sh.at(s.loc()))
				if err := types[v.typ()].check(c, sp, v); err != nil {
					return fmt.Errorf("key %.40q: %w", v.keyBytes(), err)
				}
			}
		}
	}
	return nil
}

// partsOf returns access to the parts of a root.
func (c *checker) partsOf(sp *space, v *view) parts {
	return parts{sh: c.sh, sp: sp, owner: owner{hashBytes(v.keyBytes()), v.id()}}
}

// takeRun takes the parts that hold n plain bytes from number first on.
func (c *checker) takeRun(ps parts, first uint32, n int) error {
	for no := first; n > 0; no++ {
		want := min(n, partData)
		s, p, ok := ps.find(no)
		switch {
		case !ok:
			return fmt.Errorf("part %d is missing", no)
		case len(partBytes(p)) != want || partType(p) != None:
			return fmt.Errorf("part %d has %d bytes, want %d, and type %d", no, len(partBytes(p)), want, partType(p))
		case !take(c.parts, s.loc()):
			return fmt.Errorf("part %d belongs to another value too", no)
		}
		n -= want
	}
	return nil
}

// checkDoomed takes the parts that are still to be deleted.
func (c *checker) checkDoomed() error {
	all := c.sh.doomed
	if c.sh.snap != nil {
		for _, h := range c.sh.snap.retained {
			all = append(all[:len(all):len(all)], h.doomed...)
		}
	}
	for _, d := range all {
		ps := parts{sh: c.sh, sp: c.sh.spaces[d.space], owner: d.owner}
		for no := d.next; no != d.end; no++ {
			if err := c.takeDoomed(ps, no); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeDoomed takes a part, if it is there, and those that it refers to.
func (c *checker) takeDoomed(ps parts, no uint32) error {
	s, p, ok := ps.find(no)
	if !ok {
		return nil
	}
	if !take(c.parts, s.loc()) {
		return fmt.Errorf("part %d of owner %#x is to be deleted, and is a part of a value", no, ps.owner.id)
	}
	t := partType(p)
	if t == None {
		return nil
	}
	err := types[t].checkPart(partBytes(p))
	if err != nil {
		return err
	}
	eachRef(p, func(first uint32, n int) {
		for i := uint32(0); err == nil && i < uint32(partCount(n)); i++ {
			err = c.takeDoomed(ps, first+i)
		}
	})
	return err
}
