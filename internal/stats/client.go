package stats

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Target is a server to be asked.
type Target struct {
	network, address string // for net.Dial
	User, Password   string // empty for none

	// TLS is nil for a connection without it. It is cloned before it is used.
	TLS *tls.Config
}

// ParseTarget reads redis://[[user]:password@]host[:port][/db], rediss:// for
// TLS, unix:///path/of/socket, or host:port. The database is accepted and has no
// effect, for INFO tells of the whole server. Errors do not show the password.
func ParseTarget(text string) (Target, error) {
	if !strings.Contains(text, "://") {
		text = "redis://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, errors.New("target: not a URL such as redis://127.0.0.1:6379")
	}
	t := Target{User: u.User.Username()}
	t.Password, _ = u.User.Password()
	switch u.Scheme {
	case "redis":
		return t.tcp(u)
	case "rediss":
		if t, err = t.tcp(u); err == nil {
			host, _, _ := net.SplitHostPort(t.address) // tcp joined it
			t.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
		}
		return t, err
	case "unix":
		if u.Host != "" || u.Path == "" {
			return Target{}, errors.New("target: want unix:///path/of/socket")
		}
		t.network, t.address = "unix", u.Path
		return t, nil
	}
	return Target{}, fmt.Errorf("target: %s:// is not redis://, rediss:// or unix://", u.Scheme)
}

func (t Target) tcp(u *url.URL) (Target, error) {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "6379"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return Target{}, fmt.Errorf("target: %s is not a port", port)
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if _, err := strconv.ParseUint(db, 10, 16); err != nil {
			return Target{}, fmt.Errorf("target: %q is not a database number", db)
		}
	}
	t.network, t.address = "tcp", net.JoinHostPort(host, port)
	return t, nil
}

// String is the target as a URL without user and password.
func (t Target) String() string {
	if t.network == "unix" {
		return "unix://" + t.address
	}
	if t.TLS != nil {
		return "rediss://" + t.address
	}
	return "redis://" + t.address
}

// ErrPassword is returned by Connect where the server wants a password and got
// none.
var ErrPassword = errors.New("the server wants a password")

// ServerError is an error that the server answered.
type ServerError string

func (e ServerError) Error() string { return "the server answered: " + string(e) }

// maxReply bounds what is read for one reply, so that a peer that is no server
// cannot take all memory.
const maxReply = 16 << 20

// Conn is a connection for one goroutine.
type Conn struct {
	net     net.Conn
	in      *bufio.Reader
	timeout time.Duration // of each command
}

// Connect dials and authenticates. timeout bounds each of the steps and every
// command after. Errors name the target.
func Connect(ctx context.Context, t Target, timeout time.Duration) (*Conn, error) {
	c, err := connect(ctx, t, timeout)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	return c, nil
}

// connect is Connect, with errors that do not name the target.
func connect(ctx context.Context, t Target, timeout time.Duration) (*Conn, error) {
	d := net.Dialer{Timeout: timeout}
	nc, err := d.DialContext(ctx, t.network, t.address)
	if err != nil {
		return nil, reason(err)
	}
	if t.TLS != nil {
		secure := tls.Client(nc, t.TLS.Clone())
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		nc = secure
	}
	c := &Conn{net: nc, in: bufio.NewReader(nc), timeout: timeout}
	if err := c.login(t); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// reason makes errors of the network plain, and takes the address out, which the
// caller names. A server that ends while something was sent to it resets the
// connection, where otherwise it closes it.
func reason(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("the server closed the connection")
	case errors.As(err, &op) && op.Err != nil:
		return op.Err
	}
	return err
}

func (c *Conn) login(t Target) error {
	command := []string{"PING"}
	switch {
	case t.User != "" && t.Password != "":
		command = []string{"AUTH", t.User, t.Password}
	case t.Password != "":
		command = []string{"AUTH", t.Password}
	}
	_, err := c.Do(command...)
	var refused ServerError
	if errors.As(err, &refused) && strings.HasPrefix(string(refused), "NOAUTH") {
		return ErrPassword
	}
	return err
}

// Close ends the connection.
func (c *Conn) Close() { c.net.Close() }

// Do sends a command and returns its reply, which must be a string, a number or
// null, as which it returns nothing. An error that the server answers is a
// ServerError.
func (c *Conn) Do(words ...string) (string, error) {
	r, err := c.ask(words...)
	if err == nil && r.array != nil {
		err = errNotRedis
	}
	return r.text, err
}

// reply is one reply of a server: a text, or an array that is not nil.
type reply struct {
	text  string
	array []reply
}

// ask sends a command and reads its reply, of whatever kind.
func (c *Conn) ask(words ...string) (reply, error) {
	if err := c.net.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return reply{}, err
	}
	out := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := c.net.Write(out); err != nil {
		return reply{}, reason(err)
	}
	left := maxReply
	r, err := c.reply(&left, 0)
	return r, reason(err)
}

var errNotRedis = errors.New("the server does not speak Redis's protocol")

// maxDepth bounds how arrays may be nested.
const maxDepth = 8

// reply reads a reply inside of depth arrays, and takes what it needs from left,
// the bytes that may still be read.
func (c *Conn) reply(left *int, depth int) (reply, error) {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return reply{}, errNotRedis
	}
	if err != nil {
		return reply{}, err
	}
	text := strings.TrimSuffix(string(line), "\r\n")
	if len(text) == 0 || len(text) == len(line) {
		return reply{}, errNotRedis
	}
	if *left -= len(line); *left < 0 {
		return reply{}, errNotRedis
	}
	switch text[0] {
	case '+', ':':
		return reply{text: text[1:]}, nil
	case '-':
		return reply{}, ServerError(printable(text[1:]))
	case '$', '=':
		return c.bulk(text[1:], left)
	case '*':
		return c.elements(text[1:], left, depth)
	}
	return reply{}, errNotRedis
}

// bulk reads the rest of a bulk string whose length is given as text.
func (c *Conn) bulk(length string, left *int) (reply, error) {
	n, err := strconv.Atoi(length)
	if n == -1 {
		return reply{}, nil
	}
	if err != nil || n < 0 || n > *left {
		return reply{}, errNotRedis
	}
	*left -= n
	data := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, data); err != nil {
		return reply{}, err
	}
	return reply{text: string(data[:n])}, nil
}

// elements reads the rest of an array whose length is given as text.
func (c *Conn) elements(length string, left *int, depth int) (reply, error) {
	n, err := strconv.Atoi(length)
	if n == -1 {
		return reply{}, nil
	}
	if err != nil || n < 0 || depth >= maxDepth {
		return reply{}, errNotRedis
	}
	r := reply{array: []reply{}}
	for range n { // each takes bytes from left, which bounds a false length
		element, err := c.reply(left, depth+1)
		if err != nil {
			return reply{}, err
		}
		r.array = append(r.array, element)
	}
	return r, nil
}

// printable replaces what could control a terminal in a text of the server.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
