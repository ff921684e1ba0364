package engine

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"
	"unsafe"
)

// stamps are the sixteen values that the access bits of records have for recency. Each stands for a
// span of time: a record has the stamp of the span in which it was last used. A use costs a
// comparison, and a byte if the stamp is another.
//
// A span ends, and the next one begins with a stamp that no record has,
//
//   - when the shard has filled an eighth of its blocks. This is an epoch. Eviction counts the epochs since the last use.
//   - when it was used and has lasted half a second. This is for those who ask how long a key was idle.
//
// How it is known that no record has a stamp: for each block there is a set of the stamps that its
// records may have. A stamp joins the sets of all blocks when its span begins, and that of a single
// block with a record that comes there with an older stamp. It is gone with the blocks, as evicting
// and filling them renews all of them in eight epochs.
//
// Where it is not gone in time, because nothing is evicted, two neighbouring spans become one:
// those that are short in relation to how long ago they were. With ages of 1, 2, 3, 100 and 110
// seconds these would be 100 and 110, and a record would count as used 105 seconds ago. The younger
// stamp leaves: its records get the other one when they are moved, or from a walk in the
// background, some blocks in each cycle. Then the stamp is free again. While none is free the span
// that is now goes on.
//
// So no stamp ever means two times at once, and a record that was not used for long never looks
// young.
type stamps struct {
	stamp    uint8  // of the span that is now
	used     bool   // a record may have it
	leaving  uint16 // stamps whose records get another
	unused   uint16 // stamps that no record has; there may be more
	recalled uint16 // stamps that are kept for records to come; while there are any, epochs begin by need. See BeginRecall
	spans    [numStamps]span
	into     [numStamps]uint8 // what the records of a stamp that leaves get; of others themselves
	in       []uint16         // the stamps that the records of each block may have, as bits; 0 for no block
	epoch    uint32           // the epoch that is now
	blocks   int              // blocks opened in it
	wall     int64            // Unix milliseconds, as of the last background cycle
	changes  *atomic.Uint32   // how often the policy began to count something else; shared by all shards
	seen     uint32           // changes, as far as the stamps know of them
}

// span is a span of time, in Unix milliseconds.
type span struct {
	from, to int64
	epoch    uint32 // in which it ended
}

const (
	numStamps    = accessMask + 1
	epochShare   = 8                  // an epoch is this part of a shard's blocks
	recentEpochs = epochShare * 3 / 4 // a record that was used in the last ones is recent
	spanLeast    = 500                // milliseconds that a span lasts, unless an epoch ends
	spareStamps  = 1                  // kept free for epochs
	fewStamps    = 2                  // with no more of them free, stamps leave
	enoughStamps = 3                  // until so many are free
	walkRecords  = 8 << 10            // records that a background cycle looks at, of all shards, to free stamps: 0.25 ms
)

// init makes stamps for an empty shard.
func (u *stamps) init(now int64) {
	u.wall = now
	u.spans[0].from = now
	for i := range u.into {
		u.into[i] = uint8(i)
	}
	u.unused = ^uint16(1)
}

// settle is called before stamps are looked at. The access bits that were something else mean that
// a record was used in the span that is now.
func (u *stamps) settle() {
	n := u.changes.Load()
	if n == u.seen {
		return
	}
	u.seen = n
	for i := range u.in {
		if u.in[i] != 0 {
			u.in[i] = math.MaxUint16
		}
	}
	for i := range u.into {
		u.into[i] = u.stamp
	}
	u.leaving = ^(1 << u.stamp)
	u.spans[u.stamp] = span{from: u.wall, epoch: u.epoch}
	u.used = true
	u.find()
}

// opened counts a new block, of a shard that has so many.
func (u *usage) opened(n uint32, blocks int) {
	if int(n) == len(u.in) {
		u.in = append(u.in, 0)
	}
	if u.blocks++; u.blocks*epochShare >= blocks+epochShare && u.recalled == 0 {
		u.nextEpoch()
	}
	u.in[n] = 1 << u.stamp
}

