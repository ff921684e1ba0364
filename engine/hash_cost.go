package engine

// HashCost returns the cost of a hash whose fields all have names and values of the given lengths.
func HashCost(keyLen, fields, fieldLen, valueLen int, ttl bool) Cost {
	it := item{flen: fieldLen, vlen: valueLen}
	if fieldLen > inlineField {
		fieldLen = longSize
	}
	if valueLen > inlineField {
		valueLen, it.ref = refSize, true
	}
	entry := varintLen(it.flen<<1) + varintLen(it.vlen) + fieldLen + valueLen
	small := planned(layoutPacked, keyLen, packedHead+fields*entry, ttl)
	if small.vlen <= hashMax && !it.ref && fieldLen == it.flen {
		return Cost{Bytes: inBlocks(small.size())}
	}
	slot := groupSize / groupSlots
	packed := fields * (entry + slot)
	buckets := (packed + bucketTarget - 1) / bucketTarget
	unused := groupsAt + (groupSlots-1)*slot/2 // a bucket's last group has from none to seven empty slots
	bytes := float64(packed + buckets*(partHeader+unused+recordAlign/2))
	c := Cost{bytes / grownShare, float64(buckets)}
	root := planned(layoutParts, keyLen, bucketRootSize, ttl)
	c.Bytes += float64(root.size())
	if it.flen > inlineField {
		c.add(fields, partsCost(it.flen))
	}
	if it.ref {
		c.add(fields, partsCost(it.vlen))
	}
	return c
}
