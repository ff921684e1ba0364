package command

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/redistill/redistill/internal/acl"
)

const aclAdmin = Admin | NoScript | Loading | Stale

var aclCommand = Command{
	Name: "acl", Arity: -2, Group: Admins, Since: "6.0.0",
	Summary: "A container for Access List Control commands ", Complexity: "Depends on subcommand.",
	Sub: []Command{
		{Name: "cat", Arity: -2, Flags: NoScript | Loading | Stale, Group: Admins, Since: "6.0.0",
			Summary:    "List the ACL categories or the commands inside a category",
			Complexity: "O(1) since the categories and commands are a fixed set.", Syntax: "[categoryname]", Run: aclCat},
		{Name: "deluser", Arity: -3, Flags: aclAdmin, Locks: LockAll, Group: Admins, Since: "6.0.0",
			Summary:    "Remove the specified ACL users and the associated rules",
			Complexity: "O(1) amortized time considering the typical user.", Syntax: "username [username ...]", Run: aclDelUser},
		{Name: "dryrun", Arity: -4, Flags: aclAdmin, Group: Admins, Since: "7.0.0",
			Summary:    "Returns whether the user can execute the given command without executing the command.",
			Complexity: "O(1).", Syntax: "username command [arg [arg ...]]", Run: aclDryRun},
		{Name: "genpass", Arity: -2, Flags: NoScript | Loading | Stale, Group: Admins, Since: "6.0.0",
			Summary:    "Generate a pseudorandom secure password to use for ACL users",
			Complexity: "O(1)", Syntax: "[bits]", Run: aclGenPass},
		{Name: "getuser", Arity: 3, Flags: aclAdmin, Group: Admins, Since: "6.0.0",
			Summary:    "Get the rules for a specific ACL user",
			Complexity: "O(N). Where N is the number of password, command and pattern rules that the user has.", Syntax: "username",
			Run: aclGetUser},
		{Name: "help", Arity: 2, Flags: Loading | Stale, Group: Admins, Since: "6.0.0",
			Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Run: aclHelp},
		{Name: "list", Arity: 2, Flags: aclAdmin, Group: Admins, Since: "6.0.0",
			Summary:    "List the current ACL rules in ACL config file format",
			Complexity: "O(N). Where N is the number of configured users.", Run: aclList},
		{Name: "load", Arity: 2, Flags: aclAdmin | NoMulti, Locks: LockAll, Group: Admins, Since: "6.0.0",
			Summary:    "Reload the ACLs from the configured ACL file",
			Complexity: "O(N). Where N is the number of configured users.", Run: aclLoad,
			Differs: "Refused in a transaction, which cannot wait for a disk. If the file does not have the default user, that user keeps " +
				"the password of requirepass"},
		{Name: "log", Arity: -2, Flags: aclAdmin, Group: Admins, Since: "6.0.0",
			Summary:    "List latest events denied because of ACLs in place",
			Complexity: "O(N) with N being the number of entries shown.", Syntax: "[count | RESET]", Run: aclLog,
			Differs: "Of each text the first kilobyte is kept"},
		{Name: "save", Arity: 2, Flags: aclAdmin | NoMulti, Group: Admins, Since: "6.0.0",
			Summary:    "Save the current ACL rules in the configured ACL file",
			Complexity: "O(N). Where N is the number of configured users.", Run: aclSave,
			Differs: "Refused in a transaction, which cannot wait for a disk"},
		{Name: "setuser", Arity: -3, Flags: aclAdmin, Locks: LockAll, Group: Admins, Since: "6.0.0",
			Summary:    "Modify or create the rules for a specific ACL user",
			Complexity: "O(N). Where N is the number of rules provided.", Syntax: "username [rule [rule ...]]", Run: aclSetUser,
			Differs: "Quotes have no meaning within a selector, `%RW~*` is the same as `~*`, and a few rules that Redis could not read back are " +
				"refused: `%~pattern`, `%R` without a pattern, `+command|word` with a space in the word, a rule within a selector that ends with " +
				"a parenthesis, a second opening parenthesis before the first is closed, and a zero byte, behind which Redis reads nothing, " +
				"anywhere but in a password. Refused where all users with their rules would take more than a sixteenth of " +
				"`maxmemory`, or 4 MB if that is more"},
		{Name: "users", Arity: 2, Flags: aclAdmin, Group: Admins, Since: "6.0.0",
			Summary:    "List the username of all the configured ACL rules",
			Complexity: "O(N). Where N is the number of configured users.", Run: aclUsers},
		{Name: "whoami", Arity: 2, Flags: NoScript | Loading | Stale, Group: Admins, Since: "6.0.0",
			Summary:    "Return the name of the user associated to the current connection",
			Complexity: "O(1)", Run: aclWhoAmI},
	},
}

