package command

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/resp/resptest"
)

// movable are rows of Redis's commands whose keys are where the arguments say, and of some others
// with several specifications.
func movable() []Command {
	rows := []Command{
		{Name: "bitop", Arity: -4, Flags: Write | DenyOOM, Keys: Keys{
			{At: 2, Access: OW | Updates}, {At: 3, Last: -1, Access: RO | Reads}}},
		{Name: "blpop", Arity: -3, Flags: Write | NoScript | Blocking,
			Keys: Keys{{At: 1, Last: -2, Access: RW | Reads | Deletes}}},
		{Name: "eval", Arity: -3, Flags: NoScript | Stale | SkipMonitor | NoMandatoryKeys,
			Keys: Keys{{At: 2, Counted: true, Access: RW | Reads | Updates, Notes: "We cannot tell how " +
				"the keys will be used so we assume the worst, RW and UPDATE"}}},
		{Name: "georadius", Arity: -6, Flags: Write | DenyOOM, Keys: Keys{
			{At: 1, Access: RO | Reads},
			{Keyword: "store", At: 6, Access: OW | Updates},
			{Keyword: "storedist", At: 6, Access: OW | Updates}}},
		{Name: "lmpop", Arity: -4, Flags: Write,
			Keys: Keys{{At: 1, Counted: true, Access: RW | Reads | Deletes}}},
		{Name: "migrate", Arity: -6, Flags: Write, Keys: Keys{
			{At: 3, Access: RW | Reads | Deletes, Find: migratedKey},
			{Keyword: "keys", At: -2, Last: -1, Access: RW | Reads | Deletes | Incomplete,
				Find: migratedKeys}}},
		{Name: "sintercard", Arity: -3, Flags: ReadOnly, Keys: Keys{{At: 1, Counted: true}}},
		{Name: "sort", Arity: -2, Flags: Write | DenyOOM, Keys: Keys{
			{At: 1, Access: RO | Reads},
			{Access: RO | Reads, Notes: "For the optional BY/GET keyword. It is marked 'unknown' " +
				"because the key names derive from the content of the key we sort"},
			{Access: OW | Updates, Find: sortedTo, Notes: "For the optional STORE keyword. It is " +
				"marked 'unknown' because the keyword can appear anywhere in the argument array"}}},
		{Name: "xread", Arity: -4, Flags: ReadOnly | Blocking,
			Keys: Keys{{Keyword: "streams", At: 1, Last: -1, Limit: 2}}},
		{Name: "zunion", Arity: -3, Flags: ReadOnly, Keys: Keys{{At: 1, Counted: true}}},
		{Name: "zunionstore", Arity: -4, Flags: Write | DenyOOM, Keys: Keys{
			{At: 1, Access: OW | Updates}, {At: 2, Counted: true, Access: RO | Reads}}},
	}
	for i := range rows {
		rows[i].Run = namesOfKeys
	}
	return rows
}

// namesOfKeys replies with the keys that the gate has locked.
func namesOfKeys(c *Call) error {
	var names [][]byte
	for _, k := range c.Keys {
		c.Tx.Exists(k)
		names = append(names, k.Bytes)
	}
	c.Out.Simple(string(bytes.Join(names, []byte(" "))))
	return nil
}

// sortedTo is behind the last STORE that is no other option's argument.
func sortedTo(args [][]byte) (first, last int) {
	for i := 2; i < len(args); i++ {
		switch {
		case is(args[i], "limit"):
			i += 2
		case is(args[i], "get"), is(args[i], "by"):
			i++
		case is(args[i], "store") && i+1 < len(args):
			first = i + 1
		}
	}
	return first, first
}

// migratedKey is the single key of MIGRATE, which is "" if KEYS follows.
func migratedKey(args [][]byte) (first, last int) {
	if behindKeys(args) > 0 {
		return 0, 0
	}
	return 3, 3
}

func migratedKeys(args [][]byte) (first, last int) {
	if first = behindKeys(args); len(args[3]) > 0 {
		return 0, 0
	}
	return first, len(args) - 1
}

