package wire

import (
	"fmt"
	"strings"
	"testing"
)

// aclSteps are what is mixed into random streams: connections b and c log in as
// the users u1 and u2, and their rules change, also in the middle of their
// transactions.
var (
	aclLogins = []string{
		"AUTH %[1]s x", "AUTH %[1]s x", "AUTH %[1]s x", "AUTH u1 x", "AUTH u2 x", "AUTH x", "AUTH nobody x", "HELLO 3 AUTH %[1]s x", "HELLO 2 AUTH %[1]s x",
		"HELLO 3 AUTH nobody x", "HELLO 4 AUTH %[1]s x", "RESET", "ACL WHOAMI", "CLIENT GETNAME", "CLIENT SETNAME %[1]s", "HELLO 3 AUTH u2 x SETNAME n",
		"HELLO", "AUTH", "AUTH a b c", "ACL SETUSER %[1]s -@all", "ACL SETUSER u1 ~* +@all", "ACL SETUSER u2 on", "MULTI", "EXEC",
	}
	aclChanges = strings.Fields(`on on off nopass >x <x ~* ~s* ~h* %R~* %W~s* %R~s* %W~h? %R~h0 ~[sh]0 ~s1 resetkeys +@all +@all -@all +@read +@write
		-@read -@write +@keyspace -@keyspace +@hash +@set -@set -@string +@transaction -@transaction -@dangerous +get -get +set -set +copy +rename
		-multi +multi -exec +exec -discard +select +select|1 -select +acl|whoami +acl +client|getname -client +auth -auth -hello -reset
		(+get_~s*) (+@read_%R~h*) (+set_%W~*) (+@all_~*) clearselectors reset`)
)

// TestACLStreams is TestRandomStreams with users whose rules change.
func TestACLStreams(t *testing.T) {
	parallel(t)
	p := pair{subject: startSubject(t, ""), redis: startRedis(t, ""), before: [][]string{
		{"ACL", "DELUSER", "u1", "u2"}, {"ACL", "SETUSER", "u1", "on", "nopass", "~*", "+@all"}, {"ACL", "SETUSER", "u2", "on", "nopass", "~s*", "+@all"},
	}}
	p.checkStreams(t, func(seed uint64, ops []op) []op { return addUsers(seededDice(seed+1), ops) })
}

// addUsers replaces some commands of a stream by those that log in and change
// rules.
func addUsers(d *dice, ops []op) []op {
	users := []string{"u1", "u1", "u2"} // by connection; the first one's is the default user
	for i, o := range ops {
		switch d.roll(10) {
		case 0, 1:
			ops[i].args = []string{"ACL", "SETUSER", users[1+d.roll(2)]}
			for range 1 + d.roll(4) {
				rule := strings.ReplaceAll(aclChanges[d.roll(len(aclChanges))], "_", " ")
				ops[i].args = append(ops[i].args, rule)
			}
			if d.roll(5) > 0 {
				ops[i].conn = 0
			}
		case 2:
			if o.conn > 0 {
				ops[i].args = strings.Fields(fmt.Sprintf(aclLogins[d.roll(len(aclLogins))]+"%.0[1]s", users[o.conn]))
			}
		}
	}
	for conn := 1; conn < streamConns; conn++ {
		ops = append([]op{{conn: conn, args: []string{"AUTH", users[conn], "x"}}}, ops...)
	}
	return ops
}