// nextEpoch begins an epoch.
func (u *usage) nextEpoch() {
	u.blocks = 0
	u.epoch++
	if u.recency() {
		u.next(0)
	}
}

// pass notes that it is now, and begins a span if it is time. If nobody did anything since the last
// time, no record was used.
func (u *usage) pass(now int64, stirred bool) {
	u.wall = now
	if !u.recency() {
		return
	}
	s := &u.spans[u.stamp]
	if !u.used {
		s.from = now
		if stirred {
			s.from -= tickPeriod.Milliseconds()
			u.used = true
		}
	}
	if u.used && now-s.from >= spanLeast {
		u.next(spareStamps)
	}
}

// next ends the span if more than so many stamps are free.
func (u *stamps) next(spare int) {
	u.find()
	if bits.OnesCount16(u.unused) > spare {
		u.spans[u.stamp].to = u.wall
		u.stamp, u.used = u.take(), false
		u.spans[u.stamp] = span{from: u.wall}
		for i, in := range u.in {
			if in != 0 {
				u.in[i] = in | 1<<u.stamp
			}
		}
	}
	u.spans[u.stamp].epoch = u.epoch
	u.merge()
}

// find finds the stamps that no record has.
func (u *stamps) find() {
	taken := u.recalled | 1<<u.stamp
	for _, in := range u.in {
		taken |= in
	}
	u.leaving &= taken
	for set := u.leaving; set != 0; set &= set - 1 {
		taken |= 1 << u.into[bits.TrailingZeros16(set)] // records are still to get it
	}
	u.unused = ^taken
}

// take returns an unused stamp, which is in use from now on.
func (u *stamps) take() uint8 {
	i := uint8(bits.TrailingZeros16(u.unused))
	u.unused &^= 1 << i
	u.into[i] = i
	return i
}

// merge makes stamps leave if few are unused.
func (u *stamps) merge() {
	if bits.OnesCount16(u.unused) > fewStamps || bits.OnesCount16(u.unused|u.leaving) >= enoughStamps {
		return
	}
	past := u.past()
	for bits.OnesCount16(u.unused|u.leaving) < enoughStamps {
		i := u.closest(past)
		if i < 0 {
			return
		}
		young, old := past[i], past[i+1]
		past = slices.Delete(past, i, i+1)
		u.spans[old].to = u.spans[young].to
		u.leaving |= 1 << young
		for j, to := range u.into {
			if to == young {
				u.into[j] = old
			}
		}
	}
}

// past returns the stamps of the spans before the one that is now, the youngest first, without
// those that leave.
func (u *stamps) past() []uint8 {
	past := make([]uint8, 0, numStamps)
	for set := ^(u.unused | u.leaving | 1<<u.stamp); set != 0; set &= set - 1 {
		past = append(past, uint8(bits.TrailingZeros16(set)))
	}
	slices.SortFunc(past, func(i, j uint8) int {
		a, b := &u.spans[i], &u.spans[j]
		return cmp.Or(cmp.Compare(u.epoch-a.epoch, u.epoch-b.epoch), cmp.Compare(b.to, a.to)) // many may end in one background cycle
	})
	return past
}

// closest returns which of the spans is closest to the next older one in relation to its age, of
// those whose epochs need not be told apart, -1 if there is none.
func (u *stamps) closest(past []uint8) int {
	best, least := -1, math.Inf(1)
	for i := 0; i+1 < len(past); i++ {
		young, old := &u.spans[past[i]], &u.spans[past[i+1]]
		if young.epoch != old.epoch && u.epoch-young.epoch < recentEpochs {
			continue
		}
		if d := float64(young.to-old.from) / float64(max(u.wall-young.to, 0)+spanLeast); d < least {
			best, least = i, d
		}
	}
	return best
}

