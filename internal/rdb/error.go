package rdb

import "fmt"

// Error says what is wrong with a file or a payload, and where.
type Error struct {
	Offset  int64 // bytes from the start
	Reason  string
	Foreign bool // nothing is damaged, but it is more than is accepted here
}

// Error returns the reason with the offset.
func (e *Error) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason) }

func errorAt(offset int64, format string, args ...any) *Error {
	return &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// foreign is the error of what is not accepted, although it is as it should be.
func foreign(offset int64, format string, args ...any) *Error {
	e := errorAt(offset, format, args...)
	e.Foreign = true
	return e
}

// tooLong is the error of a string that is longer than limit.
func tooLong(offset int64, n uint64, limit int) *Error {
	return foreign(offset, "a string of %d bytes, where %d are accepted", n, limit)
}
