package command

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"github.com/redistill/redistill/internal/resp"
)

// Keys says where the keys of a command are among its arguments, and what the command does with
// them. Everything that has to know this asks the same specifications: the gate locks the keys,
// Prepare loads them ahead, users' rules are checked against them, and COMMAND shows them.
type Keys []KeySpec

// KeySpec says where some of a command's keys are. It follows Redis's key specifications: a search
// for where the keys begin (begin_search), and a rule for how many there are (find_keys). The
// command's name has the index 0.
//
//	GET key                             {At: 1}
//	RENAME key newkey                   {At: 1}, {At: 2}
//	DEL key [key ...]                   {At: 1, Last: -1}
//	MSET key value [key value ...]      {At: 1, Last: -1, Step: 2}
//	BLPOP key [key ...] timeout         {At: 1, Last: -2}
//	ZUNIONSTORE dest numkeys key ...    {At: 1}, {At: 2, Counted: true}
//	XREAD ... STREAMS key ... id ...    {Keyword: "streams", At: 1, Last: -1, Limit: 2}
//
// A specification without At is shown as unknown. It finds keys with Find, or none.
type KeySpec struct {
	At      int    // the first key, or with Keyword where the search for it begins
	Keyword string // the first key is behind this word, in lower case; there is none without it
	Counted bool   // what was found is the number of keys, which follow it
	Last    int    // the last key, counted from the first one, from the end if negative
	Step    int    // from one key to the next; 0 is 1
	Limit   int    // with Last -1: keys are the first of this many equal parts; 0 is 1

	Access   Access   // what is done with the keys; usualAccess if 0
	AccessOf AccessOf // the same, where the arguments decide it
	Notes    string   // a remark, as COMMAND INFO shows it
	Find     FindKeys // finds the keys where none of the rules above does
}

// FindKeys returns the indexes of the first and the last key among args, whose number is right.
// first is 0 if there are none.
type FindKeys func(args [][]byte) (first, last int)

// keyUse is a key among a command's arguments.
type keyUse struct {
	at   int      // its index
	spec *KeySpec // what found it
}

// findKeys appends the keys among args, whose number is right, to dst. If a number of keys is wrong
// there are none: it is for the handler to say what is wrong.
func (c *Command) findKeys(dst []keyUse, args [][]byte) []keyUse {
	if at := c.use.At; at != 0 {
		return append(dst, keyUse{at, &c.Keys[0]})
	}
	had := len(dst)
	for i := range c.Keys {
		k := &c.Keys[i]
		first, last, ok := k.find(args)
		if !ok {
			return dst[:had]
		}
		if first == 0 {
			continue
		}
		for at := first; at <= last; at += k.step() {
			dst = append(dst, keyUse{at, k})
		}
	}
	return dst
}

// find returns the indexes of the first and the last key among args. first is 0 if there is no key,
// and ok is false if what should be the number of keys is not one, or is more than there are.
func (k *KeySpec) find(args [][]byte) (first, last int, ok bool) {
	switch {
	case k.Find != nil:
		first, last = k.Find(args)
		return first, min(last, len(args)-1), true
	case k.Keyword != "":
		first = behind(k.Keyword, args, k.At)
	default:
		first = k.At
	}
	switch n := len(args); {
	case k.Counted:
		return k.count(args, first)
	case first == 0:
		return 0, 0, true
	case k.Limit > 1:
		last = first + (n-first)/k.Limit - 1
	case k.Last < 0:
		last = n + k.Last
	default:
		last = min(first+k.Last, n-1)
	}
	return first, last, true
}

// count is find for keys whose number is the argument with index at, if at is not 0.
func (k *KeySpec) count(args [][]byte, at int) (first, last int, ok bool) {
	if at == 0 {
		return 0, 0, true
	}
	left := len(args) - 1 - at
	if left < 0 {
		return 0, 0, false
	}
	n := leadingInt(args[at])
	if n < 1 || n > left {
		return 0, 0, false
	}
	return at + 1, at + n, true
}

// leadingInt returns the integer at the start of a word as C's atoi does: behind spaces, up to what
// is no digit, 0 where there is none. Redis looks for keys with it, before a handler finds more
// wrong.
func leadingInt(word []byte) int {
	word = bytes.TrimLeft(word, " \t\n\v\f\r")
	negative := len(word) > 0 && word[0] == '-'
	if negative || len(word) > 0 && word[0] == '+' {
		word = word[1:]
	}
	n, most := uint64(0), uint64(math.MaxInt64)
	if negative {
		most++
	}
	for _, digit := range word {
		if digit -= '0'; digit > 9 {
			break
		}
		if n > (most-uint64(digit))/10 {
			n = most
		} else {
			n = n*10 + uint64(digit)
		}
	}
	if negative {
		n = -n
	}
	return int(int32(n))
}

