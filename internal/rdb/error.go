package rdb

import "fmt"

// Error says what is wrong with a file or a payload, and where.
type Error struct {
	Offset int64 // bytes from the start
	Reason string
}

// Error returns the reason with the offset.
func (e *Error) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason) }

func errorAt(offset int64, format string, args ...any) *Error {
	return &Error{offset, fmt.Sprintf(format, args...)}
}
