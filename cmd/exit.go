package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes of every subcommand.
const (
	exitOK    = 0
	exitError = 1
	exitCheck = 2 // a check of 'redistill stats' failed
)

// codeError is an error with an exit code of its own.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

// usageError is a command line that cannot be understood. The message gains a
// hint to the help of the command that was meant.
type usageError struct {
	err     error
	command string // such as "redistill serve"
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// report turns the result of a command into the exit code, and writes an error
// as one line.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	line := strings.Join(strings.Fields(err.Error()), " ")
	var usage *usageError
	if errors.As(err, &usage) {
		line += fmt.Sprintf(" (see '%s --help')", usage.command)
	}
	fmt.Fprintln(stderr, "redistill: "+line)
	var code *codeError
	if errors.As(err, &code) {
		return code.code
	}
	return exitError
}
