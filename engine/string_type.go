package engine

import "strconv"

// embstrMax is the length of the longest string that Redis keeps as embstr. A cache does not depend
// on it, but people look.
const embstrMax = 44

// stringType is the descriptor of strings.
type stringType struct{}

func (stringType) least(l layout) int {
	switch l {
	case layoutString:
		return 0
	case layoutInt:
		return 8
	case layoutParts:
		return bigStrHeader
	}
	return -1
}

func (stringType) encoding(v view) string {
	switch {
	case v.layout() == layoutInt:
		return "int"
	case v.flags&flagRaw == 0 && textLen(&v) <= embstrMax:
		return "embstr"
	}
	return "raw"
}

// textLen returns the length of a string.
func textLen(v *view) int {
	switch v.layout() {
	case layoutInt:
		return digits(v.number())
	case layoutString:
		return v.vlen
	}
	b := v.bigStr()
	return b.total
}

func (stringType) elements(view) int { return 0 }

func (stringType) parts(v view) uint32 {
	b := v.bigStr()
	return b.parts()
}

func (stringType) bytes(v view) int {
	b := v.bigStr()
	return b.tail()
}

func (stringType) refs([]byte, func(uint32, int)) {}

func (stringType) export(e *exporter, v view) error {
	switch v.layout() {
	case layoutInt:
		e.part = strconv.AppendInt(e.part[:0], v.number(), 10)
		return e.sink.String(e.part)
	case layoutString:
		return e.sink.String(v.valBytes())
	}
	b := v.bigStr()
	if err := e.sink.Len(b.total); err != nil {
		return err
	}
	if err := e.sink.Bytes(b.head); err != nil {
		return err
	}
	return e.run(0, b.tail())
}

func (stringType) add(t *Tx, k Key, deadline int64, words [][]byte) error {
	return t.Set(k, words[0], deadline)
}

func (stringType) mend(r ref) { r.remove(EventDel) }
