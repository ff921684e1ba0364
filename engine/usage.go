package engine

import "sync/atomic"

// usage is how a shard keeps track of the use of its keys, in the four access bits of each record.
//
// For recency they are a stamp, which stands for the span of time in which the record was last
// used. See stamps.
//
// For frequency they are a logarithmic counter (Morris, CACM 1978): a use raises it with a
// probability that becomes smaller with every second step, and each sweep that keeps the record
// lowers it. S3-FIFO counts the hits themselves, up to three.
type usage struct {
	counts *atomic.Uint32 // a counting, by the store's policy; shared by all shards
	stamps
}

const (
	accessMask = 15
	initialUse = 2 // the counter of a new record
	maxHits    = 3 // where counting hits ends
)

// frequencyBits says how rarely a use raises a counter of frequency: once in 2 to the power of
// this. The first steps tell the keys apart that eviction has to choose from; the last ones are so
// large that the counter ends after as many uses as Redis's does.
var frequencyBits = [accessMask]uint8{0, 0, 1, 1, 2, 2, 3, 3, 4, 10, 11, 13, 15, 16, 18}

// redisFrequency is what the counters of frequency are on Redis's scale: what its counter would be
// after as many uses, where that leaves a number for each.
var redisFrequency = [accessMask + 1]uint8{0, 3, redisInitial, 6, 7, 8, 9, 10, 11, 12, 20, 33, 55, 92, 153, 255}

// redisInitial is the counter of a key that is new to redis-server.
const redisInitial = 5

// counterOf returns the counter of frequency that is the nearest to n on Redis's scale.
func counterOf(n int) uint8 {
	best := 0
	for i, f := range redisFrequency {
		if distance(int64(f), int64(n)) < distance(int64(redisFrequency[best]), int64(n)) {
			best = i
		}
	}
	return uint8(best)
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// fresh returns the access bits of a new record.
func (u *usage) fresh() uint8 {
	switch counting(u.counts.Load()) {
	case countFrequency:
		return initialUse
	case countHits:
		return 0
	}
	return u.stamp
}

// recency reports whether access bits are stamps.
func (u *usage) recency() bool {
	if counting(u.counts.Load()) != countRecency {
		return false
	}
	u.stamps.settle()
	return true
}

// use marks a record as used.
func (sh *shard) use(v *view) {
	a := v.access()
	switch counting(sh.clock.counts.Load()) {
	case countRecency:
		if a != sh.clock.stamp {
			v.setAccess(sh.clock.stamp)
		}
	case countFrequency:
		if a < accessMask && sh.random()&(1<<frequencyBits[a]-1) == 0 {
			v.setAccess(a + 1)
		}
	case countHits:
		if a < maxHits {
			v.setAccess(a + 1)
		}
	}
}
