package engine

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
)

// A run is a sequence of elements in columns, of exactly the size that it needs:
//
//	tags      a byte of the hash of each element, if the run is tagged
//	lengths   a code for each element, in one byte, or in two if the run is wide
//	heap      the bytes of the elements, one behind the other
//
// No offsets are stored: where an element starts is a sum over the column of lengths, eight bytes
// at a time. How many elements a run has, and whether it is wide, is in the head of the value or
// part that it lies in.
type run struct {
	b      []byte // from the first column to the end of the heap
	n      int    // elements
	tagged bool
	wide   bool
}

// code is what the column of lengths has for an element: the length of its bytes, or, with
// codeOther, of what the heap has instead of them. In a column of one byte codeOther is the upper
// bit.
type code uint16

const (
	codeOther  = 0x8000
	narrowMost = 0x7f // what a code of one byte may say
)

func (c code) kept() int { return int(c &^ codeOther) }

func (c code) wide() bool { return c.kept() > narrowMost }

// intCode returns the code of an integer that is kept in k bytes instead of as text.
func intCode(k int) code { return codeOther | code(k) }

// isInt reports whether an element is an integer.
func (c code) isInt() bool { return c > codeOther && c <= codeOther|8 }

// intSize returns how many bytes n is kept in: 1 to 8.
func intSize(n int64) int { return (bits.Len64(uint64(n^n>>63)) + 8) / 8 }

// loadInt returns the integer that is kept in b.
func loadInt(b []byte) int64 {
	unused := 64 - 8*len(b)
	return int64(word(b, 0, len(b))<<unused) >> unused
}

// storeInt writes n to b, whose length must not be less than what intSize says.
func storeInt(b []byte, n int64) {
	var text [8]byte
	binary.LittleEndian.PutUint64(text[:], uint64(n))
	copy(b, text[:])
}

// word returns up to eight bytes of b as a number.
func word(b []byte, at, n int) (x uint64) {
	if at+8 <= len(b) {
		return load64(unsafe.Pointer(unsafe.SliceData(b)), at) & (1<<(8*n) - 1)
	}
	for i := n - 1; i >= 0; i-- {
		x = x<<8 | uint64(b[at+i])
	}
	return x
}

// codeSize is the number of bytes of a code in a column.
func codeSize(wide bool) int {
	if wide {
		return 2
	}
	return 1
}

// runSize returns the number of bytes of a run.
func runSize(n, heap int, tagged, wide bool) int {
	if tagged {
		heap += n
	}
	return heap + n*codeSize(wide)
}

// lengths is the offset of the column of lengths, heap that of the heap.
func (r *run) lengths() int {
	if r.tagged {
		return r.n
	}
	return 0
}

func (r *run) heap() int { return r.lengths() + r.n*codeSize(r.wide) }

// code returns the code of element i.
func (r *run) code(i int) code {
	if r.wide {
		return code(binary.LittleEndian.Uint16(r.b[r.lengths()+2*i:]))
	}
	c := code(r.b[r.lengths()+i])
	return c&narrowMost | c>>7*codeOther
}

func (r *run) setCode(i int, c code) {
	if r.wide {
		binary.LittleEndian.PutUint16(r.b[r.lengths()+2*i:], uint16(c))
		return
	}
	r.b[r.lengths()+i] = uint8(c) | uint8(c>>8)
}

// offset returns where in the run element i has its bytes.
func (r *run) offset(i int) int {
	lens, sum := uint64(tagLows), 0
	if r.wide {
		lens = 0x7fff7fff7fff7fff
	}
	const low = 0x00ff00ff00ff00ff
	at := r.lengths()
	for end := at + i*codeSize(r.wide); at < end; at += 8 {
		x := word(r.b, at, min(8, end-at)) & lens
		if !r.wide {
			x = x&low + x>>8&low
		}
		sum += int(x * 0x0001000100010001 >> 48) // of four lengths
	}
	return r.heap() + sum
}

// at returns the bytes of element i.
func (r *run) at(i int) []byte {
	off := r.offset(i)
	end := off + r.code(i).kept()
	return r.b[off:end:end]
}

// each calls fn for every element until it returns false, and reports whether it never did.
func (r *run) each(fn func(i int, c code, kept []byte) bool) bool {
	off := r.heap()
	for i := range r.n {
		c := r.code(i)
		end := off + c.kept()
		if !fn(i, c, r.b[off:end:end]) {
			return false
		}
		off = end
	}
	return true
}

// find returns the element with a code and these bytes in a run without tags.
func (r *run) find(c code, kept []byte) (i int, ok bool) {
	off := r.heap()
	for i := range r.n {
		got := r.code(i)
		end := off + got.kept()
		if got == c && string(r.b[off:end]) == string(kept) {
			return i, true
		}
		off = end
	}
	return 0, false
}