func behindKeys(args [][]byte) int {
	for i := 6; i < len(args)-1; i++ {
		switch {
		case is(args[i], "keys"):
			return i + 1
		case is(args[i], "auth"):
			i++
		case is(args[i], "auth2"):
			i += 2
		}
	}
	return 0
}

func TestFindKeys(t *testing.T) {
	table := newTable(append(Commands(), movable()...))
	for _, test := range []struct{ command, keys string }{
		{"ping", ""},
		{"get a", "a"},
		{"del a b c", "a b c"},
		{"mset a 1 b 2", "a b"},
		{"mset a 1 b", "a b"},
		{"rename a b", "a b"},
		{"bitop and d a b", "d a b"},
		{"blpop a b 0", "a b"},
		{"eval x 2 a b c", "a b"},
		{"eval x 0 a b", ""},
		{"zunionstore d 2 a b weights 1 2", "d a b"},
		{"zunionstore d 3 a b", ""},
		{"zunion 2 a b", "a b"},
		{"zunion 3 a b", ""},
		{"zunion 0 a b", ""},
		{"zunion -1 a b", ""},
		{"zunion x a b", ""},
		{"zunion 4294967297 a b", "a"},
		{"zunion 4294967296 a b", ""},
		{"zunion +2x a b", "a b"},
		{"zunion -+2 a b", ""},
		{"zunion -9223372036854775807 a b", "a"},
		{"zunion -99999999999999999999 a b", ""},
		{"zunion 9223372036854775807 a b", ""},
		{"zunion 9223372036854775808 a b", ""},
		{"zunion  a b", ""},
		{"xread streams a b 0 0", "a b"},
		{"xread block 0 Streams a 0", "a"},
		{"xread streams a b 0", "a"},
		{"xread streams streams 0", "streams"},
		{"xread count 1 streams", ""},
		{"xread count 1 streams a", ""},
		{"xread count 1 a 0", ""},
		{"sort a by x get store store d", "a d"},
		{"sort a", "a"},
		{"georadius a 1 1 1 m", "a"},
		{"georadius a 1 1 1 m storedist d", "a d"},
		{"migrate h 1 a 0 10", "a"},
		{"migrate h 1  0 10 auth keys keys a b", "a b"},
	} {
		args := words(nil, test.command)
		var names []string
		for _, k := range table.lookup(args[0]).findKeys(nil, args) {
			names = append(names, string(args[k.at]))
		}
		if got := strings.Join(names, " "); got != test.keys {
			t.Errorf("%s: got %q, want %q", test.command, got, test.keys)
		}
	}
}

// TestKeysOfRows: what newTable takes for the only key of a row is among any arguments of the right
// number, and every specification can be searched.
func TestKeysOfRows(t *testing.T) {
	for _, row := range newTable(append(Commands(), movable()...)).list {
		least := max(row.Arity, -row.Arity)
		if row.use.At >= least {
			t.Errorf("%s: key %d may not be there", row.fullName, row.use.At)
		}
		if row.use.At > 0 {
			first, last, _ := row.Keys[0].find(make([][]byte, least+3))
			if first != row.use.At || last != first || len(row.Keys) > 1 {
				t.Errorf("%s: key %d is not the only one", row.fullName, row.use.At)
			}
		}
		for i := range row.Keys {
			k := &row.Keys[i]
			if k.Find == nil && (k.At < 0 || k.At == 0 && k.Keyword != "") {
				t.Errorf("%s: specification %d has no begin", row.fullName, i)
			}
			if k.Counted && (k.Last != 0 || k.Step != 0) || k.Limit != 0 && k.Last != -1 {
				t.Errorf("%s: specification %d counts keys and does not", row.fullName, i)
			}
		}
	}
}