var aclHelp = help("acl",
	"CAT [<category>]",
	"    List all commands that belong to <category>, or all command categories",
	"    when no category is specified.",
	"DELUSER <username> [<username> ...]",
	"    Delete a list of users.",
	"DRYRUN <username> <command> [<arg> ...]",
	"    Returns whether the user can execute the given command without executing the command.",
	"GETUSER <username>",
	"    Get the user's details.",
	"GENPASS [<bits>]",
	"    Generate a secure 256-bit user password. The optional `bits` argument can",
	"    be used to specify a different size.",
	"LIST",
	"    Show users details in config file format.",
	"LOAD",
	"    Reload users from the ACL file.",
	"LOG [<count> | RESET]",
	"    Show the ACL log entries.",
	"SAVE",
	"    Save the current config to the ACL file.",
	"SETUSER <username> <attribute> [<attribute> ...]",
	"    Create or modify a user with the specified attributes.",
	"USERS",
	"    List all the registered usernames.",
	"WHOAMI",
	"    Return the current connection username.")

const (
	errNoPermissionForKey = Error("NOPERM No permissions to access a key")
	errRulesChanged       = "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
		"This command is no longer allowed for the following reason: "
	errNoLonger       = Error(errRulesChanged + "no permission to execute the command or subcommand")
	errNoLongerForKey = Error(errRulesChanged + "no permission to touch the specified keys")
)

// errNoPermission is the reply to a command that the rules of the user do not allow at all.
func errNoPermission(u *acl.User, c *Command) Error {
	return Error("NOPERM " + mayNot(u) + "run the '" + c.fullName + "' command")
}

// mayNot begins a sentence about what a user may not do.
func mayNot(u *acl.User) string { return "User " + u.Name() + " has no permissions to " }

// ACL CAT [categoryname]
func aclCat(c *Call) error {
	switch len(c.Args) {
	case 2:
		c.Out.Array(len(categoryNames))
		for _, name := range categoryNames {
			c.Out.BulkString(name)
		}
		return nil
	case 3:
	default:
		return errSubcommandSyntax(c)
	}
	category := categoryNamed(string(c.Args[2]))
	if category == 0 {
		return Error("ERR Unknown category '" + string(clip(c.Args[2], 128)) + "'")
	}
	var names []string
	for _, row := range c.Srv.table.list {
		if row.categories()&category != 0 {
			names = append(names, row.fullName)
		}
	}
	c.Out.Array(len(names))
	for _, name := range names {
		c.Out.BulkString(name)
	}
	return nil
}

// usersMost returns how many bytes ACL SETUSER lets all users take under a limit of memory; 0 is no
// limit.
func usersMost(maxMemory int64) int64 {
	const share, least = 16, 4 << 20
	if maxMemory == 0 {
		return 0
	}
	return max(maxMemory/share, least)
}

// ACL SETUSER username [rule ...]
func aclSetUser(c *Call) error {
	var rules []string
	for _, a := range c.Args[3:] {
		rules = append(rules, string(a))
	}
	u, err := c.Srv.users.Change(string(c.Args[2]), rules, usersMost(c.Srv.Config.Values().MaxMemory))
	if err != nil {
		return Error("ERR " + err.Error())
	}
	c.S.rulesChanged(u)
	c.Out.OK()
	return nil
}

// ACL DELUSER username [username ...]
func aclDelUser(c *Call) error {
	for _, name := range c.Args[2:] {
		if string(name) == acl.Default {
			return Error("ERR The 'default' user cannot be removed")
		}
	}
	var gone []*acl.User
	for _, name := range c.Args[2:] {
		if u := c.Srv.users.Delete(string(name)); u != nil {
			gone = append(gone, u)
		}
	}
	c.S.killUsers(gone)
	c.Out.Int(int64(len(gone)))
	return nil
}

// ACL GETUSER username
func aclGetUser(c *Call) error {
	u := c.Srv.users.Find(string(c.Args[2]))
	if u == nil {
		c.Out.Null()
		return nil
	}
	rules := u.Rules()
	c.Out.Map(6)
	c.Out.BulkString("flags")
	flags := rules.Flags()
	c.Out.Set(len(flags))
	for _, f := range flags {
		c.Out.BulkString(f)
	}
	c.Out.BulkString("passwords")
	passwords := rules.Passwords()
	c.Out.Array(len(passwords))
	for _, p := range passwords {
		c.Out.BulkString(p)
	}
	selectors := rules.Selectors()
	c.selector(selectors[0])
	c.Out.BulkString("selectors")
	c.Out.Array(len(selectors) - 1)
	for _, s := range selectors[1:] {
		c.Out.Map(3)
		c.selector(s)
	}
	return nil
}