// candidate returns the first element from i on with a tag and a code; ok is false if there is
// none.
func (r *run) candidate(i int, tag uint8, c code) (at int, ok bool) {
	for i < r.n {
		left := r.n - i
		for m := matchTag(word(r.b, i, min(8, left)), tag); m != 0; m &= m - 1 {
			if j := i + bits.TrailingZeros64(m)/8; r.code(j) == c {
				return j, true
			}
		}
		i += 8
	}
	return 0, false
}

// growth returns by how many bytes an element makes the run longer: its bytes, its place in the
// columns, and wider columns if it needs them.
func (r *run) growth(c code) int {
	n := c.kept() + codeSize(r.wide)
	if r.tagged {
		n++
	}
	if c.wide() && !r.wide {
		n += r.n + 1
	}
	return n
}

// add appends an element to a run, of which b is longer by its growth already.
func (r *run) add(tag uint8, c code, kept []byte) {
	used := len(r.b) - r.growth(c)
	if c.wide() && !r.wide {
		used = r.widen(used)
	}
	lens, heap, w := r.lengths(), r.heap(), codeSize(r.wide)
	if r.tagged {
		copy(r.b[heap+1+w:], r.b[heap:used])
		copy(r.b[lens+1:], r.b[lens:heap])
		r.b[lens] = tag
	} else {
		copy(r.b[heap+w:], r.b[heap:used])
	}
	r.n++
	r.setCode(r.n-1, c)
	copy(r.b[len(r.b)-len(kept):], kept)
}

// widen gives the run, which has used bytes of b, lengths of two bytes, and returns how many bytes
// it has then.
func (r *run) widen(used int) int {
	lens, heap := r.lengths(), r.heap()
	copy(r.b[heap+r.n:], r.b[heap:used])
	for i := r.n - 1; i >= 0; i-- {
		c := r.b[lens+i]
		r.b[lens+2*i], r.b[lens+2*i+1] = c&narrowMost, c&^narrowMost
	}
	r.wide = true
	return used + r.n
}

// remove takes element i out. b is shorter then.
func (r *run) remove(i int) {
	lens, w, off := r.lengths(), codeSize(r.wide), r.offset(i)
	size := r.code(i).kept()
	b := r.b
	copy(b[off:], b[off+size:])
	b = b[:len(b)-size]
	copy(b[lens+w*i:], b[lens+w*(i+1):])
	b = b[:len(b)-w]
	if r.tagged {
		copy(b[i:], b[i+1:])
		b = b[:len(b)-1]
	}
	r.b = b
	r.n--
}

// filler fills a run of which the number of elements and the bytes are known.
type runFiller struct {
	run
	next, off int
}

// fill returns the filler of a run, b being as long as runSize says.
func (r run) fill() runFiller { return runFiller{r, 0, r.heap()} }

// put adds the next element.
func (f *runFiller) put(tag uint8, c code, kept []byte) {
	if f.tagged {
		f.b[f.next] = tag
	}
	f.setCode(f.next, c)
	f.off += copy(f.b[f.off:], kept)
	f.next++
}

// bounded reports whether the columns and the heap take just the bytes that there are. It trusts
// neither n nor the lengths.
func (r *run) bounded() bool {
	off := r.heap()
	if off > len(r.b) {
		return false
	}
	for i := range r.n {
		off += r.code(i).kept()
	}
	return off == len(r.b)
}

// words is a column of different integers in ascending order, in a frame of reference: each is kept
// as its distance from a base.
type words struct {
	b []byte // what is kept of the integers
	n int    // how many
	frame
}

// frame is a frame of reference.
type frame struct {
	base  int64
	width int // bytes of a distance
}

// frameOf returns the narrowest frame for integers from lo to hi. It lies around them, so that it
// takes a few more at either end.
func frameOf(lo, hi int64) frame {
	span := uint64(hi - lo)
	width := max((bits.Len64(span)+7)/8, 1)
	below := min((math.MaxUint64>>(64-8*width)-span)/2, uint64(lo-math.MinInt64))
	return frame{lo - int64(below), width}
}

// has reports whether an integer may be kept in the frame.
func (f frame) has(n int64) bool {
	return n >= f.base && uint64(n-f.base) <= math.MaxUint64>>(64-8*f.width)
}

// at returns integer i.
func (w *words) at(i int) int64 { return w.base + int64(word(w.b, i*w.width, w.width)) }

// set makes n, which the frame has, integer i.
func (w *words) set(i int, n int64) {
	var text [8]byte
	binary.LittleEndian.PutUint64(text[:], uint64(n-w.base))
	copy(w.b[i*w.width:], text[:w.width])
}

// search returns where n is, or where it belongs.
func (w *words) search(n int64) (i int, found bool) {
	lo, hi := 0, w.n
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch got := w.at(mid); {
		case got == n:
			return mid, true
		case got < n:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo, false
}
