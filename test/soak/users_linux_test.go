package soak

import "strings"

// access is what a command does with a key, as rules see it.
type access uint8

const (
	reads access = 1 << iota
	writes
)

// uses has the commands of talkers that name a key. What needs neither is allowed to whoever may do anything with the key.
var uses = map[string]access{
	"get": reads, "strlen": 0, "set": writes, "del": writes, "incr": reads | writes, "expire": writes,
	"hget": reads, "hgetall": reads, "hset": writes, "hdel": writes, "dump": reads, "restore": writes, "watch": 0,
}

// profile is a set of rules. A user has one of them at a time.
type profile struct {
	rules    string              // with P in the place of the prefix of keys
	commands func(c string) bool // which commands are allowed, by their full names; nil for all
	keys     string              // the kinds of keys: s for strings, n for numbers, h for hashes
	access   access              // what may be done with them
}

const all = reads | writes

var profiles = []profile{
	{"~* +@all", nil, "snh", all},
	{"~P* +@all", nil, "snh", all},
	{"~nothing ~Ps* %W~else +@all", nil, "s", all},
	{"%R~P* +@all", nil, "snh", reads},
	{"%W~P* +@all", nil, "snh", writes},
	{"~P* +@all -set -@hash -acl|whoami", func(c string) bool { return c != "set" && !isHash(c) && c != "acl|whoami" }, "snh", all},
	{"~P* -@all +get +set +strlen +echo +ping +multi +exec", func(c string) bool {
		return strings.Contains(" get set strlen echo ping multi exec ", " "+c+" ")
	}, "snh", all},
	{"~Ps* +@all -@hash (~Ph* +@hash +expire)", nil, "s", all}, // and hashes, as denial knows
	{"~* -@all", func(string) bool { return false }, "snh", all},
}

func isHash(command string) bool { return command[0] == 'h' }

// words returns the rules for a user whose keys have a prefix.
func (p *profile) words(prefix string) []string {
	var list []string
	for _, w := range strings.SplitAfter(strings.ReplaceAll(p.rules, "P", prefix), " ") {
		w = strings.TrimSpace(w)
		if n := len(list); n > 0 && list[n-1][0] == '(' && !strings.HasSuffix(list[n-1], ")") {
			list[n-1] += " " + w
			continue
		}
		list = append(list, w)
	}
	return list
}

const deniedKey = "-NOPERM No permissions to access a key\r\n"

// denial returns the reply to a command that the rules of the client's user forbid, or "".
func (k *talker) denial(words []string) string {
	if k.rules == nil {
		return ""
	}
	command := strings.ToLower(words[0])
	if command == "acl" || command == "client" {
		command += "|" + strings.ToLower(words[1])
	}
	need, keyed := uses[command]
	p := k.rules
	switch {
	case strings.Contains(p.rules, "(") && (isHash(command) || command == "expire") && words[1][len(k.prefix)] == 'h':
		return ""
	case p.commands != nil && !p.commands(command):
		return "-NOPERM User " + k.user + " has no permissions to run the '" + command + "' command\r\n"
	case keyed && (need&^p.access != 0 || !strings.Contains(p.keys, words[1][len(k.prefix):len(k.prefix)+1])):
		return deniedKey
	}
	return ""
}
