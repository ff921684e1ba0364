package client

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is a server, and how to log in to it.
type Target struct {
	Network        string // "tcp" or "unix"
	Address        string // host:port or a path
	User, Password string // empty when the server asks for none
	DB             int
	TLS            *tls.Config // nil for a connection without it
}

// What a target of TCP has unless it says otherwise.
const (
	defaultHost = "127.0.0.1"
	defaultPort = "6379"
)

// ParseTarget reads what names a server:
//
//	host:port, host, :port          a port and address of TCP
//	/run/redis.sock, ./redis.sock   a Unix socket
//	unix:run/redis.sock             the same, by any path
//	redis://[[user]:password@]host[:port][/database]
//	rediss://...                    the same with TLS
//	unix://[[user]:password@]/run/redis.sock[?db=database]
//
// The first form may have user and database too. In every URL, db=3 behind a
// question mark names the database, as other clients have it. No error shows a
// password.
func ParseTarget(text string) (Target, error) {
	if path, ok := socketPath(text); ok {
		if path == "" {
			return Target{}, errNoPath
		}
		return Target{Network: "unix", Address: path}, nil
	}
	if !strings.Contains(text, "://") {
		text = "redis://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		// The error of net/url quotes the whole text.
		return Target{}, errNoURL
	}
	t := Target{User: u.User.Username()}
	t.Password, _ = u.User.Password()
	db := ""
	switch u.Scheme {
	case "unix":
		if u.Host != "" || u.Path == "" {
			return Target{}, errNoPath
		}
		t.Network, t.Address = "unix", u.Path
	case "redis", "rediss":
		db = strings.Trim(u.Path, "/")
		if err := t.tcp(u); err != nil {
			return Target{}, err
		}
	default:
		const text = "target: the scheme %q is none of redis, rediss and unix"
		return Target{}, fmt.Errorf(text, u.Scheme)
	}
	t.DB, err = database(cmp.Or(u.Query().Get("db"), db))
	if err != nil {
		return Target{}, err
	}
	return t, nil
}

var (
	errNoURL  = errors.New("target: not a URL such as redis://[[user]:password@]host[:port]")
	errNoPath = errors.New("target: want a path, as in unix:///run/redis.sock or unix:redis.sock")
)

// socketPath returns the path of a socket that is written as one.
func socketPath(text string) (path string, ok bool) {
	if text != "" && (text[0] == '/' || text[0] == '.') {
		return text, true
	}
	path, ok = strings.CutPrefix(text, "unix:")
	return path, ok && !strings.HasPrefix(path, "//")
}

// tcp enters host, port and TLS of a URL.
func (t *Target) tcp(u *url.URL) error {
	host, port := cmp.Or(u.Hostname(), defaultHost), cmp.Or(u.Port(), defaultPort)
	if strings.Contains(host, ":") && !strings.HasPrefix(u.Host, "[") {
		return errors.New("target: an IPv6 address is written in brackets, as in [::1]:6379")
	}
	// It is not quoted: it may be the beginning of a password with a slash in it.
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return errors.New("target: the port is not a number from 1 to 65535")
	}
	t.Network, t.Address = "tcp", net.JoinHostPort(host, port)
	if u.Scheme == "rediss" {
		t.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	return nil
}

// database reads the number of a database, which is not quoted for the same reason.
func database(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, errors.New("target: the database is not a whole number")
	}
	return n, nil
}

// String returns the target without user and password.
func (t Target) String() string {
	db := ""
	if t.DB > 0 {
		db = strconv.Itoa(t.DB)
	}
	switch {
	case t.Network == "unix":
		scheme := "unix:"
		if strings.HasPrefix(t.Address, "/") {
			scheme = "unix://"
		}
		if db != "" {
			db = "?db=" + db
		}
		return scheme + t.Address + db
	case t.TLS != nil:
		return strings.TrimSuffix("rediss://"+t.Address+"/"+db, "/")
	}
	return strings.TrimSuffix("redis://"+t.Address+"/"+db, "/")
}
