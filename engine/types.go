package engine

import "unsafe"

// Type is what a key holds.
type Type uint8

// The types of keys. None is the type of a missing key. A value has its type in four bits.
const (
	None Type = iota
	String
	Hash
	Set
)

const typeMask = 15

// types is the table of descriptors. Whatever handles values without knowing what they are asks it:
// eviction, expiry, deletion, copies, snapshots and the checker name no type.
var types = [typeMask + 1]valueType{String: stringType{}, Hash: hashType{}, Set: setType{}}

// valueType is the descriptor of a type. The shard of the value is locked during a call, unless it
// says otherwise. Views are passed by value because they would escape to the heap otherwise.
type valueType interface {
	// least returns how many bytes a value of a layout takes at least, -1 if the type does not
	// use that layout.
	least(l layout) int
	// encoding returns the name that Redis has for the way in which it would keep the value.
	encoding(v view) string
	// elements returns how many elements a value has. A string has none.
	elements(v view) int

	// parts returns how many parts a root leads to: those with the numbers from 0 up to that.
	// Numbers may be missing among them. Further parts are found by the parts that refer to them.
	parts(v view) uint32
	// bytes returns how many bytes all parts of a root hold.
	bytes(v view) int
	// refs calls fn for the runs of parts that a part refers to, with the number of the first part
	// and the bytes in all of them. It is asked for parts that were added with this type.
	refs(part []byte, fn func(first uint32, n int))

	// export passes a value to the exporter's sink: the bytes of a string, or element after
	// element. The shard need not be locked; v may be a copy.
	export(e *exporter, v view) error
	// add adds an element, as export passes it, to the value of a key. See Import.
	add(t *Tx, k Key, deadline int64, words [][]byte) error
	// mend removes from a value what is damaged, the key if nothing is left.
	mend(r ref)

	// check verifies a value, trusting nothing but the size of its record, and takes its parts.
	check(c *checker, sp *space, v view) error
	// checkPart verifies a part whose refs are asked for.
	checkPart(part []byte) error
}

// typ returns the type of the value.
func (v *view) typ() Type {
	if v.layout() <= layoutInt {
		return String
	}
	return Type(load8(v.p, v.val) & typeMask)
}

// The head of a packed value, and of a root.
const (
	packedHead = 2
	packedMost = 1<<12 - 1 // elements that the head can count
	rootID     = 1         // where the id is
	rootHead   = 5
)

// packed returns the number of elements of a packed value.
func (v *view) packed() int { return int(load16(v.p, v.val) >> 4) }

// setPacked writes the head of a packed value of n elements.
func (v *view) setPacked(t Type, n int) { store16(v.p, v.val, uint16(n)<<4|uint16(t)) }

// setRoot writes the head of a root.
func (v *view) setRoot(t Type, id uint32) {
	store8(v.p, v.val, uint8(t))
	v.setID(id)
}

// id returns the id of the owner of a root's parts.
func (v *view) id() uint32 { return load32(v.p, v.val+rootID) }

func (v *view) setID(id uint32) { store32(v.p, v.val+rootID, id) }

// bytes returns how many bytes the parts of a value hold.
func (v *view) bytes() int {
	if v.layout() != layoutParts {
		return 0
	}
	return types[v.typ()].bytes(*v)
}

// partType returns the type that knows what a part refers to, None if that is nothing.
func partType(p unsafe.Pointer) Type { return Type(load8(p, 1) & typeMask) }

// eachRef calls fn for the runs of parts that a part refers to.
func eachRef(p unsafe.Pointer, fn func(first uint32, n int)) {
	if t := partType(p); t != None {
		types[t].refs(partBytes(p), fn)
	}
}
