package engine

import (
	"math"
	"slices"
)

// What a snapshot says of the use of its keys, and what is made of that where it is loaded, so that
// a cache that was started again gives up the keys that the old one would have given up.
//
// The access bits of a record mean something in its shard only, and at its time. The copies of
// records that are put aside for a snapshot have others: for recency none, as the seconds are
// beside the copy; for frequency the counter; for hits these, and usedMain. Written are the units
// of Redis: seconds without use, or a frequency on the scale of its counter, on which a new key has
// redisInitial. On the same scale the hits that S3-FIFO counts follow each other, those of the main
// pool behind those on probation.
//
// Seconds become epochs again by a sample of the keys that come. An epoch stands for an eighth of
// the memory, and so it does for an eighth of the sample. While keys are recalled epochs do not
// begin by the blocks that are opened, because the youngest of those keys are as old as they ever
// get. If not all of them fit, another begins where the reclaimer finds too little to give up.

const (
	usedMain = 4 // of a saved record's bits: it was in the main queue
	usedMost = usedMain + maxHits
)

// savedUse is what the copy of a record says of its use.
type savedUse struct {
	count uint8  // its access bits, unless the policy goes by recency
	idle  uint32 // seconds since the last use, if it does
}

// savedUse returns what the copy of a record at a location is to say.
func (sh *shard) savedUse(l loc, v *view) savedUse {
	switch sh.snap.uses.counts {
	case countRecency:
		return savedUse{idle: uint32(min((sh.clock.idle(v.access(), sh.snap.now)+500)/1000, math.MaxUint32))}
	case countHits:
		uses := min(v.access(), maxHits)
		if sh.blocks[l>>locBits].class.queue() == mainQueue {
			uses += usedMain
		}
		return savedUse{count: uses}
	}
	return savedUse{count: v.access()}
}

// useScale says what the uses of saved records stand for.
type useScale struct {
	counts counting
	silent bool // the policy has no use for it
}

func newUseScale(p Policy) useScale {
	u := useScale{counts: p.counts()}
	u.silent = u.counts == countRecency && p != AllKeysLRU && p != VolatileLRU
	return u
}

// of returns the seconds without use and the frequency, -1 for what is not known.
func (u *useScale) of(use savedUse) (idle int64, freq int) {
	switch {
	case u.silent:
		return -1, -1
	case u.counts == countRecency:
		return int64(use.idle), -1
	case u.counts == countFrequency:
		return -1, int(redisFrequency[use.count])
	}
	return -1, redisInitial + int(use.count)
}

// Frequency returns an estimate of how often the key was used, 0 to 255 on Redis's logarithmic scale. ok is false if there is no key.
func (t *Tx) Frequency(k Key) (n int, ok bool) {
	var r ref
	if !t.lookup(&r, k) {
		return 0, false
	}
	return int(redisFrequency[r.access()]), true
}

// SetFrequency makes a key count as used as often as n says, 0 to 255 on the scale of Frequency, if the policy counts uses.
func (t *Tx) SetFrequency(k Key, n int) {
	var r ref
	if !t.lookup(&r, k) {
		return
	}
	switch counting(r.sh.clock.counts.Load()) {
	case countFrequency:
		r.setAccess(counterOf(n))
	case countHits:
		uses := uint8(min(max(n-redisInitial, 0), usedMost))
		r.setAccess(uses % usedMain)
		if uses >= usedMain {
			r.promote()
		}
	}
}

// promote moves the record to the main queue. The end of an open block, where one that is new lies, can be used again.
func (r *ref) promote() {
	sh, from := r.sh, r.slot.loc()
	b := &sh.blocks[from>>locBits]
	if b.class.queue() == mainQueue {
		return
	}
	taken := sh.gain.taken
	if _, ok := sh.move(r.slot, keptClass(r.deadline()), from, r.p, r.size, r.deadline()); !ok {
		return
	}
	sh.gain.taken = taken         // the account is the reclaimer's
	b = &sh.blocks[from>>locBits] // there may be more of them
	if end := uint32(from.offset() + r.size); !b.sealed && b.used == end {
		b.used -= uint32(r.size)
	}
}

// Idle returns how many milliseconds ago the key was last used, as exactly as stamps tell. ok is
// false if there is no key.
func (t *Tx) Idle(k Key) (ms int64, ok bool) {
	var r ref
	if !t.lookup(&r, k) {
		return 0, false
	}
	return r.sh.clock.idle(r.access(), t.Now), true
}

// SetIdle makes a key count as not used for ms milliseconds, if the policy goes by that.
func (t *Tx) SetIdle(k Key, ms int64) {
	var r ref
	t.lookup(&r, k)
	if u := &r.sh.clock; r.there && u.recency() {
		stamp := u.stampAt(t.Now-ms, t.Now)
		r.setAccess(stamp)
		u.in[r.slot.loc()>>locBits] |= 1 << stamp
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
		if sh.clock.recency() {
			sh.clock.recall(now, sample)
		}
		sh.mu.Unlock()
	}
}

// EndRecall says that keys are new from now on. No lock may be held.
func (s *Store) EndRecall() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		if sh.clock.recalled != 0 {
			sh.clock.recalled, sh.clock.blocks = 0, 0
		}
		sh.mu.Unlock()
	}
}

// recall begins spans in the past so that each has an eighth of a sorted sample of seconds without
// use.
func (u *stamps) recall(now int64, sample []int64) {
	u.wall = max(u.wall, now)
	u.find()
	last := -1 // the epochs since the span that is being made, stamp
	var stamp uint8
	for i := 0; i < len(sample); {
		at, j := now-sample[i]*1000, i // the end of those that are alike, whose age is that of the middle one
		for j < len(sample) && sample[j] == sample[i] {
			j++
		}
		if age := (i + j) * epochShare / (2 * len(sample)); age != last {
			if u.unused == 0 {
				return
			}
			last, stamp = age, u.take()
			u.recalled |= 1 << stamp
			u.spans[stamp] = span{to: at, epoch: u.epoch - uint32(age)}
		}
		u.spans[stamp].from = at
		i = j
	}
}
