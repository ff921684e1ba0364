package engine

// StringCost returns the cost of a string of given length. Lengths must not be negative.
func StringCost(keyLen, valueLen int, ttl bool) Cost {
	s, c := planned(layoutString, keyLen, valueLen, ttl), Cost{}
	if s.size() > partSize {
		full := valueLen / partData
		c = Cost{float64(full * partSize), float64(full)}
		s = planned(layoutParts, keyLen, bigStrHeader+valueLen-full*partData, ttl)
	}
	size := float64(s.size())
	if size < splitSize {
		return Cost{c.Bytes + inBlocks(s.size()), c.Parts}
	}
	// At the end of a block it is split, unless there is too little room.
	few := float64(splitRoom + keyLen)
	tooLittle := min(few/size, 1)
	extra := tooLittle*few/2 + (1-tooLittle)*(bigStrHeader+partHeader+2*recordAlign)
	return Cost{c.Bytes + size*(1+extra/blockSize), c.Parts + (1-tooLittle)*size/blockSize}
}

// IntCost returns the cost of a string that is a whole number.
func IntCost(keyLen int, ttl bool) Cost {
	s := planned(layoutInt, keyLen, 8, ttl)
	return Cost{Bytes: inBlocks(s.size())}
}
