package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Dial connects to t, gives the password and selects the database. The error is
// ErrInterrupted if ctx has ended, or else a *ConnectError.
func Dial(ctx context.Context, t Target, o Options) (*Conn, error) {
	c, err := dial(ctx, t, o)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ErrInterrupted
	case err != nil:
		return nil, &ConnectError{t, err}
	}
	return c, nil
}

func dial(ctx context.Context, t Target, o Options) (*Conn, error) {
	d := net.Dialer{Timeout: o.Timeout}
	nc, err := d.DialContext(ctx, t.Network, t.Address)
	if err != nil {
		return nil, plain(err, o.Timeout)
	}
	if t.TLS != nil {
		secured, err := secure(ctx, nc, t.TLS, o.Timeout)
		if err != nil {
			nc.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		nc = secured
	}
	c := New(nc, o)
	if err := c.login(t); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

// secure begins TLS on nc, which stays the caller's if that fails.
func secure(
	ctx context.Context, nc net.Conn, cfg *tls.Config, timeout time.Duration,
) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c := tls.Client(nc, cfg)
	err := c.HandshakeContext(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("%w within %v", ErrNoAnswer, timeout)
	}
	return c, plain(err, timeout)
}

// login gives what t has of user, password and database. It asks for something at
// least, so that what answers is known to be a server, and one that lets us in.
func (c *Conn) login(t Target) error {
	command := []string{"PING"}
	switch {
	case t.User != "" && t.Password != "":
		command = []string{"AUTH", t.User, t.Password}
	case t.Password != "":
		command = []string{"AUTH", t.Password}
	}
	if t.DB == 0 || t.Password != "" {
		if _, err := c.Do(command...); err != nil {
			return wanted(err)
		}
	}
	if t.DB == 0 {
		return nil
	}
	_, err := c.Do("SELECT", strconv.Itoa(t.DB))
	return wanted(err)
}

// wanted is err, or ErrPassword for the error of a server that got no password.
func wanted(err error) error {
	var refused ServerError
	if errors.As(err, &refused) && strings.HasPrefix(string(refused), "NOAUTH ") {
		return ErrPassword
	}
	return err
}
