package wire

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"

	"github.com/redistill/redistill/internal/rdb"
)

// op is one command of a random stream.
type op struct {
	conn int // index of the connection, below streamConns
	args []string
}

// grammar generates the commands of a random stream: a symbol in angle
// brackets expands to one of its alternatives, chosen with equal chance, and
// everything else is an argument as written in a data file. <secs> and
// <millis> are made by the generator (see generator.deadline).
//
// It leaves out what two right servers may answer differently: DBSIZE (counts
// keys that have expired but are still there), short deadlines, SCAN from a
// cursor other than 0, and everything that tells of the process.
var grammar = map[string][]string{
	"<command>": {
		"<string>", "<string>", "<string>", "<string>", "<counter>", "<counter>",
		"<hash>", "<hash>", "<hash>", "<hash>", "<set>", "<set>", "<set>", "<set>", "<keys>", "<keys>", "<keys>",
		"<expire>", "<expire>", "<tx>", "<tx>", "<scan>", "<db>", "<restore>",
	},
	"<string>": {
		"SET <skey> <value>", "SET <skey> <value> <setopts>", "SET <skey> <value> <setopts>", "GET <skey>", "GET <key>",
		"SETNX <skey> <value>", "SETEX <skey> <secs> <value>", "PSETEX <skey> <millis> <value>",
		"GETSET <skey> <value>", "GETDEL <skey>", "GETEX <skey>", "GETEX <skey> <getexopt>",
		"MGET <key> <key> <key>", "MSET <skey> <value> <skey> <value>", "MSETNX <skey> <value> <skey> <value>",
		"APPEND <skey> <value>", "STRLEN <skey>", "GETRANGE <skey> <index> <index>",
		"SUBSTR <skey> <index> <index>", "SETRANGE <skey> <offset> <value>",
	},
	"<counter>": {
		"INCR <skey>", "DECR <skey>", "INCRBY <skey> <int>", "DECRBY <skey> <int>", "INCRBYFLOAT <skey> <float>",
		"SET <skey> <int>", "SET <skey> <float>",
	},
	"<hash>": {
		"HSET <hkey> <field> <value>", "HSET <hkey> <field> <value> <field> <value>", "HSET <hkey> <field> <bigvalue>",
		"HMSET <hkey> <field> <value> <field> <value>", "HSETNX <hkey> <field> <value>",
		"HGET <hkey> <field>", "HMGET <hkey> <field> <field>", "HGETALL <hkey>", "HDEL <hkey> <field>",
		"HDEL <hkey> <field> <field> <field>", "HLEN <hkey>", "HEXISTS <hkey> <field>", "HKEYS <hkey>", "HVALS <hkey>",
		"HSTRLEN <hkey> <field>", "HINCRBY <hkey> <field> <int>", "HINCRBY <hkey> <field> <int>",
		"HINCRBYFLOAT <hkey> <field> <float>", "HRANDFIELD <hkey>", "HRANDFIELD <hkey> 1000", "HRANDFIELD <hkey> 1000 WITHVALUES",
		"HSCAN <hkey> 0 <scanopts>",
	},
	"<set>": {
		"SADD <tkey> <member>", "SADD <tkey> <member> <member> <member>", "SADD <tkey> <int> <int> <int>", "SADD <tkey> <member>",
		"SREM <tkey> <member>", "SREM <tkey> <member> <member> <member>", "SISMEMBER <tkey> <member>",
		"SMISMEMBER <tkey> <member> <member>", "SMEMBERS <tkey>", "SCARD <tkey>", "SMOVE <tkey> <tkey> <member>",
		"SPOP <tkey> 1000", "SPOP <tkey> 0", "SPOP <tkey> -1", "SRANDMEMBER <tkey>", "SRANDMEMBER <tkey> 1000", "SRANDMEMBER <tkey> -5",
		"SINTER <tkey> <key>", "SINTER <tkey> <tkey> <tkey>", "SUNION <tkey> <key>", "SUNION <tkey> <tkey> <tkey>", "SDIFF <tkey> <key>",
		"SDIFF <tkey> <tkey> <tkey>", "SDIFF <tkey> <tkeys> <tkeys> <tkeys>", "SUNION <tkeys> <tkeys> <tkeys>", "SINTER <tkeys>",
		"SINTERCARD 2 <tkey> <tkey>", "SINTERCARD <int> <tkey> <tkey>", "SINTERCARD 2 <tkey> <key> LIMIT <int>",
		"SINTERSTORE <key> <tkey> <tkey>", "SUNIONSTORE <key> <tkey> <tkey>", "SDIFFSTORE <key> <tkey> <tkey>",
		"SUNIONSTORE <tkey> <tkeys>", "SDIFFSTORE <tkey> <tkey> <key>", "SINTERSTORE <tkey> <tkey>",
		"SSCAN <tkey> 0 <scanopts>", "SSCAN <tkey> 0",
	},
	"<keys>": {
		"DEL <key>", "DEL <key> <key>", "UNLINK <key> <key>", "EXISTS <key> <key>", "TYPE <key>", "TOUCH <key> <key>",
		"RENAME <key> <key>", "RENAMENX <key> <key>", "COPY <key> <key>", "COPY <key> <key> <copyopts>",
		"MOVE <key> <dbindex>", "KEYS <pattern>", "RANDOMKEY", "OBJECT ENCODING <key>", "PERSIST <key>",
	},
	"<expire>": {
		"EXPIRE <key> <secs>", "EXPIRE <key> <secs> <cond>", "PEXPIRE <key> <millis>", "PEXPIRE <key> <millis> <cond>",
		"EXPIREAT <key> <at>", "EXPIREAT <key> <at> <cond>", "PEXPIREAT <key> <atmillis>", "PEXPIREAT <key> <atmillis> <cond> <cond>",
		"TTL <key>", "PTTL <key>", "EXPIRETIME <key>", "PEXPIRETIME <key>",
	},
	"<tx>": {
		"MULTI", "MULTI", "EXEC", "EXEC", "EXEC", "DISCARD", "WATCH <key>", "WATCH <key> <key>", "UNWATCH",
	},
	"<restore>": {
		"RESTORE <key> 0 <payload>", "RESTORE <key> 0 <payload> REPLACE", "RESTORE <key> <ttl> <payload> <restoreopts>",
		"RESTORE <key> <atmillis> <payload> ABSTTL <restoreopts>",
	},
	"<restoreopts>": {"REPLACE", "REPLACE <use>", "<use> REPLACE", "<use> <use>", "replace nonsense", "<use>"},
	"<use>":         {"IDLETIME 0", "IDLETIME 1000", "IDLETIME -1", "IDLETIME x", "FREQ 0", "FREQ 255", "FREQ 256", "FREQ", "ABSTTL"},
	"<ttl>":         {"0", "0", "0", "-1", "x", "1.5"},
	"<payload>":     payloads,

	"<scan>":     {"SCAN 0 <scanopts>", "SCAN 0 COUNT 1000", "SCAN x"},
	"<db>":       {"SELECT <dbindex>", "SELECT <dbindex>", "SWAPDB <dbindex> <dbindex>", "FLUSHDB", "PING", "ECHO <value>", "NOSUCH <value>"},
	"<setopts>":  {"<setopt>", "<setopt>", "<setopt> <setopt>", "<setopt> <setopt> <setopt>"},
	"<setopt>":   {"NX", "XX", "GET", "get", "KEEPTTL", "EX <secs>", "PX <millis>", "EXAT <at>", "PXAT <atmillis>"},
	"<getexopt>": {"PERSIST", "EX <secs>", "PX <millis>", "EXAT <at>", "PXAT <atmillis>", "PERSIST EX <secs>"},
	"<copyopts>": {"REPLACE", "DB <dbindex>", "DB <dbindex> REPLACE", "REPLACE DB <dbindex>"},
	"<cond>":     {"NX", "XX", "GT", "LT"},
	"<scanopts>": {"COUNT 1000", "MATCH <pattern> COUNT 1000", "COUNT 1000 MATCH <pattern>", "COUNT 0"},

	"<key>":      {"<skey>", "<hkey>", "<tkey>"},
	"<skey>":     {"s0", "s1", "s2", "s3", "s0", "s1", "<oddkey>"},
	"<hkey>":     {"h0", "h1", "h2", "h0", "h1", "<oddkey>"},
	"<tkey>":     {"t0", "t1", "t2", "t3", "t0", "t1", "<oddkey>"},
	"<tkeys>":    {"<tkey> <tkey> <tkey>", "t0 t1 t2 t3 nokey"},
	"<oddkey>":   {"s0", "h0", `""`, `"\x00\xff\r\n"`, `"two words"`},
	"<field>":    {"f0", "f1", "f2", "f3", "10", `""`, `"\x00"`},
	"<member>":   {"m0", "m1", "m2", "m3", "1", "2", "3", "4", "<int>", "<value>"},
	"<value>":    {"v", "<int>", "<float>", `""`, `"\x00\xff\r\n"`, "text", "<bigvalue>"},
	"<bigvalue>": {`"x"*44`, `"x"*45`, `"y"*64`, `"y"*65`, `"z"*600`},
	"<int>": {
		"0", "1", "-1", "5", "10", "9223372036854775807", "-9223372036854775808", "9223372036854775806",
		"9223372036854775808", "-9223372036854775809", "007", "+1", `" 1"`, `"1 "`, "-0", "1.0", "0x10", "4294967296",
	},
	"<float>": {
		"0.5", "-0.5", "1.25", "3.0", "1e3", "1.5e-3", "0.1", "10.6", "1e17", "1e19", "-1e19", "nan", "inf", "-inf", "1e400",
		"1e-400", "infinity", "0x1p4", ".5", "5.", `" 1.5"`, "1.5x", "123456789.123456789",
	},
	"<index>":    {"0", "1", "-1", "-3", "3", "100", "-100", "<int>"},
	"<offset>":   {"0", "1", "5", "50", "-1", "536870912", "536870911x", "9223372036854775807"},
	"<at>":       {"1", "1000000", "33177117420", "33177117421", "9223372036854775807", "0", "-1", "x"},
	"<atmillis>": {"1", "1000000", "33177117420000", "33177117420001", "9223372036854775807", "0", "-1", "x"},
	"<dbindex>":  {"0", "0", "1", "1", "2", "3", "16", "-1", "x"},
	"<pattern>":  {"*", "s*", "h?", "[sht]0", "m?", "[^s]*", "s[0-1]", `"\\s0"`, "*0*", `""`, "[a", "nomatch"},
}

