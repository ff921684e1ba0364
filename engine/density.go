package engine

import (
	"math"
	"unsafe"
)

// The density policy is S3-FIFO with another measure of worth: uses for each byte instead of uses. Where sizes differ widely, as with
// pages and fragments of the web, that is worth more than any refinement of recency or frequency. What is dense enough to stay is learnt
// from the blocks that are swept: a record stays if it is denser than the densest 60 percent of their bytes, on average.

const (
	restingUses   = 0.3 // what a record that was not used counts as
	denseShare    = 0.6 // of a block's bytes that the learnt density keeps
	densityMemory = 0.9 // how slowly the learnt density changes
	densityLevels = 64  // classes of density in the histogram, two to an octave
)

// density is what a shard has learnt: the density from which a record is kept, for each pool, 0 while not known.
type density struct {
	level [numQueues]float64
}

// worth returns the density of a value of so many bytes that was used so often.
func worth(uses uint8, size int, w Weight) float64 {
	d := float64(uses) + restingUses
	switch w {
	case WeightHits:
		return d / float64(size)
	case WeightBalanced:
		return d / math.Sqrt(float64(size))
	}
	return d
}

// levelOf is the histogram class of a density.
func levelOf(d float64) int {
	return min(max(int(2*math.Log2(d))+densityLevels*3/4, 0), densityLevels-1)
}

// ofLevel is the lowest density of a class.
func ofLevel(i int) float64 { return math.Exp2(float64(i-densityLevels*3/4) / 2) }

// learn updates what is dense from the records of a block that is about to be swept.
func (sh *shard) learn(n uint32, w Weight) {
	b := &sh.blocks[n]
	var hist [densityLevels]int
	total := 0
	for off := 0; off < int(b.used); {
		p := unsafe.Add(b.base, off)
		size := sizeAt(p)
		if load8(p, 0)&layoutMask != layoutPart && !sh.dead(b, p) {
			v := decode(p)
			weight := v.size + v.bytes()
			hist[levelOf(worth(v.access(), weight, w))] += weight
			total += weight
		}
		off += size
	}
	if total == 0 {
		return // parts: their roots were seen elsewhere
	}
	dense, sum := 0.0, 0
	for i := densityLevels - 1; i > 0 && dense == 0; i-- {
		if sum += hist[i]; float64(sum) >= denseShare*float64(total) {
			dense = ofLevel(i)
		}
	}
	level := &sh.density.level[b.class.queue()]
	if *level == 0 {
		*level = dense
	} else {
		*level = densityMemory**level + (1-densityMemory)*dense
	}
}

// dense reports whether a record of a pool is worth keeping.
func (sh *shard) dense(p queueID, v *view, w Weight) bool {
	uses := v.access()
	d := worth(uses, v.size+v.bytes(), w)
	level := sh.density.level[mainQueue]
	if level == 0 {
		level = sh.density.level[probation]
	}
	if p == mainQueue {
		return d > level || uses > 0
	}
	return d > level || uses > 0 && d >= level/2
}
