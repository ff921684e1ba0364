package command

import (
	"github.com/redistill/redistill/internal/acl"
	"github.com/redistill/redistill/internal/resp"
)

// killFilter says which clients CLIENT KILL is about. A zero field is about any client.
type killFilter struct {
	id          int64
	typ         clientType
	user        *acl.User
	addr, laddr []byte
	skipMe      bool
}

// matches reports whether s is to be killed for the client me.
func (f *killFilter) matches(s, me *Session) bool {
	return (f.id == 0 || s.ID == f.id) &&
		f.typ.includes(s) &&
		(f.user == nil || s.user.Load() == f.user) &&
		(f.addr == nil || s.Addr == string(f.addr)) &&
		(f.laddr == nil || s.LAddr == string(f.laddr)) &&
		!(f.skipMe && s == me)
}

// CLIENT KILL ip:port
// CLIENT KILL option value [option value ...]
func clientKill(c *Call) error {
	old := len(c.Args) == 3
	f := killFilter{addr: c.Args[2]}
	if !old {
		var err error
		if f, err = parseKill(c.Srv.users, c.Args[2:]); err != nil {
			return err
		}
	}
	killed := int64(0)
	for _, s := range c.Srv.clients.list() {
		if f.matches(s, c.S) {
			c.S.kill(s)
			killed++
		}
	}
	switch {
	case !old:
		c.Out.Int(killed)
	case killed > 0:
		c.Out.OK()
	default:
		return Error("ERR No such client")
	}
	return nil
}

// kill closes a client; itself after it got its reply.
func (s *Session) kill(other *Session) {
	if other == s {
		s.Closing = true
		return
	}
	other.Kill()
}

func parseKill(users *acl.Users, args [][]byte) (f killFilter, err error) {
	if len(args)%2 != 0 {
		return f, errSyntax
	}
	f.skipMe = true
	for ; len(args) > 0; args = args[2:] {
		if err := f.set(users, args[0], args[1]); err != nil {
			return f, err
		}
	}
	return f, nil
}

// set applies one option.
func (f *killFilter) set(users *acl.Users, option, value []byte) (err error) {
	switch {
	case is(option, "id"):
		var ok bool
		if f.id, ok = resp.ParseInt(value); !ok || f.id < 1 {
			return Error("ERR client-id should be greater than 0")
		}
	case is(option, "type"):
		f.typ, err = parseClientType(value)
		return err
	case is(option, "addr"):
		f.addr = value
	case is(option, "laddr"):
		f.laddr = value
	case is(option, "user"):
		if f.user = users.Find(string(value)); f.user == nil {
			return Error("ERR No such user '" + shown(value) + "'")
		}
	case is(option, "skipme") && is(value, "yes"):
		f.skipMe = true
	case is(option, "skipme") && is(value, "no"):
		f.skipMe = false
	default:
		return errSyntax
	}
	return nil
}