// payloads are what RESTORE is given, whole and damaged: strings as they are, as integers and
// compressed, hashes as fields and packed, sets as members and packed.
var payloads = []string{
	payload("\x00\x01v"), payload("\x00\xc0\x7f"), payload("\x00\xc1\x7f\xff"), payload("\x00\x00"), payload("\x00\x0512345"),
	payload("\x00\x40\x46" + strings.Repeat("y", 70)), payload("\x00\xc3\x06\x40\x64\x01aa\xe0\x59\x01"),
	payload("\x04\x02\x01f\x01v\x02f1\xc0\x07"), payload("\x04\x01\x01f\x40\x46" + strings.Repeat("z", 70)),
	payload("\x10\x0f\x0f\x00\x00\x00\x02\x00\x81f\x02\x83abc\x04\xff"),
	payload("\x0d\x10\x10\x00\x00\x00\x0d\x00\x00\x00\x02\x00\x00\x01f\x03\xf5\xff"),
	payload("\x02\x02\x01m\xc0\x07"), payload("\x02\x01\x40\x46" + strings.Repeat("z", 70)),
	payload("\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\xff\xff\x07\x00"), payload("\x0b\x08\x02\x00\x00\x00\x00\x00\x00\x00"),
	payload("\x02\x00"), payload("\x00\x3fv"), payload("\x04\x00"), payload("\x00\xc3\x06\x40\x64\x01aa\xe0\x5a\x01"), payload("\x04\x02\x01f"),
	`"\x00\x01\x76\x0b\x00\x41\xfa\x9f\x7e\x4d\xbe\xe9\x7f"`, `"\x00\x01\x76\x09\x00\x41\xfa\x9f\x7e\x4d\xbe\xe9\x7e"`, "short", `""`,
}

