package engine

// StringCost returns the cost of a string of given length. Lengths must not be negative.
func StringCost(keyLen, valueLen int, ttl bool) Cost {
	s, c := planned(layoutString, keyLen, valueLen, ttl), Cost{}
	if s.size() > partSize {
		full := valueLen / partData
		c = Cost{float64(full * partSize), float64(full)}
		s = planned(layoutParts, keyLen, bigStrHeader+valueLen-full*partData, ttl)
	}
	if s.size() < splitSize {
		return Cost{c.Bytes + inBlocks(s.size()), c.Parts}
	}
	rest := inSplitBlocks(s.size(), keyLen)
	return Cost{c.Bytes + rest.Bytes, c.Parts + rest.Parts}
}

// inSplitBlocks is inBlocks for records that are split at the end of a block, unless there is too
// little room for the key. It fills blocks as a shard does, because how records of one length meet
// the end of a block repeats: two keys of 31,000 bytes leave no room for a third, ever.
func inSplitBlocks(size, keyLen int) Cost {
	const records = 200
	blocks, used, parts := 0, blockSize, 0
	for range records {
		room := blockSize - used
		switch {
		case size <= room:
			used += size
			continue
		case room < splitRoom+keyLen:
			used = size
		default:
			parts++
			used = size - room + bigStrHeader + partHeader + 2*recordAlign
		}
		blocks++
	}
	bytes := float64((blocks-1)*blockSize + used)
	return Cost{bytes / records, float64(parts) / records}
}

// IntCost returns the cost of a string that is a whole number.
func IntCost(keyLen int, ttl bool) Cost {
	s := planned(layoutInt, keyLen, 8, ttl)
	return Cost{Bytes: inBlocks(s.size())}
}