// behind returns the index of the argument behind the first word, of any case, that is keyword from
// index from on. It returns 0 if there is none.
func behind(keyword string, args [][]byte, from int) int {
	for i := from; i < len(args)-1; i++ {
		if is(args[i], keyword) {
			return i + 1
		}
	}
	return 0
}

func (k *KeySpec) step() int { return max(k.Step, 1) }

// isOne reports whether k names exactly one key, at a place that does not depend on the arguments.
func (k *KeySpec) isOne() bool { return k.isRange() && k.Last == 0 && k.Find == nil }

// isRange reports whether k names keys in a row that begins at a fixed place.
func (k *KeySpec) isRange() bool { return k.At > 0 && k.Keyword == "" && !k.Counted }

// accessOf returns what the command may do with the keys of one of its specifications.
func (c *Command) accessOf(k *KeySpec) Access {
	if k.Access == 0 {
		return c.usualAccess()
	}
	return k.Access
}

// accessIn returns what the command does with the keys of k when it is called with args.
func (c *Command) accessIn(k *KeySpec, args [][]byte) Access {
	if k.AccessOf != nil {
		return k.AccessOf(args)
	}
	return c.accessOf(k)
}

// areMovable reports whether the first argument with a key, the last and the step do not say where
// all keys are.
func (ks Keys) areMovable() bool {
	return slices.ContainsFunc(ks, func(k KeySpec) bool { return !k.isRange() || k.Find != nil })
}

// outline returns the first argument with a key, the last, counted from the end if it is negative,
// and the step, as COMMAND INFO shows them. They leave out keys whose places the arguments decide.
func (ks Keys) outline() (first, last, step int) {
	for i := range ks {
		k := &ks[i]
		if !k.isRange() || first > 0 && (step > 1 || k.step() > 1 || last != k.At-1) {
			continue
		}
		if first == 0 {
			first, step = k.At, k.step()
		}
		if last = k.Last; last >= 0 {
			last += k.At
		}
	}
	return first, last, step
}

// inSyntax returns the indexes of the specifications whose keys are arguments.
func (ks Keys) inSyntax() (numbers []int) {
	for i := range ks {
		if ks[i].At > 0 || ks[i].Find != nil {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// append appends the specifications as COMMAND INFO shows them.
func (ks Keys) append(out *resp.Out, accessOf func(*KeySpec) Access) {
	out.Set(len(ks))
	for i := range ks {
		k := &ks[i]
		if k.Notes == "" {
			out.Map(3)
		} else {
			out.Map(4)
			appendText(out, "notes", k.Notes)
		}
		out.BulkString("flags")
		appendSet(out, uint32(accessOf(k)), accessNames, "")
		k.appendBegin(out)
		k.appendFind(out)
	}
}

func (k *KeySpec) appendBegin(out *resp.Out) {
	switch {
	case k.At == 0:
		appendRule(out, "begin_search", "unknown", 0)
	case k.Keyword != "":
		appendRule(out, "begin_search", "keyword", 2)
		appendText(out, "keyword", strings.ToUpper(k.Keyword))
		appendPair(out, "startfrom", k.At)
	default:
		appendRule(out, "begin_search", "index", 1)
		appendPair(out, "index", k.At)
	}
}

func (k *KeySpec) appendFind(out *resp.Out) {
	switch {
	case k.At == 0:
		appendRule(out, "find_keys", "unknown", 0)
	case k.Counted:
		appendRule(out, "find_keys", "keynum", 3)
		appendPair(out, "keynumidx", 0)
		appendPair(out, "firstkey", 1)
		appendPair(out, "keystep", 1)
	default:
		appendRule(out, "find_keys", "range", 3)
		appendPair(out, "lastkey", k.Last)
		appendPair(out, "keystep", k.step())
		appendPair(out, "limit", k.Limit)
	}
}

// appendRule begins a rule that has n parameters.
func appendRule(out *resp.Out, name, kind string, n int) {
	out.BulkString(name)
	out.Map(2)
	appendText(out, "type", kind)
	out.BulkString("spec")
	out.Map(n)
}

func appendPair(out *resp.Out, name string, n int) {
	out.BulkString(name)
	out.Int(int64(n))
}