// FuzzFindKeys compares findKeys with a function that asks of every argument whether it is a key.
func FuzzFindKeys(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x00\x00"), []byte{3, 6, 7})
	f.Add([]byte("\x02\x04\x01\x00\x02"), []byte{9, 6, 7, 8})
	f.Add([]byte("\x01\x01\x00\x00\x00\x02\x02\x00\x00\x00"), []byte{6, 2, 7, 8, 6})
	f.Add([]byte("\x01\x00\x00\x00\x00\x04\x00\x00\x00\x00"), []byte{6, 9})
	f.Add([]byte("\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00"), []byte{6, 7})
	f.Fuzz(func(t *testing.T, spec, words []byte) {
		c := &Command{}
		for ; len(spec) >= 5 && len(c.Keys) < 4; spec = spec[5:] {
			c.Keys = append(c.Keys, randomSpec(spec))
		}
		args := [][]byte{[]byte("name")}
		for _, w := range words {
			args = append(args, []byte(fuzzWords[int(w)%len(fuzzWords)]))
		}
		var got []int
		for _, k := range c.findKeys(nil, args) {
			got = append(got, k.at)
		}
		if want := everyKey(c.Keys, args); !slices.Equal(got, want) {
			t.Errorf("%+v of %q: got %v, want %v", c.Keys, args, got, want)
		}
	})
}

var fuzzWords = []string{
	"0", "1", "2", "3", "-1", "9223372036854775807", "a", "", "x1", "word", "WORD",
}

// randomSpec returns a specification that 5 bytes describe.
func randomSpec(b []byte) KeySpec {
	k := KeySpec{At: 1 + int(b[1]%6)}
	if b[0]&4 != 0 {
		k.Keyword = "word"
	}
	switch b[0] & 3 {
	case 0:
		k.Counted = true
	case 1:
		k.Last, k.Step = int(b[2]%4), int(b[3]%4)
	case 2:
		k.Last, k.Step = -1-int(b[2]%4), int(b[3]%4)
	case 3:
		k.Last, k.Limit = -1, int(b[4]%4)
	}
	return k
}

// everyKey is findKeys in its simplest form.
func everyKey(specs Keys, args [][]byte) (all []int) {
	for i := range specs {
		k, begin := &specs[i], specs[i].At
		if k.Keyword != "" {
			rest := args[min(begin, len(args)):]
			word := []byte(k.Keyword)
			n := slices.IndexFunc(rest, func(w []byte) bool { return bytes.EqualFold(w, word) })
			if begin += n + 1; n < 0 || begin >= len(args) {
				continue
			}
		}
		isKey := func(i int) bool {
			switch {
			case i < begin || (i-begin)%max(k.Step, 1) != 0:
				return false
			case k.Limit > 1:
				return i-begin < (len(args)-begin)/k.Limit
			case k.Last < 0:
				return len(args)-i >= -k.Last
			}
			return i-begin <= k.Last
		}
		if k.Counted {
			if begin >= len(args) {
				return nil
			}
			n, err := strconv.Atoi(string(args[begin]))
			if err != nil || n < 1 || begin+1 > len(args)-n {
				return nil
			}
			number := begin
			isKey = func(i int) bool { return i > number && i <= number+n }
		}
		for i := range args {
			if isKey(i) {
				all = append(all, i)
			}
		}
	}
	return all
}

// TestKeySpecsAreRedis compares what COMMAND says of keys with redis-server, of commands that this
// server does not have.
func TestKeySpecsAreRedis(t *testing.T) {
	o := startOracle(t)
	table := newTable(movable())
	for _, row := range table.rows {
		want := o.do("COMMAND", "INFO", row.Name).([]any)[0].([]any)
		got := ownReply(t, row.appendInfo).([]any)
		for _, i := range []int{1, 2, 3, 4, 5, 8} {
			if g, w := unordered(got[i]), unordered(want[i]); !reflect.DeepEqual(g, w) {
				t.Errorf("%s: part %d: got %v, want %v", row.Name, i, g, w)
			}
		}
	}
}

