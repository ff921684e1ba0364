package rdb

// LZF is Marc Lehmann's compression: runs of literal bytes, and references to what was decompressed lately. A control byte below 32 begins a
// run of one byte more than it says. Others have the length of a reference, less two, in the upper three bits, 7 of which mean that a byte
// to add follows; and in the lower five, with the next byte, how far back it is, less one.
const (
	lzfRun   = 32
	lzfLong  = 7
	lzfRatio = 90 // no byte stands for more: three bytes for 264
)

// appendLZF appends the size bytes that src stands for to dst. It returns false if src stands for something else.
func appendLZF(dst, src []byte, size int) ([]byte, bool) {
	start := len(dst)
	if size < 0 || size > (len(src)+1)*lzfRatio {
		return dst, false
	}
	for len(src) > 0 {
		control := int(src[0])
		src = src[1:]
		if control < lzfRun {
			if control >= len(src) {
				return dst, false
			}
			dst = append(dst, src[:control+1]...)
			src = src[control+1:]
			continue
		}
		n := control >> 5
		if n == lzfLong && len(src) > 0 {
			n += int(src[0])
			src = src[1:]
		}
		if len(src) == 0 {
			return dst, false
		}
		from := len(dst) - (control&31<<8 | int(src[0])) - 1
		src = src[1:]
		if n += 2; from < start || len(dst)-start+n > size {
			return dst, false
		}
		for ; n > 0; n, from = n-1, from+1 { // the two may overlap
			dst = append(dst, dst[from])
		}
	}
	return dst, len(dst)-start == size
}
