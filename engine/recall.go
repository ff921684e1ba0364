package engine

import "slices"

// What a snapshot says of the use of its keys, and what is made of that where it is loaded, so that a cache that was started anew gives up
// the keys that the old one would have given up.
//
// The access bits of a record mean something in its shard only, and at its time. The copies of records that are put aside for a snapshot
// have others, which go without them: for recency the age in epochs; for frequency the counter; for hits these, and usedMain. Written are
// the units of Redis: seconds without use, or a frequency on the scale of its counter, on which a new key has redisInitial. On the
// same scale the hits that S3-FIFO counts follow each other, those of the main pool behind those on probation.
//
// Seconds become epochs again by a sample of the keys that come. An epoch stands for an eighth of the memory, and so it does for an eighth
// of the sample. While keys are recalled epochs do not begin by the blocks that are opened, for that the youngest of those keys are as old
// as they ever get; if not all of them fit, another begins where the reclaimer finds too little to give up.

const (
	redisInitial = 5 // the counter of a key that is new to redis-server
	usedMain     = 4 // of a saved record's bits: it was in the main pool
	usedMost     = usedMain + maxHits
)

// savedUse returns the access bits of the copy of a record at a location.
func (sh *shard) savedUse(l loc, v *view) uint8 {
	b := &sh.blocks[l>>locBits]
	switch sh.snap.uses.counts {
	case countRecency:
		return uint8(min(sh.clock.age(v.access(), b.epoch), stampMask))
	case countHits:
		uses := min(v.access(), maxHits)
		if b.class.pool() == mainPool {
			uses += usedMain
		}
		return uses
	}
	return v.access()
}

// useScale says what the access bits of saved records stand for.
type useScale struct {
	counts counting
	silent bool                 // the policy has no use for it
	idle   [stampMask + 1]int64 // for recency: seconds by age
}

// newUseScale returns the scale of this moment. Every shard is locked.
func (s *Store) newUseScale(now int64) useScale {
	p := s.Policy()
	u := useScale{counts: p.counts()}
	u.silent = u.counts == countRecency && p != AllKeysLRU && p != VolatileLRU
	for age := 1; age < len(u.idle); age++ {
		sum, n := int64(0), int64(0)
		for i := range s.shards {
			c := &s.shards[i].clock
			if after := c.started[(c.epoch-uint32(age)+1)&stampMask]; after != 0 {
				sum += max(now-after, 0)
				n++
			}
		}
		u.idle[age] = u.idle[age-1]
		if n > 0 {
			u.idle[age] = max((sum/n+500)/1000, u.idle[age])
		}
	}
	return u
}

// of returns the seconds without use and the frequency of saved access bits, -1 for what is not known.
func (u *useScale) of(uses uint8) (idle int64, freq int) {
	switch {
	case u.silent:
		return -1, -1
	case u.counts == countRecency:
		return u.idle[uses], -1
	case u.counts == countFrequency:
		return -1, redisFrequency(uses)
	}
	return -1, redisInitial + int(uses)
}

// redisFrequency is a counter of frequency on Redis's scale.
func redisFrequency(uses uint8) int { return int(uses) + redisInitial - initialUse }

// Frequency returns an estimate of how often the key was used, 0 to 255 on Redis's logarithmic scale. ok is false if there is no key.
func (t *Tx) Frequency(k Key) (n int, ok bool) {
	_, _, _, v, ok := t.lookup(k)
	if !ok {
		return 0, false
	}
	return redisFrequency(v.access()), true
}

// SetFrequency makes a key count as used as often as n says, 0 to 255 on the scale of Frequency, if the policy counts uses.
func (t *Tx) SetFrequency(k Key, n int) {
	sh, _, s, v, ok := t.lookup(k)
	if !ok {
		return
	}
	switch counting(sh.clock.counts.Load()) {
	case countFrequency:
		v.setAccess(uint8(min(max(n-redisInitial+initialUse, 0), stampMask)))
	case countHits:
		uses := uint8(min(max(n-redisInitial, 0), usedMost))
		v.setAccess(uses % usedMain)
		if uses >= usedMain {
			sh.promote(s, &v)
		}
	}
}

// promote moves a record to the main pool. The end of an open block, where one that is new lies, can be used again.
func (sh *shard) promote(s slot, v *view) {
	from := s.loc()
	b := &sh.blocks[from>>locBits]
	if b.class.pool() == mainPool {
		return
	}
	taken := sh.gain.taken
	if _, ok := sh.move(s, keptClass(v.deadline()), from, v.p, v.size, v.deadline()); !ok {
		return
	}
	sh.gain.taken = taken         // the account is the reclaimer's
	b = &sh.blocks[from>>locBits] // there may be more of them
	if end := uint32(from.offset() + v.size); !b.sealed && b.used == end {
		b.used -= uint32(v.size)
	}
}

// Idle returns at least how many milliseconds ago the key was last used. ok is false if there is no key.
func (t *Tx) Idle(k Key) (ms int64, ok bool) {
	sh, _, _, v, ok := t.lookup(k)
	if !ok {
		return 0, false
	}
	return sh.clock.idle(v.access(), t.Now), true
}

// SetIdle makes a key count as not used for so many milliseconds, or as long as is known, if the policy goes by that.
func (t *Tx) SetIdle(k Key, ms int64) {
	if sh, _, _, v, ok := t.lookup(k); ok && counting(sh.clock.counts.Load()) == countRecency {
		v.setAccess(sh.clock.stampBefore(t.Now - ms))
	}
}

// BeginRecall says that keys come which were used before now, a time in Unix milliseconds, for SetIdle to tell how long. The sample is how
// many seconds that is for some of them; it is sorted. No lock may be held. EndRecall must follow.
func (s *Store) BeginRecall(now int64, sample []int64) {
	if len(sample) == 0 || counting(s.counts.Load()) != countRecency {
		return
	}
	slices.Sort(sample)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.clock.recall(now, sample)
		sh.mu.Unlock()
	}
}

// EndRecall says that keys are new from now on. No lock may be held.
func (s *Store) EndRecall() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		if sh.clock.recalling {
			sh.clock.recalling, sh.clock.blocks = false, 0
		}
		sh.mu.Unlock()
	}
}

// recall sets the beginnings of the last epochs so that each has its part of a sorted sample of seconds without use.
func (u *usage) recall(now int64, sample []int64) {
	u.recalling = true
	u.wall = max(u.wall, now)
	clear(u.started[:])
	age := uint32(0)
	for i := 0; i < len(sample); {
		j := i // the end of those that are alike, whose age is that of the middle one
		for j < len(sample) && sample[j] == sample[i] {
			j++
		}
		for middle := uint32((i + j) * epochShare / (2 * len(sample))); age < middle; age++ {
			u.started[(u.epoch-age)&stampMask] = now - sample[i]*1000 + 1
		}
		i = j
	}
	u.started[(u.epoch-age)&stampMask] = now - sample[len(sample)-1]*1000 - 1
}
