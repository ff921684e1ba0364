package engine

// What a population of keys will take, for planning. The functions are the arithmetic of record.go and of its users, without a Store.

// indexShare is the bytes of a table for each record in it: a bucket of 64 bytes for ten records, and the overflow buckets, which are 35
// to 65 percent more, depending on how far the table is from the next doubling.
const indexShare = 10

// RecordCost returns the bytes that a string takes in memory: its record with header and padding, its parts if it is a large one, and
// their share of the index. Not in it are what is unused in the open block of each shard, and dead records that await compaction.
// Lengths must not be negative.
func RecordCost(keyLen, valueLen int, ttl bool) int {
	s := shape{kindString | ttlFlag(ttl), keyLen, valueLen}
	if s.size() <= partSize {
		return s.size() + indexShare
	}
	parts := valueLen / partData
	s.vlen = bigStrHeader + valueLen - parts*partData
	return s.size() + indexShare + parts*(partSize+indexShare)
}

// HashCost is RecordCost for a hash with so many fields, all with names and values of the given lengths.
func HashCost(keyLen, fields, fieldLen, valueLen int, ttl bool) int {
	it := item{flen: fieldLen, vlen: valueLen}
	if fieldLen > inlineField {
		fieldLen = longSize
	}
	if valueLen > inlineField {
		valueLen, it.ref = refSize, true
	}
	entry := varintLen(it.flen<<1) + varintLen(it.vlen) + fieldLen + valueLen
	small := shape{kindHash | ttlFlag(ttl), keyLen, hashHeader + fields*entry}
	if small.vlen <= hashMax && !it.ref && fieldLen == it.flen {
		return small.size() + indexShare
	}
	root := shape{kindBigHash | ttlFlag(ttl), keyLen, bigHashSize}
	slot := groupSize / groupSlots
	packed := fields * (entry + slot)
	buckets := (packed + bucketTarget - 1) / bucketTarget
	unused := groupsAt + (groupSlots-1)*slot/2 // a bucket's last group has from none to seven empty slots
	cost := root.size() + indexShare + packed + buckets*(partHeader+unused+recordAlign/2+indexShare)
	if it.flen > inlineField {
		cost += fields * partsCost(it.flen)
	}
	if it.ref {
		cost += fields * partsCost(it.vlen)
	}
	return cost
}

// partsCost is what n bytes take that are kept in parts.
func partsCost(n int) int {
	full, rest := n/partData, n%partData
	cost := full * (partSize + indexShare)
	if rest > 0 {
		cost += align(partHeader+rest) + indexShare
	}
	return cost
}

func ttlFlag(ttl bool) uint8 {
	if ttl {
		return flagTTL
	}
	return 0
}
