package wiretest

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var aclRounds = flag.Int("aclrounds", 400, "how many changes of rules TestACLIsRedis makes")

// aclPair is a redis-server and the server under test.
type aclPair struct {
	*aclDice
	t            *testing.T
	redis, ours  *client
	arity        map[string]int // of commands that both servers know, by full name
	history      []string
	allowed, not int // decisions
}

// TestACLIsRedis makes users from random rules on both servers, and compares what they answer, how they show the users, and what they
// decide about commands. What this server writes down of a user, redis-server must take for the same user.
func TestACLIsRedis(t *testing.T) {
	p := newACLPair(t)
	for round := 0; round < *aclRounds && !t.Failed(); round++ {
		if round%8 == 0 {
			p.both("ACL", "DELUSER", "u")
			p.history = nil
		}
		words := append([]string{"ACL", "SETUSER", "u"}, p.rules()...)
		p.history = append(p.history, formatArgs(words))
		p.both(words...)
		p.compareUser()
	}
	if p.allowed < *aclRounds || p.not < *aclRounds {
		t.Errorf("one decision is rare: %d allowed, %d not", p.allowed, p.not)
	}
}

func newACLPair(t *testing.T) *aclPair {
	p := &aclPair{t: t, aclDice: &aclDice{rng: rand.New(rand.NewPCG(*seed, 7)), plain: map[string]bool{}}, arity: map[string]int{}}
	for _, side := range []struct {
		c   **client
		srv server
	}{{&p.redis, startRedis(t, "")}, {&p.ours, startSubject(t, "")}} {
		c, err := dial(side.srv.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.close)
		*side.c = c
	}
	theirs := arities(t, p.redis)
	for name, n := range arities(t, p.ours) {
		// CLUSTER has no subcommands here, see what differs of it.
		if _, known := theirs[name]; known && name != "cluster" {
			p.arity[name] = n
			p.commands = append(p.commands, name)
		}
	}
	slices.Sort(p.commands)
	for i, name := range p.commands {
		p.plain[name] = !strings.Contains(name, "|") && (i+1 == len(p.commands) || !strings.HasPrefix(p.commands[i+1], name+"|"))
	}
	return p
}

// arities returns the arity of every command of a server by its full name.
func arities(t *testing.T, c *client) map[string]int {
	t.Helper()
	all, err := c.do("COMMAND")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]int{}
	var add func(row node)
	add = func(row node) {
		n, err := strconv.Atoi(string(bytes.TrimPrefix(row.elems[1].head, []byte(":"))))
		if err != nil {
			t.Fatal(err)
		}
		list[string(row.elems[0].body)] = n
		for _, sub := range row.elems[9].elems {
			add(sub)
		}
	}
	for _, row := range all.elems {
		add(row)
	}
	return list
}

// ask sends a command to one of the servers and returns the reply's bytes.
func (p *aclPair) ask(c *client, args ...string) string {
	p.t.Helper()
	n, err := c.do(args...)
	if err != nil {
		p.t.Fatalf("%q: %v", args, err)
	}
	return string(n.wire())
}

// both sends a command to both servers, which must answer alike, and returns what they do.
func (p *aclPair) both(args ...string) string {
	p.t.Helper()
	want, got := p.ask(p.redis, args...), p.ask(p.ours, args...)
	if want != got {
		p.t.Errorf("%s\n%s\n got %q\nwant %q", strings.Join(p.history, "\n"), formatArgs(args), got, want)
	}
	return got
}

// aclFit is the part of ACL GETUSER, and of ACL LIST, that says which commands are allowed. redis-server chooses other categories for the
// same, as it has more commands.
var aclFit = regexp.MustCompile(`commands\r\n\$\d+\r\n[^\r]*\r\n|\$\d+\r\nuser | [+-]@all[^)\r]*`)

// aclLater are rules about commands that the redis-server of the tests does not have.
var aclLater = regexp.MustCompile(` [+-]client\|(no-touch|setinfo)`)

// compareUser compares the user u on both servers, and with the copy of it that redis-server makes from our text.
func (p *aclPair) compareUser() {
	p.t.Helper()
	for _, ask := range [][]string{{"ACL", "GETUSER", "u"}, {"ACL", "LIST"}} {
		p.ask(p.redis, "ACL", "DELUSER", "copy")
		want, got := p.ask(p.redis, ask...), p.ask(p.ours, ask...)
		if aclFit.ReplaceAllString(want, "") != aclFit.ReplaceAllString(got, "") {
			p.t.Errorf("%s\n%s\n got %q\nwant %q", strings.Join(p.history, "\n"), formatArgs(ask), got, want)
		}
	}
	_, line, exists := strings.Cut(p.ask(p.ours, "ACL", "LIST"), "user u ")
	if !exists {
		return
	}
	line, _, _ = strings.Cut(line, "\r\n")
	line = aclLater.ReplaceAllString(line, "")
	if r := p.ask(p.redis, append([]string{"ACL", "SETUSER", "copy", "reset"}, strings.Split(line, " ")...)...); r != "+OK\r\n" {
		p.t.Errorf("%s\nredis-server answers %q to %q", strings.Join(p.history, "\n"), r, line)
	}
	for range 25 {
		words := p.request(p.arity)
		reply := p.both(append([]string{"ACL", "DRYRUN", "u"}, words...)...)
		if copied := p.ask(p.redis, append([]string{"ACL", "DRYRUN", "copy"}, words...)...); copied != reply {
			p.t.Errorf("%s\n%q\n got %q\nbut %q from the user made of %q", strings.Join(p.history, "\n"), words, reply, copied, line)
		}
		if reply == "+OK\r\n" {
			p.allowed++
		} else {
			p.not++
		}
	}
}
