package engine

import "sync/atomic"

// usage is how a shard keeps track of the use of its keys, in the four access bits of each record.
//
// For recency they are a stamp: the number, modulo 16, of the epoch in which the record was last used. An epoch lasts while the shard
// fills an eighth of its blocks anew, so that a record is swept before its stamp means another epoch; a record that was never used
// since it was written has the stamp of its block, whose epoch is known in full.
//
// For frequency they are a logarithmic counter (Morris, CACM 1978): a use raises it with a probability that halves with every second
// step, and each sweep that keeps the record lowers it. S3-FIFO counts the hits themselves, up to three.
type usage struct {
	counts  *atomic.Uint32 // a counting, by the store's policy; shared by all shards
	epoch   uint32         // the epoch now
	blocks  int            // blocks opened in this epoch
	wall    int64          // Unix milliseconds, as of the last background cycle
	started [16]int64      // when each of the last epochs began, 0 for never

	recalling bool // epochs begin by need, see BeginRecall
}

const (
	stampMask     = 15
	epochShare    = 8 // an epoch is this part of a shard's blocks
	initialUse    = 2 // the counter of a new record
	frequencyStep = 2 // steps of the counter in which the probability halves
	maxHits       = 3 // where counting hits ends
)

// fresh returns the access bits of a new record.
func (u *usage) fresh() uint8 {
	switch counting(u.counts.Load()) {
	case countFrequency:
		return initialUse
	case countHits:
		return 0
	}
	return uint8(u.epoch & stampMask)
}

// opened counts a new block of a shard that has so many.
func (u *usage) opened(blocks int) {
	if u.blocks++; u.blocks*epochShare >= blocks+epochShare && !u.recalling {
		u.begin()
	}
}

// begin begins an epoch.
func (u *usage) begin() {
	u.blocks = 0
	u.epoch++
	u.started[u.epoch&stampMask] = u.wall
}

// age returns how many epochs ago a record of a block of the given epoch was used.
func (u *usage) age(stamp uint8, born uint32) uint32 {
	if uint32(stamp) == born&stampMask {
		return u.epoch - born
	}
	return (u.epoch - uint32(stamp)) & stampMask
}

// idle returns at least how many milliseconds ago a record with this stamp was used.
func (u *usage) idle(stamp uint8, now int64) int64 {
	if counting(u.counts.Load()) != countRecency || uint32(stamp) == u.epoch&stampMask {
		return 0
	}
	after := u.started[(stamp+1)&stampMask]
	if after == 0 {
		return 0
	}
	return max(now-after, 0)
}

// stampBefore returns the stamp of the latest epoch that began before a time in Unix milliseconds, or of the earliest that is known.
func (u *usage) stampBefore(at int64) uint8 {
	e := u.epoch
	for u.epoch-e < stampMask-1 && u.started[e&stampMask] > at && u.started[(e-1)&stampMask] != 0 {
		e--
	}
	return uint8(e & stampMask)
}

// use marks a record as used.
func (sh *shard) use(v *view) {
	a := v.access()
	switch counting(sh.clock.counts.Load()) {
	case countRecency:
		if stamp := uint8(sh.clock.epoch & stampMask); a != stamp {
			v.setAccess(stamp)
		}
	case countFrequency:
		if a < stampMask && sh.random()&(1<<(a/frequencyStep)-1) == 0 {
			v.setAccess(a + 1)
		}
	case countHits:
		if a < maxHits {
			v.setAccess(a + 1)
		}
	}
}
