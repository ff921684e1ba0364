package stats

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Target is a server to be asked.
type Target struct {
	network, address string // for net.Dial
	User, Password   string // empty for none
}

// ParseTarget reads redis://[[user]:password@]host[:port][/db],
// unix:///path/of/socket, or host:port. The database is accepted and has no
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
	case "unix":
		if u.Host != "" || u.Path == "" {
			return Target{}, errors.New("target: want unix:///path/of/socket")
		}
		t.network, t.address = "unix", u.Path
		return t, nil
	case "rediss":
		return Target{}, errors.New("target: TLS (rediss://) is not supported")
	}
	return Target{}, fmt.Errorf("target: %s:// is not redis:// or unix://", u.Scheme)
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
	d := net.Dialer{Timeout: timeout}
	nc, err := d.DialContext(ctx, t.network, t.address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, reason(err))
	}
	c := &Conn{net: nc, in: bufio.NewReader(nc), timeout: timeout}
	if err := c.login(t); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	return c, nil
}

// reason takes the address out of a dial error, which the caller names.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
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

// Do sends a command and returns its reply, which must be a
// string, a number or null, as which it returns nothing. An error
// that the server answers is a ServerError.
func (c *Conn) Do(words ...string) (string, error) {
	if err := c.net.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return "", err
	}
	out := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := c.net.Write(out); err != nil {
		return "", reason(err)
	}
	reply, err := c.reply()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "", errors.New("the server closed the connection")
	}
	return reply, reason(err)
}

var errNotRedis = errors.New("the server does not speak Redis's protocol")

func (c *Conn) reply() (string, error) {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errNotRedis
	}
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(string(line), "\r\n")
	if len(text) == 0 || len(text) == len(line) {
		return "", errNotRedis
	}
	switch text[0] {
	case '+', ':':
		return text[1:], nil
	case '-':
		return "", ServerError(text[1:])
	case '$', '=':
		return c.bulk(text[1:])
	}
	return "", errNotRedis
}

// bulk reads the rest of a bulk string whose length is given as text.
func (c *Conn) bulk(length string) (string, error) {
	n, err := strconv.Atoi(length)
	if n == -1 {
		return "", nil
	}
	if err != nil || n < 0 || n > maxReply {
		return "", errNotRedis
	}
	data := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, data); err != nil {
		return "", err
	}
	return string(data[:n]), nil
}
