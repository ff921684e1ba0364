package wiretest

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// Rules that are drawn, and commands about which the resulting users are asked. The lists hold what both servers know, and no rule that
// only one of them takes (see what differs of ACL SETUSER).
var (
	aclRules = strings.Fields(`on off nopass resetpass reset clearselectors skip-sanitize-payload sanitize-payload >a >b <a <b
		#2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 !2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
		allkeys resetkeys allchannels resetchannels allcommands nocommands +nope -nope +@nope +config|nope nope &news:* &x %X~a`)
	aclSelectorRules = strings.Fields(`+@all -@all ALLKEYS ~* ~a ~a* ~b* ~[ab]c ~*c ~?b %R~a* %W~b* %RW~c* %R~* %r~a %w~a ~\a +get -get +set -set
		+GET +del -del +exists +copy -rename +mset +select|0 +select|1 -select +config +config|get -config|set -config +client -client|kill
		+client|id +object|freq -object +@read -@read +@write -@write +@hash +@STRING +@keyspace -@keyspace +@slow -@slow +@fast -@fast
		+@admin -@admin +@dangerous -@dangerous +@connection +@transaction +acl|cat +acl -acl`)
	aclCommands = []string{
		"GET k", "SET k v", "SET k v GET", "SET k v EX 10 get", "DEL k k", "EXISTS k", "COPY k k", "RENAME k k", "MSET k 1 k 2", "MGET k k",
		"INCR k", "APPEND k x", "STRLEN k", "GETDEL k", "GETEX k", "EXPIRE k 10", "TTL k", "TYPE k", "HSET k f v", "HGET k f", "HDEL k f",
		"HLEN k", "HGETALL k", "HINCRBY k f 1", "OBJECT FREQ k", "OBJECT HELP", "SELECT 0", "SELECT 1", "CONFIG GET x", "CONFIG SET a b",
		"CLIENT ID", "CLIENT KILL x", "CLIENT LIST", "ACL CAT", "ACL LIST", "ACL WHOAMI", "KEYS *", "SCAN 0", "PING", "INFO", "FLUSHALL",
		"MULTI", "EXEC", "WATCH k", "UNWATCH", "AUTH x", "HELLO", "QUIT", "RESET", "MEMORY USAGE k", "COMMAND", "COMMAND DOCS", "SLOWLOG GET",
		"DBSIZE", "GET", "NOPE",
	}
	aclKeys = []string{"a", "b", "c", "ab", "ac", "abc", "bc", "xb", "zc", "z", ""}
)

// aclPair is a redis-server and the server under test, and the seed to do it again.
type aclPair struct {
	t            *testing.T
	rng          *rand.Rand
	redis, ours  *client
	history      []string
	allowed, not int // decisions
}

// TestACLIsRedis makes users from random rules on both servers, and compares what they answer, how they show the users, and what they
// decide about commands. What this server writes down of a user, redis-server must take for the same user.
func TestACLIsRedis(t *testing.T) {
	p := &aclPair{t: t, rng: rand.New(rand.NewPCG(*seed, 7))}
	for _, side := range []struct {
		c   **client
		srv server
	}{{&p.redis, startRedis(t, "")}, {&p.ours, startSubject(t, "")}} {
		c, err := dial(side.srv.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		*side.c = c
	}
	for round := 0; round < 400 && !t.Failed(); round++ {
		if round%8 == 0 {
			p.both("ACL", "DELUSER", "u")
			p.history = nil
		}
		words := append([]string{"ACL", "SETUSER", "u"}, p.rules()...)
		p.history = append(p.history, strings.Join(words, " "))
		p.both(words...)
		p.compareUser()
	}
	if p.allowed < 1000 || p.not < 1000 {
		t.Errorf("one decision is rare: %d allowed, %d not", p.allowed, p.not)
	}
}

// rules draws some rules.
func (p *aclPair) rules() (words []string) {
	for range 1 + p.rng.IntN(4) {
		switch p.rng.IntN(10) {
		case 0, 1:
			words = append(words, p.pick(aclRules))
		case 2:
			inner := []string{"(" + p.pick(aclSelectorRules)}
			for range p.rng.IntN(4) {
				inner = append(inner, p.pick(aclSelectorRules))
			}
			inner[len(inner)-1] += ")"
			if p.rng.IntN(2) == 0 {
				inner = []string{strings.Join(inner, " ")}
			}
			words = append(words, inner...)
		default:
			words = append(words, p.pick(aclSelectorRules))
		}
	}
	return words
}

func (p *aclPair) pick(list []string) string { return list[p.rng.IntN(len(list))] }

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
		p.t.Errorf("%s\n%q\n got %q\nwant %q", strings.Join(p.history, "\n"), args, got, want)
	}
	return got
}

// aclFit is the part of ACL GETUSER that says which commands are allowed. redis-server chooses other categories for the same, as it has
// more commands.
var aclFit = regexp.MustCompile(`commands\r\n\$\d+\r\n[^\r]*\r\n`)

// compareUser compares the user u on both servers, and with the copy of it that redis-server makes from our text.
func (p *aclPair) compareUser() {
	p.t.Helper()
	want, got := p.ask(p.redis, "ACL", "GETUSER", "u"), p.ask(p.ours, "ACL", "GETUSER", "u")
	if want, got := aclFit.ReplaceAllString(want, ""), aclFit.ReplaceAllString(got, ""); want != got {
		p.t.Errorf("%s\nACL GETUSER\n got %q\nwant %q", strings.Join(p.history, "\n"), got, want)
	}
	_, line, exists := strings.Cut(p.ask(p.ours, "ACL", "LIST"), "user u ")
	if !exists {
		return
	}
	line, _, _ = strings.Cut(line, "\r\n")
	if r := p.ask(p.redis, append([]string{"ACL", "SETUSER", "copy", "reset"}, strings.Fields(line)...)...); r != "+OK\r\n" {
		p.t.Errorf("%s\nredis-server answers %q to %s", strings.Join(p.history, "\n"), r, line)
	}
	for range 25 {
		words := strings.Fields(p.pick(aclCommands))
		for i := range words {
			if words[i] == "k" {
				words[i] = p.pick(aclKeys)
			}
		}
		reply := p.both(append([]string{"ACL", "DRYRUN", "u"}, words...)...)
		if copied := p.ask(p.redis, append([]string{"ACL", "DRYRUN", "copy"}, words...)...); copied != reply {
			p.t.Errorf("%s\n%q\n got %q\nbut %q from the user made of %s", strings.Join(p.history, "\n"), words, reply, copied, line)
		}
		if reply == "+OK\r\n" {
			p.allowed++
		} else {
			p.not++
		}
	}
}
