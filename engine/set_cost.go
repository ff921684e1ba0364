package engine

// SetCost returns the cost of a set whose members all have the given length and are no integers.
func SetCost(keyLen, members, memberLen int, ttl bool) Cost {
	kept, wide := memberLen, code(memberLen).wide()
	if memberLen > inlineMember {
		kept, wide = longMember, false
	}
	small := planned(layoutPacked, keyLen, setHead+runSize(members, members*kept, false, wide), ttl)
	if small.vlen <= setMax && kept == memberLen {
		return Cost{Bytes: inBlocks(small.size())}
	}
	packed := runSize(members, members*kept, true, wide)
	buckets := (packed + bucketTarget - bucketHead - 1) / (bucketTarget - bucketHead)
	bytes := float64(packed + buckets*(partHeader+bucketHead+recordAlign/2))
	root := planned(layoutParts, keyLen, setRootSize, ttl)
	c := Cost{bytes/grownShare + float64(root.size()), float64(buckets)}
	if kept != memberLen {
		c.add(members, partsCost(memberLen))
	}
	return c
}
