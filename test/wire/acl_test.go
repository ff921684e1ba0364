package wire

import (
	"bytes"
	"flag"
	"maps"
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
	redis, ours  *peer
	arity        map[string]int // of commands that both servers know, by full name
	history      []string
	allowed, not int // decisions
}

// TestACLIsRedis makes users from random rules on both servers, and compares what they answer, how they show the users, and what they
// decide about commands. What one writes down of a user, the other must take for the same user.
func TestACLIsRedis(t *testing.T) {
	parallel(t)
	p := newACLPair(t)
	for round := 0; round < *aclRounds && !t.Failed(); round++ {
		if round%8 == 0 {
			p.both("ACL", "DELUSER", "u")
			p.both("ACL", "SETUSER", "u", sanitized)
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

// sanitized is the rule that new users have since Redis 7.2.
const sanitized = "sanitize-payload"

func newACLPair(t *testing.T) *aclPair {
	p := &aclPair{t: t, aclDice: &aclDice{rng: rand.New(rand.NewPCG(*seed, 7)), plain: map[string]bool{}}, arity: map[string]int{}}
	for _, side := range []struct {
		c   **peer
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
	p.both("ACL", "SETUSER", "default", sanitized)
	slices.Sort(p.commands)
	p.named = slices.Sorted(maps.Keys(theirs))
	for i, name := range p.named {
		p.plain[name] = !strings.Contains(name, "|") && (i+1 == len(p.named) || !strings.HasPrefix(p.named[i+1], name+"|"))
	}
	return p
}

// arities returns the arity of every command of a server by its full name.
func arities(t *testing.T, c *peer) map[string]int {
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
func (p *aclPair) ask(c *peer, args ...string) string {
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
	want, got := p.ask(p.redis, args...), string(older([]byte(p.ask(p.ours, args...))))
	if want != got {
		p.t.Errorf("%s\n%s\n got %q\nwant %q", strings.Join(p.history, "\n"), formatArgs(args), got, want)
	}
	return got
}

// aclFit is the part of ACL GETUSER, and of ACL LIST, that says which commands are allowed. redis-server writes them in no certain order, and
// may choose other categories for the same, as it knows fewer commands.
var aclFit = regexp.MustCompile(`commands\r\n\$\d+\r\n[^\r]*\r\n|\$\d+\r\nuser | [+-]@all[^)\r]*`)

// aclLater are rules about commands that the redis-server of the tests does not have.
var aclLater = regexp.MustCompile(` [+-](client\|(no-touch|setinfo)|cluster\|myshardid|waitaof)`)

// compareUser compares the user u on both servers, and with the copies of it that each makes from the other's text.
func (p *aclPair) compareUser() {
	p.t.Helper()
	p.both("ACL", "DELUSER", "copy")
	for _, ask := range [][]string{{"ACL", "GETUSER", "u"}, {"ACL", "LIST"}} {
		want, got := p.ask(p.redis, ask...), p.ask(p.ours, ask...)
		if aclFit.ReplaceAllString(want, "") != aclFit.ReplaceAllString(got, "") {
			p.t.Errorf("%s\n%s\n got %q\nwant %q", strings.Join(p.history, "\n"), formatArgs(ask), got, want)
		}
	}
	if !p.copyUser(p.ours, p.redis) || !p.copyUser(p.redis, p.ours) {
		return
	}
	for range 25 {
		words := p.request(p.arity)
		reply := p.both(append([]string{"ACL", "DRYRUN", "u"}, words...)...)
		if copied := p.both(append([]string{"ACL", "DRYRUN", "copy"}, words...)...); copied != reply {
			p.t.Errorf("%s\n%q\n got %q\nbut %q from the copies", strings.Join(p.history, "\n"), words, reply, copied)
		}
		if reply == "+OK\r\n" {
			p.allowed++
		} else {
			p.not++
		}
	}
}

// copyUser makes the user copy on a server from the text of u on the other, if there is a user u.
func (p *aclPair) copyUser(from, to *peer) bool {
	p.t.Helper()
	_, line, exists := strings.Cut(p.ask(from, "ACL", "LIST"), "user u ")
	if !exists {
		return false
	}
	line, _, _ = strings.Cut(line, "\r\n")
	if to == p.redis {
		line = aclLater.ReplaceAllString(line, "")
	}
	if r := p.ask(to, append([]string{"ACL", "SETUSER", "copy", "reset"}, strings.Split(line, " ")...)...); r != "+OK\r\n" {
		p.t.Errorf("%s\n%q is the answer to %q", strings.Join(p.history, "\n"), r, line)
	}
	return true
}
