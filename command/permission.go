package command

import "github.com/redistill/redistill/internal/acl"

// The rules of users come to a session in two ways: it loads them for each command that they restrict, and it is told when those of its
// user have changed (markRules), for a client whom they do not restrict must not have to look.

// catalog returns the commands of the table as rules see them, by Command.index, and behind them those that are absent.
func (t *table) catalog() *acl.Catalog {
	commands := make([]acl.Command, len(t.list))
	for i, c := range t.list {
		commands[i] = acl.Command{Name: c.fullName, Categories: uint32(c.categories()), Free: c.Flags&NoAuth != 0, HasKeys: len(c.Keys) > 0}
	}
	return acl.NewCatalog(categoryNames, append(commands, absentCommands()...))
}

// need returns the access to its keys that rules must allow for the command to do what a says.
func (a Access) need() (n acl.Access) {
	if a&Reads != 0 {
		n |= acl.Read
	}
	if a&(Updates|Inserts|Deletes) != 0 {
		n |= acl.Write
	}
	return n
}

// appendUses appends the keys among args, which have the right arity, with what is done with them.
func (c *Command) appendUses(dst []acl.Key, args [][]byte) []acl.Key {
	for _, k := range c.findKeys(nil, args) {
		dst = append(dst, acl.Key{At: k.at, Access: c.accessIn(k.spec, args).need()})
	}
	return dst
}

// onlyUse returns the key of a command that names exactly one, and what is done with it. At is 0 for others.
func (c *Command) onlyUse(args [][]byte) acl.Key {
	use := c.use
	if use.At != 0 && c.Keys[0].AccessOf != nil {
		use.Access = c.Keys[0].AccessOf(args).need()
	}
	return use
}

// logout makes the session what a client is before it logs in.
func (s *Session) logout() {
	s.login(s.srv.users.Default())
	if !s.srv.users.Open() {
		s.state |= unauthenticated
		s.setStranger(true)
	}
}

// login makes the session one of a user.
func (s *Session) login(u *acl.User) {
	s.user.Store(u) // first, so that a change of the rules from here on marks this session
	s.state &^= unauthenticated
	s.setStranger(false)
	s.takeRules()
}

// takeRules makes the session's state say whether the rules of its user restrict it.
func (s *Session) takeRules() {
	s.marks.And(^markRules) // first, so that a later change marks it again
	s.state |= restricted
	if s.user.Load().Rules().Unrestricted() {
		s.state &^= restricted
	}
}

// allowed returns the error reply to a command that the user may not run by the rules as they are now, which it counts and logs, or nil.
func (s *Session) allowed(cmd *Command, args [][]byte) error {
	rules := s.user.Load().Rules()
	if rules.Outright(cmd.index) {
		return nil
	}
	if use := cmd.onlyUse(args); use.At != 0 && rules.FirstAllows(cmd.index, args[use.At], use.Access) {
		return nil // what most commands are, and come to
	}
	switch why, at := rules.Check(cmd.index, args, cmd.appendUses(nil, args)); why {
	case acl.Allowed:
		return nil
	case acl.DeniedKey:
		s.denied(cmd, why, string(args[at]), s.user.Load().Name())
		return errNoPermissionForKey
	default:
		s.denied(cmd, why, cmd.fullName, s.user.Load().Name())
		return errNoPermission(s.user.Load(), cmd)
	}
}

// stillAllowed is allowed for a command that was allowed when it was queued.
func (s *Session) stillAllowed(cmd *Command, args [][]byte) error {
	switch s.allowed(cmd, args) {
	case nil:
		return nil
	case errNoPermissionForKey:
		return errNoLongerForKey
	default:
		return errNoLonger
	}
}

// denied counts a denial and enters it into ACL LOG.
func (s *Session) denied(cmd *Command, why acl.Denial, object, user string) {
	s.srv.total.denied[why].Add(1)
	context := "toplevel"
	if s.state&inMulti != 0 {
		context = "multi"
	}
	s.call.Cmd = cmd
	s.publishRunning()
	line := s.appendLine(nil, s.call.Now)
	s.srv.aclLog.Add(acl.Event{
		Why: why, Context: context, Object: object, Username: user, Client: string(line[:len(line)-1]), Time: s.call.Now,
	}, s.srv.Config.Values().ACLLogMaxLen)
}

// rulesChanged makes the sessions of a user look at its rules. s is the one that changed them. With every shard locked, no command runs by
// the old rules when it returns.
func (s *Session) rulesChanged(u *acl.User) {
	for _, other := range s.srv.clients.list() {
		switch {
		case other.user.Load() != u:
		case other == s:
			s.takeRules()
		default:
			other.marks.Or(markRules)
		}
	}
}

// killUsers closes the connections of users who are gone; its own after the reply.
func (s *Session) killUsers(gone []*acl.User) {
	set := map[*acl.User]bool{}
	for _, u := range gone {
		set[u] = true
	}
	for _, other := range s.srv.clients.list() {
		if set[other.user.Load()] {
			s.kill(other)
		}
	}
}
