package engine

import "fmt"

func (stringType) check(c *checker, sp *space, v view) error {
	if v.layout() != layoutParts {
		return nil
	}
	b := v.bigStr()
	if b.tail() <= 0 {
		return fmt.Errorf("string of %d bytes, %d in the record, has parts", b.total, len(b.head))
	}
	return c.takeRun(c.partsOf(sp, &v), 0, b.tail())
}

func (stringType) checkPart([]byte) error {
	return fmt.Errorf("part of a string that refers to others")
}
