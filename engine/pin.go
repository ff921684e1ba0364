package engine

import "unsafe"

// Pins keep parts of values in their places, so that a reply can be written from there after the lock is gone. A pinned block is not
// handed out again, also if nothing in it is live any more: the shard is rid of it, but the pool gets it back with its last pin. The
// bytes themselves stay as they are, because whoever wants to change a pinned part in place moves it first.
//
// The zero value has nothing pinned. It is used by one goroutine at a time.
type Pins struct{ list []pinned }

type pinned struct {
	sh   *shard
	base unsafe.Pointer // of the block
}

// pin is the state of a block that is pinned.
type pin struct {
	count int
	freed bool // the shard has given the block up
}

// PinAt is the length of values from which Pin is worth its while.
const PinAt = 16 << 10

// Sizes returns the length of the value, and how many of its bytes Pin appends: all, or those that are in no part.
func (v Value) Sizes() (n, copied int) {
	n = v.Len()
	if v.rest == nil || v.rest.first >= refParts || v.rest.total < PinAt {
		return n, n
	}
	return n, len(v.bytes)
}

// Pin appends v to dst like AppendTo, but for its parts, if it has any: these it does not copy but appends to pieces. They follow what
// is in dst then, and stay valid until Release. The value's key is locked.
func (v Value) Pin(p *Pins, dst []byte, pieces [][]byte) (copied []byte, shared [][]byte) {
	v.lease.check()
	if v.rest == nil || v.rest.first >= refParts { // the parts of hashes change in place
		return v.AppendTo(dst), pieces
	}
	dst = append(dst, v.bytes...)
	r := v.rest
	for no, left := r.first, r.total-len(v.bytes); left > 0; no++ {
		b := zeros[:] // see part
		if s, q, ok := r.find(no); ok {
			b = partBytes(q)
			p.add(r.sh, r.sh.bases[s.loc()>>locBits])
		}
		b = b[:min(len(b), left)]
		pieces = append(pieces, b)
		left -= len(b)
	}
	return dst, pieces
}

// add pins a block. The shard is locked.
func (p *Pins) add(sh *shard, base unsafe.Pointer) {
	if n := len(p.list); n > 0 && p.list[n-1].base == base {
		return
	}
	p.list = append(p.list, pinned{sh, base})
	if sh.pins == nil {
		sh.pins = map[unsafe.Pointer]pin{}
	}
	e := sh.pins[base]
	if e.count++; e.count == 1 {
		sh.pool.pinned.Add(1)
	}
	sh.pins[base] = e
}

// Release ends what was pinned. It locks shard after shard; no lock may be held.
func (p *Pins) Release() {
	for _, h := range p.list {
		h.sh.mu.Lock()
		h.sh.unpin(h.base)
		h.sh.mu.Unlock()
	}
	clear(p.list)
	p.list = p.list[:0]
	if cap(p.list) > PrefetchMost {
		p.list = nil
	}
}

func (sh *shard) unpin(base unsafe.Pointer) {
	e := sh.pins[base]
	if e.count--; e.count > 0 {
		sh.pins[base] = e
		return
	}
	delete(sh.pins, base)
	sh.pool.pinned.Add(-1)
	if e.freed {
		sh.pool.zombies.Add(-1)
		sh.pool.put(base)
	}
}

// giveBack returns a block's memory to the pool, now or with its last pin.
func (sh *shard) giveBack(base unsafe.Pointer) {
	if e, ok := sh.pins[base]; ok {
		e.freed = true
		sh.pins[base] = e
		sh.pool.zombies.Add(1)
		return
	}
	sh.pool.put(base)
}

// isPinned reports whether the records of a block must stay as they are.
func (sh *shard) isPinned(n uint32) bool {
	if len(sh.pins) == 0 {
		return false
	}
	_, ok := sh.pins[sh.bases[n]]
	return ok
}

// Pinned returns how many bytes of the arena cannot be given up because of pins. Locks may be held.
func (s *Store) Pinned() int64 { return s.pool.pinned.Load() * blockSize }

// PinnedAlone returns how many bytes of the arena are kept for nothing but pins: of values that are
// gone. Locks may be held.
func (s *Store) PinnedAlone() int64 { return s.pool.zombies.Load() * blockSize }

// zombies is the number of blocks that are kept for nothing but their pins.
func (sh *shard) zombies() (n int) {
	for _, e := range sh.pins {
		if e.freed {
			n++
		}
	}
	return n
}

// movePinned moves those parts from number first up to but not including end that are pinned, so that they can be changed. It returns
// false where there is no memory.
func (ps parts) movePinned(first, end uint32) bool {
	if len(ps.sh.pins) == 0 {
		return true
	}
	for no := first; no < end; no++ {
		s, p, ok := ps.find(no)
		if !ok || !ps.sh.isPinned(uint32(s.loc()>>locBits)) {
			continue
		}
		n := int(load16(p, 2))
		ps.class = ps.sh.blocks[s.loc()>>locBits].class
		if ps.relocate(s, p, n, n) == nil {
			return false
		}
	}
	return true
}
