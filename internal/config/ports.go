package config

import (
	"errors"
	"strconv"
	"strings"
)

// AutoPort as a port stands for a free one that the system chooses.
const AutoPort = -1

// autoPort is how our dialect writes AutoPort.
const autoPort = "auto"

// port is a TCP port, 0 for none, or AutoPort. For that, Redis's names show what was chosen.
func port(field, chosen func(*Values) *int) kind {
	k := integer(field, 0, 65535)
	number := k.setRedis
	k.accepts = "a port from 1 to 65535, 0 for none, or auto for a free one"
	k.set = func(v *Values, text string) error {
		if strings.EqualFold(text, autoPort) {
			*field(v) = AutoPort
			return nil
		}
		if number(v, text) != nil {
			return errors.New("must be " + k.accepts)
		}
		return nil
	}
	k.get = func(v *Values) string {
		if *field(v) == AutoPort {
			return autoPort
		}
		return strconv.Itoa(*field(v))
	}
	k.getRedis = func(v *Values) string {
		if *field(v) == AutoPort {
			return strconv.Itoa(*chosen(v))
		}
		return strconv.Itoa(*field(v))
	}
	return k
}

// Ports returns the TCP ports without and with TLS. 0 is none, and AutoPort one that has not been
// chosen yet.
func (v *Values) Ports() (plain, secure int) {
	plain, secure = v.Port, v.TLSPort
	if plain == AutoPort && v.chosenPort > 0 {
		plain = v.chosenPort
	}
	if secure == AutoPort && v.chosenTLSPort > 0 {
		secure = v.chosenTLSPort
	}
	if v.tlsInPlace() {
		return 0, plain
	}
	return plain, secure
}

// tlsInPlace reports whether TLS is spoken on Port, in place of plain text.
func (v *Values) tlsInPlace() bool { return v.TLSEnabled && v.TLSPort == 0 }

// Listening says on which ports the server listens without and with TLS. It returns what the system
// chose for server.port and server.tls_port, 0 where it did not have to.
func (c *Config) Listening(plain, secure int) (port, tlsPort int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := new(Values)
	*next = *c.Values()
	if next.tlsInPlace() {
		plain = secure
	}
	if next.Port == AutoPort {
		next.chosenPort = plain
	}
	if next.TLSPort == AutoPort {
		next.chosenTLSPort = secure
	}
	c.values.Store(next)
	return next.chosenPort, next.chosenTLSPort
}
