package bench

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is a server to measure.
type Target struct {
	Network        string // "tcp" or "unix"
	Address        string // host:port or a path
	User, Password string // empty when the server asks for none
	DB             int
	// TLS is nil for a connection without it. It is cloned before it is used.
	TLS *tls.Config
}

// ParseTarget reads redis://[[user]:password@]host[:port][/db], the same with
// rediss for TLS, host:port, unix:///path or a path that begins with a slash. No
// error shows a password.
func ParseTarget(s string) (Target, error) {
	if strings.HasPrefix(s, "/") {
		return Target{Network: "unix", Address: s}, nil
	}
	if !strings.Contains(s, "://") {
		s = "redis://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		// The error of net/url quotes the whole text.
		return Target{}, errors.New("the target is not a URL such as redis://[:password@]host:port[/db]")
	}
	switch u.Scheme {
	case "unix":
		if u.Path == "" {
			return Target{}, errors.New("the target unix:// needs a path")
		}
		return Target{Network: "unix", Address: u.Path}, nil
	case "redis", "rediss":
		return parseTCP(u)
	}
	return Target{}, fmt.Errorf("the target's scheme %q is none of redis, rediss and unix", u.Scheme)
}

func parseTCP(u *url.URL) (Target, error) {
	t := Target{Network: "tcp"}
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "6379"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return t, fmt.Errorf("the target's port %q is not a number from 1 to 65535", port)
	}
	t.Address = net.JoinHostPort(host, port)
	if u.Scheme == "rediss" {
		t.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	if u.User != nil {
		t.User = u.User.Username()
		t.Password, _ = u.User.Password()
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		db, err := strconv.Atoi(path)
		if err != nil || db < 0 {
			return t, fmt.Errorf("the target's database %q is not a whole number", path)
		}
		t.DB = db
	}
	return t, nil
}

// String returns the target without user and password.
func (t Target) String() string {
	if t.Network == "unix" {
		return "unix://" + t.Address
	}
	s := "redis://" + t.Address
	if t.TLS != nil {
		s = "rediss://" + t.Address
	}
	if t.DB > 0 {
		s += "/" + strconv.Itoa(t.DB)
	}
	return s
}