// TestFindKeysAsRedis asks redis-server for the keys of random arguments.
func TestFindKeysAsRedis(t *testing.T) {
	o := startOracle(t)
	srv := newServerWith(t, io.Discard, movable())
	c := connect(t, srv)
	vocabulary := []string{"0", "1", "2", "3", "-1", "x", "a", "b", "", "streams", "store", "by",
		"limit", "get"}
	const rounds = 4000
	r := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		row := movable()[r.IntN(len(movable()))]
		if row.Name == "georadius" || row.Name == "migrate" {
			continue // redis-server tells several STOREs, and KEYS that is a key, apart in code
		}
		args := []string{row.Name}
		for range max(-row.Arity-1, 1) + r.IntN(5) {
			args = append(args, vocabulary[r.IntN(len(vocabulary))])
		}
		command := append([]string{"COMMAND", "GETKEYSANDFLAGS"}, args...)
		if len(command) < 4 {
			continue
		}
		want := fmt.Sprint(unordered(o.do(command...)))
		if got := fmt.Sprint(unordered(parsed(t, c.do(strings.Join(command, " "))))); got != want {
			t.Errorf("%q: got %v, want %v", args, got, want)
		}
	}
}

func parsed(t *testing.T, reply string) any {
	t.Helper()
	v, err := resptest.Parse([]byte(reply))
	if err != nil {
		t.Fatalf("%q: %v", reply, err)
	}
	return v
}

// TestFoundKeysAreEverybodys runs a command whose keys are counted: the handler, EXEC, a
// pipeline, and the rules of users know the same ones.
func TestFoundKeysAreEverybodys(t *testing.T) {
	srv := newServerWith(t, io.Discard, movable())
	c, user := connect(t, srv), connect(t, srv)
	c.expect(
		"ZUNIONSTORE d 2 a b AGGREGATE MAX", "+d a b",
		"ZUNIONSTORE d 5 a b", "+",
		"XREAD STREAMS a b 0 0", "+a b",
		"MULTI", "+OK", "ZUNION 2 a b", "+QUEUED", "SORT a STORE b", "+QUEUED",
		"EVAL x 0", "+QUEUED",
		"EXEC", "*3 +a b +a b +",
		"COMMAND GETKEYS ZUNIONSTORE d 2 a b", "*3 $1 d $1 a $1 b",
		"COMMAND GETKEYS ZUNIONSTORE d 0 a b", "-ERR Invalid arguments specified for command",
		"COMMAND GETKEYS EVAL x 0", "*0",
		"COMMAND GETKEYSANDFLAGS MIGRATE h 1  0 10 KEYS a", "*1 *2 $1 a *3 +RW +access +delete",
		"ACL SETUSER u on nopass +@all %R~a* %W~d*", "+OK")
	user.expect("AUTH u x", "+OK",
		"ZUNIONSTORE d 2 a a1", "+d a a1",
		"ZUNIONSTORE a 2 a a1", "-NOPERM No permissions to access a key",
		"ZUNIONSTORE d 2 a b", "-NOPERM No permissions to access a key",
		"ZUNIONSTORE d 1 a b", "+d a",
		"ZUNIONSTORE d 9 b", "+",
		"EVAL x 1 b", "-NOPERM No permissions to access a key",
		"EVAL x 0 b", "+",
		"SORT a STORE d", "+a d",
		"SORT a STORE a", "-NOPERM No permissions to access a key")
	var requests []Request
	for _, command := range []string{"ZUNION 2 a b", "GET a", "ZUNION x y"} {
		requests = append(requests, Request{Args: words(nil, command)})
	}
	c.Sent(1 << 30)
	c.BeginBatch(c.call.Now)
	c.Prepare(requests)
	for i := range requests {
		c.Exec(&requests[i])
	}
	if got := string(c.Out.B); got != "+a b\r\n$-1\r\n+\r\n" {
		t.Errorf("a pipeline: %q", got)
	}
	c.EndBatch()
}

// TestNumbersOfSpecifications: COMMAND DOCS names the specification that finds an argument.
func TestNumbersOfSpecifications(t *testing.T) {
	for syntax, want := range map[string]string{
		"key [BY pattern] [STORE destination]": "key 0 destination 2",
		"source newkey key":                    "source 0 newkey 2 key 2",
	} {
		c := Command{Syntax: syntax, Keys: Keys{{At: 1}, {}, {Find: sortedTo}}}
		var got []string
		for _, a := range c.arguments() {
			if a.kind == "key" {
				got = append(got, a.name, strconv.Itoa(a.key))
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: got %s, want %s", syntax, g, want)
		}
	}
}
