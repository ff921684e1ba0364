package wire

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// aclDice draws rules of users, right ones and wrong ones. It leaves out what
// the servers are meant to take differently (see what differs of ACL SETUSER):
// quotes, zero bytes and parentheses within selectors, "%~pattern" and "%R",
// first arguments with spaces, and "%RW~*", also in two parts.
type aclDice struct {
	rng      *rand.Rand
	wrong    bool            // words that are refused are drawn too
	commands []string        // full names that both servers know: "get", "config|get"
	named    []string        // those that rules may name: all of redis-server's
	plain    map[string]bool // of these, those that neither have subcommands nor are any
}

// aclDigest is the SHA-256 of "a".
const aclDigest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

// The words that rules are made of. Those behind a bar are refused, always or
// mostly.
var (
	aclFlags = []string{
		"on", "off", "nopass", "resetpass", "reset", "clearselectors", "skip-sanitize-payload", "sanitize-payload", "", "|", "nosuchflag",
	}
	aclWholes = []string{
		"allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "nocommands", "+@all", "-@all", "~*", "&*",
	}
	aclPasswords = []string{
		"a", "b", "", "two words", "\x00", "(a",
		aclDigest, "|",
		"CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48b",
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bbb",
		"xa978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
	}
	aclKeySigns    = strings.Fields("~ ~ ~ %R~ %R~ %W~ %W~ %RW~ %WR~ %r~ %wR~ | %X~ %RR~ %RWR~ % %X")
	aclGlobLetters = strings.Split(`a a a b b b c * * * ? [ ] [^ - \ :`, " ")
	aclOddLetters  = []string{" ", "\t", "\n", "\x00", "\xff", "~", "%", "|", "{"}
	aclCategories  = strings.Fields(`keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow
		blocking dangerous connection transaction scripting | nosuch`)
	aclFirstArgs = []string{"0", "1", "a", "b", "GET", "|", "nosuch", "", "a|b"}
)

// pick draws a word of a list; one behind the bar if it may.
func (d *aclDice) pick(list []string) string {
	if end := slices.Index(list, "|"); end >= 0 {
		if d.wrong && d.rng.IntN(3) == 0 {
			list = list[end+1:]
		} else {
			list = list[:end]
		}
	}
	return list[d.rng.IntN(len(list))]
}

// odd reports, once in n times, that something is to be wrong if it may.
func (d *aclDice) odd(n int) bool { return d.wrong && d.rng.IntN(n) == 0 }

// anyCase returns the text, now and then in capital letters.
func (d *aclDice) anyCase(text string) string {
	if d.rng.IntN(6) == 0 {
		return strings.ToUpper(text)
	}
	return text
}

// rules draws some rules, as words of ACL SETUSER.
func (d *aclDice) rules() (words []string) {
	d.wrong = d.rng.IntN(4) == 0
	for range 1 + d.rng.IntN(5) {
		switch d.rng.IntN(12) {
		case 0, 1:
			words = append(words, d.anyCase(d.pick(aclFlags)))
		case 2:
			words = append(words, d.password())
		case 3, 4:
			words = append(words, d.selector()...)
			if d.wrong {
				return words // its end may be missing
			}
		default:
			words = append(words, d.rule())
		}
	}
	return words
}

// password draws a rule about a password.
func (d *aclDice) password() string {
	switch {
	case d.wrong:
		return d.pick([]string{">", "<", "#", "!"}) + d.pick(aclPasswords)
	case d.rng.IntN(2) == 0:
		return "#" + aclDigest
	}
	return ">" + d.pick(aclPasswords)
}

// rule draws a rule about commands, keys or channels.
func (d *aclDice) rule() string {
	switch d.rng.IntN(8) {
	case 0:
		return d.anyCase(d.pick(aclWholes))
	case 1, 2:
		sign, glob := d.pick(aclKeySigns), d.glob()
		if glob == "*" && sign != "~" {
			sign = "%R~"
		}
		return sign + glob
	case 3:
		return "&" + d.glob()
	case 4, 5:
		return d.pick([]string{"+", "-"}) + "@" + d.anyCase(d.pick(aclCategories))
	}
	return d.pick([]string{"+", "+", "-"}) + d.anyCase(d.command())
}

// command draws what follows the sign of a rule about a command.
func (d *aclDice) command() string {
	name := d.pick(d.named)
	if d.rng.IntN(2) == 0 {
		name = d.pick(d.commands)
	}
	switch {
	case d.odd(4):
		wrong := strings.Split(",nosuch,|get,get|,nosuch|get,config|nosuch,config|get|x,@,@all|x,@read|get,|", ",")
		return wrong[d.rng.IntN(len(wrong))]
	case d.odd(4), d.plain[name] && d.rng.IntN(6) == 0:
		return name + "|" + d.pick(aclFirstArgs)
	}
	return name
}

// glob draws a pattern.
func (d *aclDice) glob() (text string) {
	for range d.rng.IntN(5) {
		text += d.pick(aclGlobLetters)
	}
	if d.odd(4) {
		text += d.pick(aclOddLetters)
	}
	return text
}

// selector draws a selector, as one word or several, now and then without its
// end.
func (d *aclDice) selector() []string {
	var inner []string
	for range d.rng.IntN(5) {
		if d.odd(4) {
			inner = append(inner, d.pick(aclFlags))
		} else {
			inner = append(inner, strings.ReplaceAll(d.rule(), "\x00", ""))
		}
	}
	if len(inner) == 0 {
		inner = []string{""}
	}
	inner[0] = "(" + inner[0]
	if !d.odd(4) {
		inner[len(inner)-1] += ")"
	}
	if d.rng.IntN(2) == 0 {
		return []string{strings.Join(inner, " ")}
	}
	return inner
}

// aclWords are arguments of the commands that users are asked about: keys, and
// words that change what a command does with them.
var aclWords = []string{
	"a", "b", "c", "ab", "ac", "abc", "bc", "xb", "a:b", "cc", "", "*", "[", `\`, "GET", "get", "0", "1", "2", "-1", "REPLACE", "DB", "EX", "KEYS",
}

// request draws a command with about as many arguments as it takes.
func (d *aclDice) request(arity map[string]int) []string {
	name := d.pick(d.commands)
	words := strings.Split(d.anyCase(name), "|")
	least := arity[name]
	if least < 0 {
		least = -least
		if d.rng.IntN(3) == 0 {
			least += d.rng.IntN(4)
		}
	}
	if d.rng.IntN(30) == 0 {
		least--
	}
	for len(words) < least {
		words = append(words, d.pick(aclWords))
	}
	return words
}
