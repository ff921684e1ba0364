package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/tidwall/redcon"
)

// What fails between a client and a server.
var (
	ErrClosed      = errors.New("the server closed the connection")
	ErrNoAnswer    = errors.New("the server did not answer")
	ErrNotRedis    = errors.New("the server does not speak Redis's protocol")
	ErrPassword    = errors.New("the server wants a password")
	ErrInterrupted = errors.New("interrupted")
)

// ServerError is an error that the server replied, without control characters.
type ServerError string

func (e ServerError) Error() string { return "the server replied: " + string(e) }

// ErrorOf returns the ServerError that a reply is, or nil.
func ErrorOf(r redcon.RESP) error {
	if r.Type == redcon.Error {
		return ServerError(Printable(r.String()))
	}
	return nil
}

// ConnectError is why there is no connection to a target.
type ConnectError struct {
	Target Target
	Err    error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("connecting to %s: %v", e.Target, e.Err)
}

func (e *ConnectError) Unwrap() error { return e.Err }

// plain makes errors of the network plain, and takes the address out, which
// whoever prints them names. A server that ends while something is on its way to it
// resets the connection, where otherwise it closes it. timeout is what was waited.
func plain(err error, timeout time.Duration) error {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &op) && op.Timeout():
		return fmt.Errorf("%w within %v", ErrNoAnswer, timeout)
	case op != nil:
		return op.Err
	}
	return err
}

// Printable replaces what could control a terminal in a text of a server.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