// age returns how many epochs ago a record with this stamp was used.
func (u *usage) age(stamp uint8) uint32 {
	if !u.recency() {
		return 0
	}
	return u.epoch - u.spans[u.into[stamp]].epoch
}

// idle returns how many milliseconds ago a record with this stamp was used: between the ends of its
// span, as many times more than the one as it is less than the other; or 0 if that is now.
func (u *usage) idle(stamp uint8, now int64) int64 {
	if !u.recency() || u.into[stamp] == u.stamp {
		return 0
	}
	s := &u.spans[u.into[stamp]]
	return int64(math.Sqrt(float64(max(now-s.from, 0)) * float64(max(now-s.to, 0))))
}

// stampAt returns the stamp for a record that was used at a time. That is one of a span of its own,
// if the nearest one is too far off: the fewer stamps are free, the farther it may be. Recency must
// be what is counted.
func (u *usage) stampAt(at, now int64) uint8 {
	ago := max(now-at, 0)
	near, off := u.stamp, ago
	for set := ^(u.unused | u.leaving); set != 0; set &= set - 1 {
		i := uint8(bits.TrailingZeros16(set))
		idle := u.idle(i, now)
		d := distance(idle, ago)
		if d < off || d == off && idle < ago && u.age(i) > u.age(near) { // many spans may end in one background cycle
			near, off = i, d
		}
	}
	u.merge()
	n := bits.OnesCount16(u.unused) - spareStamps - 1
	if n <= 0 || off <= max(ago>>n, spanLeast) {
		return near
	}
	epoch := u.epochAt(at)
	stamp := u.take()
	u.spans[stamp] = span{from: at, to: at, epoch: epoch}
	return stamp
}

// epochAt returns the epoch of a time: that of the next older span. If there is none, nothing that
// was used then is recent.
func (u *stamps) epochAt(at int64) uint32 {
	age := uint32(recentEpochs)
	for _, i := range u.past() {
		s := &u.spans[i]
		if s.to <= at {
			return s.epoch
		}
		age = max(age, u.epoch-s.epoch)
	}
	return u.epoch - age
}

// carried is called when a record is at a location that came there with its access bits.
func (sh *shard) carried(l loc) {
	u := &sh.clock
	if !u.recency() {
		return
	}
	p := sh.at(l)
	access := load8(p, 1)
	stamp := u.into[access&accessMask]
	store8(p, 1, access&^accessMask|stamp)
	u.in[l>>locBits] |= 1 << stamp
}

// restamp frees stamps that leave, in one shard after the other, until so many records were looked
// at.
func (s *Store) restamp(records int) {
	turn := int(s.walked.Add(1))
	for i := range s.shards {
		if records <= 0 {
			return
		}
		sh := &s.shards[(turn+i)%len(s.shards)]
		sh.mu.Lock()
		records -= sh.restamp(records)
		sh.unlock()
	}
}

// restamp frees stamps that leave until about so many records were looked at, and returns how many
// were.
func (sh *shard) restamp(limit int) (records int) {
	u := &sh.clock
	if u.leaving == 0 || !u.recency() {
		return 0
	}
	for n := 0; n < len(u.in) && records < limit; n++ {
		if u.in[n]&u.leaving != 0 {
			records += sh.restampBlock(uint32(n))
			sh.yield()
		}
	}
	return records
}

// restampBlock gives the records of a block the stamps that their own became, and returns how many
// there are.
func (sh *shard) restampBlock(n uint32) (records int) {
	u, b := &sh.clock, &sh.blocks[n]
	in := uint16(1) << u.stamp
	for off := 0; off < int(b.used); records++ {
		p := unsafe.Add(b.base, off)
		if !sh.dead(b, p) && load8(p, 0)&layoutMask != layoutPart {
			access := load8(p, 1)
			stamp := u.into[access&accessMask]
			if stamp != access&accessMask {
				store8(p, 1, access&^accessMask|stamp)
			}
			in |= 1 << stamp
		}
		off += sizeAt(p)
	}
	u.in[n] = in
	return records
}
