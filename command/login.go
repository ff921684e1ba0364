package command

import (
	"time"

	"github.com/redistill/redistill/internal/acl"
)

const (
	errWrongPass  = Error("WRONGPASS invalid username-password pair or user is disabled.")
	errNoPassword = Error("ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?")
	errTooManyLogins = Error("ERR too many logins from this address failed, try again in a second")
)

// AUTH [username] password
func auth(c *Call) error {
	user, password := []byte(acl.Default), c.Args[len(c.Args)-1]
	switch len(c.Args) {
	case 2:
		if c.Srv.users.Default().Rules().NoPass() {
			return errNoPassword
		}
	case 3:
		user = c.Args[1]
	default:
		return errSyntax
	}
	return c.ok(c.S.authenticate(user, password))
}

// authenticate lets the client in as a user if the password is right, and counts and logs it if not. A client that was let in before
// stays so. It returns errWait if the client has to wait, for too many logins from its address failed; in EXEC, which cannot wait, that is
// another error.
func (s *Session) authenticate(name, password []byte) error {
	from, remote := loginOrigin(s.Addr)
	if remote {
		if d := s.srv.logins.wait(from, time.Now()); d > 0 && s.multi.running {
			return errTooManyLogins
		} else if d > 0 {
			time.AfterFunc(d, s.wake)
			return errWait
		}
	}
	u := s.srv.users.Authenticate(string(name), password)
	if u == nil {
		if remote {
			s.srv.logins.count(from, time.Now())
		}
		s.loginFailed(acl.DeniedAuth, string(s.call.Args[0]), string(name))
		return errWrongPass
	}
	if !s.enter(u) {
		return errWrongPass
	}
	return nil
}

// LoginByCertificate lets the client in as the user whom its certificate names, if certificates stand for users here, the user exists and
// may log in. If it may not, that is counted and logged, and the client has to log in like one without a certificate. name is the common
// name of a certificate that was verified, or empty. The connection calls it once, after the handshake and before the first BeginBatch.
func (s *Session) LoginByCertificate(name string) {
	if name == "" || s.srv.Config.Values().TLSClientUser == "off" {
		return
	}
	if u := s.srv.users.Find(name); u != nil && u.Rules().Enabled() && s.enter(u) {
		return
	}
	s.call.Now = time.Now().UnixMilli()
	s.loginFailed(acl.DeniedCert, "", name)
}

// enter makes the session one of a user, and reports whether the user is still there.
func (s *Session) enter(u *acl.User) bool {
	s.login(u)
	if s.srv.users.Find(u.Name()) != u { // deleted meanwhile, and its clients killed before this was one of them
		s.logout()
		return false
	}
	return true
}

// loginFailed counts and logs a failed login. object is what ACL LOG says about it.
func (s *Session) loginFailed(why acl.Denial, object, user string) {
	s.denied(s.call.Cmd, why, object, user)
	s.srv.told.login.warn(s.srv.Log, "login failed", "user", clipText(user, textTold), "client", s.Addr)
}