// payload writes a payload of a type and a value as an argument in a data file.
func payload(body string) string {
	text := []byte{'"'}
	for _, b := range rdb.EndPayload([]byte(body), 0) {
		text = fmt.Appendf(text, "\\x%02x", b)
	}
	return string(append(text, '"'))
}

// odd replaces an argument when a command is mutated.
var odd = []string{
	"", "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e3", "nan", "inf",
	"\x00", "abc", "NX", "XX", "GET", "EX", "PX", "KEEPTTL", "PERSIST", "REPLACE", "DB", "COUNT", "MATCH", "WITHVALUES",
}

// compiled is the grammar with its alternatives cut into arguments.
var compiled = sync.OnceValues(func() (map[string][][]string, error) {
	out := make(map[string][][]string, len(grammar))
	for symbol, alternatives := range grammar {
		for _, text := range alternatives {
			args, err := splitArgs(text)
			if err != nil {
				return nil, fmt.Errorf("grammar of %s: %w", symbol, err)
			}
			out[symbol] = append(out[symbol], args)
		}
	}
	return out, nil
})

// dice makes the generator's choices, from a seed or from fuzz data.
type dice struct {
	rng  *rand.Rand
	data []byte
}

func seededDice(seed uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, 0))}
}

// roll returns a number from 0 to n-1. Fuzz data gives one byte a roll, and 0
// once it is used up.
func (d *dice) roll(n int) int {
	if d.rng != nil {
		return d.rng.IntN(n)
	}
	if len(d.data) == 0 {
		return 0
	}
	v := int(d.data[0]) % n
	d.data = d.data[1:]
	return v
}

