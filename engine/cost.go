package engine

import "math"

// What a population of keys will take, for planning. The functions are the arithmetic of record.go, table.go and of their users, without a
// Store. They tell what the keys take when nothing is dead but what cannot be used: a Store that is near its limit has compacted the rest.

// Cost is what each key of a population takes in blocks.
type Cost struct {
	Bytes float64 // of its records, and of what stays unused at the ends of blocks because the next record does not fit
	Parts float64 // records beside that of the key itself, which the index leads to as well
}

// inBlocks returns the bytes of blocks for a record of n bytes among others of the same size.
func inBlocks(n int) float64 { return float64(blockSize) / float64(blockSize/n) }

// mixed is inBlocks for records of n bytes in the mean, among which the end of a block meets any place of a record.
func mixed(bytes, n float64) float64 { return bytes * blockSize / (blockSize - n/2) }

// grownShare is how full blocks of buckets are that grew, were left behind and compacted: from 93 to 98 percent, as it comes, for a block that
// is fuller than compactBelow stays as it is.
const grownShare = .965

// add adds n times another cost.
func (c *Cost) add(n int, other Cost) {
	c.Bytes += float64(n) * other.Bytes
	c.Parts += float64(n) * other.Parts
}

// partsCost is what n bytes take that are kept in parts.
func partsCost(n int) Cost {
	full, rest := n/partData, n%partData
	c := Cost{float64(full * partSize), float64(full)}
	if rest > 0 {
		size := float64(align(partHeader + rest))
		c.add(1, Cost{mixed(size, size), 1})
	}
	return c
}

// planned returns the shape of a record of a layout, with a deadline of 5 bytes if ttl.
func planned(l layout, keyLen, valueLen int, ttl bool) shape {
	s := shape{flags: l, klen: keyLen, vlen: valueLen}
	if ttl {
		s.flags |= flagTTL
	}
	return s
}

// IndexCost returns the bytes of the tables that lead to so many records, keys or parts, in a store of so many shards.
func IndexCost(records int64, shards int) int64 {
	if records == 0 {
		return 0
	}
	perShard := float64(records) / float64(shards)
	buckets := max(math.Ceil(perShard/fullBuckets), minBuckets)
	// Those that were split since their number was a power of two have half of the records that the others have.
	whole := math.Exp2(math.Floor(math.Log2(buckets)))
	split := buckets - whole
	spilled := 2*split*spill(perShard/whole/2) + (whole-split)*spill(perShard/whole)
	pages := math.Ceil(buckets/pageBuckets) + math.Ceil(max(spilled-.5, 0)/pageBuckets)
	return int64(pages * blockSize * min(float64(shards), float64(records)))
}

// spill returns how many overflow buckets a primary one has in the mean if it has so many records in the mean: the sum, over the multiples
// of a bucket's slots, of the chance of a Poisson distribution to exceed them.
func spill(mean float64) float64 {
	chance, below, sum := math.Exp(-mean), 0.0, 0.0
	for n := 0; float64(n) < 4*mean+4*bucketSlots; n++ {
		below += chance
		if n > 0 && n%bucketSlots == 0 {
			sum += 1 - below
		}
		chance *= mean / float64(n+1)
	}
	return sum
}

// OpenCost returns the bytes that are unused, in the mean, in the blocks that the shards append to, if keys are of so many classes: those
// with a deadline within a minute, within an hour or later, those without, and full parts of large values.
func OpenCost(shards, classes int) int64 { return int64(shards) * int64(classes) * blockSize / 2 }