// selector appends the three fields of a selector.
func (c *Call) selector(s acl.Selector) {
	for _, field := range [][2]string{{"commands", s.Commands}, {"keys", s.Keys}, {"channels", s.Channels}} {
		c.Out.BulkString(field[0])
		c.Out.BulkString(field[1])
	}
}

// ACL LIST
func aclList(c *Call) error {
	return c.eachUser((*acl.User).Line)
}

// ACL USERS
func aclUsers(c *Call) error {
	return c.eachUser((*acl.User).Name)
}

// eachUser replies with what show returns for each user.
func (c *Call) eachUser(show func(*acl.User) string) error {
	users := c.Srv.users.List()
	c.Out.Array(len(users))
	for _, u := range users {
		c.Out.BulkString(show(u))
	}
	return nil
}

// ACL WHOAMI
func aclWhoAmI(c *Call) error {
	c.Out.BulkString(c.S.user.Load().Name())
	return nil
}

// maxPassBits bounds what ACL GENPASS makes.
const maxPassBits = 4096

// ACL GENPASS [bits]
func aclGenPass(c *Call) error {
	bits := int64(256)
	switch len(c.Args) {
	case 2:
	case 3:
		var err error
		if bits, err = c.int(2); err != nil {
			return err
		}
	default:
		return errSubcommandSyntax(c)
	}
	if bits <= 0 || bits > maxPassBits {
		return Error("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096")
	}
	random := make([]byte, maxPassBits/8)
	_, _ = rand.Read(random) // documented never to fail
	c.Out.BulkString(hex.EncodeToString(random)[:(bits+3)/4])
	return nil
}

// ACL DRYRUN username command [arg ...]
func aclDryRun(c *Call) error {
	u := c.Srv.users.Find(string(c.Args[2]))
	if u == nil {
		return Error("ERR User '" + shown(c.Args[2]) + "' not found")
	}
	args := c.Args[3:]
	row := c.Srv.table.lookup(args[0])
	if row != nil && row.Sub != nil && len(args) > 1 {
		row = row.subcommand(args[1])
	}
	switch {
	case row == nil:
		return Error("ERR Command '" + shown(args[0]) + "' not found")
	case row.Arity > 0 && len(args) != row.Arity || len(args) < -row.Arity:
		return errArity(row)
	}
	switch why, at := u.Rules().Check(row.index, args, row.appendUses(nil, args)); why {
	case acl.Allowed:
		c.Out.OK()
	case acl.DeniedKey:
		c.Out.BulkString(mayNot(u) + "access the '" + string(args[at]) + "' key")
	default:
		c.Out.BulkString(mayNot(u) + "run the '" + row.fullName + "' command")
	}
	return nil
}

// ACL LOG [count | RESET]
func aclLog(c *Call) error {
	count := int64(10)
	switch {
	case len(c.Args) > 3:
		return errSubcommandSyntax(c)
	case len(c.Args) == 3 && is(c.Args[2], "reset"):
		c.Srv.aclLog.Reset()
		c.Out.OK()
		return nil
	case len(c.Args) == 3:
		var err error
		if count, err = c.int(2); err != nil {
			return err
		}
	}
	events := c.Srv.aclLog.Events(int(min(max(count, 0), maxReply)))
	c.Out.Array(len(events))
	for i := range events {
		c.event(&events[i])
	}
	return nil
}

// denialNames are the reasons as ACL LOG writes them.
var denialNames = map[acl.Denial]string{
	acl.DeniedCommand: "command", acl.DeniedKey: "key", acl.DeniedAuth: "auth", acl.DeniedChannel: "channel",
	acl.DeniedCert: "tls-cert",
}

// event appends an entry of ACL LOG.
func (c *Call) event(e *acl.Event) {
	c.Out.Map(10)
	c.Out.BulkString("count")
	c.Out.Int(e.Count)
	for _, field := range [][2]string{
		{"reason", denialNames[e.Why]}, {"context", e.Context}, {"object", e.Object}, {"username", e.Username},
	} {
		c.Out.BulkString(field[0])
		c.Out.BulkString(field[1])
	}
	c.Out.BulkString("age-seconds")
	c.Out.Double(float64(c.Now-e.Time) / 1000)
	c.Out.BulkString("client-info")
	c.Out.BulkString(e.Client)
	for _, field := range []struct {
		name string
		n    int64
	}{{"entry-id", e.ID}, {"timestamp-created", e.Created}, {"timestamp-last-updated", e.Time}} {
		c.Out.BulkString(field.name)
		c.Out.Int(field.n)
	}
}