func (d *dice) exhausted() bool { return d.rng == nil && len(d.data) == 0 }

// generator makes one stream.
type generator struct {
	dice      *dice
	rules     map[string][][]string
	deadlines int // relative deadlines made so far
}

// generate makes a stream of at most n commands.
func generate(d *dice, n int) ([]op, error) {
	rules, err := compiled()
	if err != nil {
		return nil, err
	}
	g := generator{dice: d, rules: rules}
	ops := make([]op, 0, n)
	for len(ops) < n && !d.exhausted() {
		o := op{conn: d.roll(streamConns), args: g.expand(nil, "<command>")}
		if d.roll(12) == 0 {
			o.args = g.mutate(o.args)
		}
		g.avoidShortDeadlines(o.args)
		o.args = popAll(o.args)
		ops = append(ops, o)
	}
	return ops, nil
}

// expand appends the arguments that symbol stands for.
func (g *generator) expand(dst []string, symbol string) []string {
	alternatives, ok := g.rules[symbol]
	switch {
	case symbol == "<secs>" || symbol == "<millis>":
		return append(dst, g.deadline(symbol))
	case !ok:
		return append(dst, symbol)
	}
	for _, arg := range alternatives[g.dice.roll(len(alternatives))] {
		dst = g.expand(dst, arg)
	}
	return dst
}

// deadline makes a relative expiry: an impossible one, or one far away. No two
// of a stream are alike, or GT and LT would depend on whether two commands ran
// within the same millisecond.
func (g *generator) deadline(symbol string) string {
	impossible := []string{"0", "-1", "9223372036854775807", "-9223372036854775808", "x", "1.5", ""}
	if i := g.dice.roll(2 * len(impossible)); i < len(impossible) {
		return impossible[i]
	}
	g.deadlines++
	secs := 10_000_000 + 1000*g.deadlines
	if g.deadlines%2 == 0 {
		secs = 10_000_000 - 1000*g.deadlines
	}
	if symbol == "<millis>" {
		secs *= 1000
	}
	return strconv.Itoa(secs)
}

// mutate spoils a command.
func (g *generator) mutate(args []string) []string {
	i := g.dice.roll(len(args))
	switch g.dice.roll(5) {
	case 0:
		if len(args) > 1 {
			return append(args[:i:i], args[i+1:]...)
		}
	case 1:
		return append(args, args[i])
	case 2:
		j := g.dice.roll(len(args))
		if i > 0 && j > 0 {
			args[i], args[j] = args[j], args[i]
		}
	case 3:
		args[i] = odd[g.dice.roll(len(odd))]
	case 4:
		args[i] = strings.ToLower(args[i])
	}
	return args
}

// popAll replaces a SPOP that takes some of several members, which two servers do not choose alike, by
// one that takes all.
func popAll(args []string) []string {
	if !strings.EqualFold(args[0], "SPOP") {
		return args
	}
	if len(args) == 2 {
		return append(args, "1000")
	}
	if n, err := strconv.Atoi(args[len(args)-1]); err == nil && n > 0 && n < 1000 {
		args[len(args)-1] = "1000"
	}
	return args
}

// avoidShortDeadlines replaces what mutation may have turned into a relative
// expiry that passes while the stream runs, or that repeats another one.
func (g *generator) avoidShortDeadlines(args []string) {
	first := 2
	switch strings.ToUpper(args[0]) {
	case "SET":
		first = 3
	case "SETEX", "PSETEX", "GETEX", "EXPIRE", "PEXPIRE", "RESTORE":
	default:
		return
	}
	for i := first; i < len(args); i++ {
		absolute := strings.EqualFold(args[i-1], "EXAT") || strings.EqualFold(args[i-1], "PXAT")
		n, err := strconv.ParseInt(args[i], 10, 64)
		if err == nil && n > 0 && n < 1_000_000 && !absolute {
			args[i] = g.deadline("<millis>")
		}
	}
}
