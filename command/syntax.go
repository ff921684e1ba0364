package command

import (
	"slices"
	"strings"
)

// argument is a node of the tree of arguments that COMMAND DOCS shows. It is derived from the Syntax of a row.
type argument struct {
	name     string
	kind     string // "key", "integer", "oneof", "block", "pure-token", ...
	token    string // the word before the argument, or the argument itself if kind is "pure-token"
	key      int    // index of the specification that finds it, if kind is "key"
	optional bool
	multiple bool // may be repeated
	args     []argument
}

// argumentKinds are the kinds of arguments, by name. Others are strings.
var argumentKinds = map[string]string{
	"key": "key", "newkey": "key", "source": "key", "destination": "key",
	"pattern": "pattern",
	"seconds": "integer", "milliseconds": "integer", "count": "integer", "cursor": "integer", "increment": "integer",
	"decrement": "integer", "offset": "integer", "start": "integer", "end": "integer", "index": "integer", "index1": "integer",
	"index2": "integer", "db": "integer", "destination-db": "integer", "protover": "integer", "client-id": "integer",
	"timeout": "integer", "numkeys": "integer", "limit": "integer", "maxage": "integer", "bits": "integer", "ttl": "integer", "frequency": "integer",
	"unix-time-seconds": "unix-time", "unix-time-milliseconds": "unix-time",
}

// parseSyntax parses Redis's notation: lower-case words are arguments, others are tokens that stand for themselves and belong to the
// arguments behind them, [a] is optional, <a | b> and [a | b] are a choice, and "a [a ...]" is a repeated argument. ok is false for
// what is not of this form.
func parseSyntax(syntax string) (args []argument, ok bool) {
	for _, sign := range []string{"[", "]", "<", ">", "|"} {
		syntax = strings.ReplaceAll(syntax, sign, " "+sign+" ")
	}
	p := &syntaxParser{words: strings.Fields(syntax)}
	args = p.sequence()
	return args, len(p.words) == 0 && !p.failed
}

// arguments returns the tree of the row's arguments. A test sees to it that every row's Syntax is well formed.
func (c *Command) arguments() []argument {
	args, _ := parseSyntax(c.Syntax)
	numberKeys(args, c.Keys.inSyntax())
	for i := range args {
		if args[i].name == "increment" && strings.HasSuffix(c.Name, "float") {
			args[i].kind = "double"
		}
	}
	return args
}

type syntaxParser struct {
	words  []string // not yet read
	failed bool
}

func (p *syntaxParser) take(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *syntaxParser) expect(word string) {
	p.failed = !p.take(word) || p.failed
}

// sequence parses arguments up to the end of the group that it stands in.
func (p *syntaxParser) sequence() []argument {
	var args []argument
	for len(p.words) > 0 {
		switch word := p.words[0]; {
		case word == "]" || word == ">" || word == "|" || word == "...":
			return args
		case p.take("["):
			args = p.optional(args)
		case p.take("<"):
			args = append(args, p.choice())
			p.expect(">")
		default:
			p.words = p.words[1:]
			if word != strings.ToUpper(word) {
				args = append(args, named(word))
				continue
			}
			args = append(args, withToken(word, p.sequence()))
		}
	}
	return args
}

// optional parses a group in brackets, behind the arguments before it in the same sequence.
func (p *syntaxParser) optional(before []argument) []argument {
	group := p.choice()
	repeated := p.take("...")
	p.expect("]")
	parts := []argument{group}
	if group.kind == "block" && group.token == "" {
		parts = group.args
	}
	n := len(before) - len(parts)
	switch {
	case !repeated:
		group.optional = true
		return append(before, group)
	case n >= 0 && slices.EqualFunc(before[n:], parts, sameName):
		whole := block(slices.Clone(before[n:]))
		whole.multiple = true
		return append(before[:n], whole)
	}
	group.optional, group.multiple = true, true
	return append(before, group)
}

// choice parses alternatives apart by bars.
func (p *syntaxParser) choice() argument {
	alternatives := []argument{block(p.sequence())}
	for p.take("|") {
		alternatives = append(alternatives, block(p.sequence()))
	}
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	return argument{name: joinNames(alternatives), kind: "oneof", args: alternatives}
}

func named(word string) argument {
	kind := argumentKinds[word]
	if kind == "" {
		kind = "string"
	}
	return argument{name: word, kind: kind}
}

// block makes one argument of several.
func block(args []argument) argument {
	if len(args) == 1 {
		return args[0]
	}
	return argument{name: joinNames(args), kind: "block", args: args}
}

// withToken makes one argument of a token and what follows it.
func withToken(token string, args []argument) argument {
	if len(args) == 0 {
		return argument{name: strings.ToLower(token), kind: "pure-token", token: token}
	}
	a := block(args)
	if a.token != "" || a.optional {
		a = argument{name: strings.ToLower(token), kind: "block", args: args}
	}
	a.token = token
	return a
}

func joinNames(args []argument) string {
	var names []string
	for _, a := range args {
		names = append(names, a.name)
	}
	return strings.Join(names, "_")
}

func sameName(a, b argument) bool { return a.name == b.name && a.token == b.token }

// numberKeys gives the keys among the arguments, in their order, the numbers of their
// specifications, and returns those that are left. The last number is for all further keys.
func numberKeys(args []argument, numbers []int) []int {
	for i := range args {
		if args[i].kind == "key" && len(numbers) > 0 {
			args[i].key = numbers[0]
			numbers = numbers[min(1, len(numbers)-1):]
		}
		numbers = numberKeys(args[i].args, numbers)
	}
	return numbers
}
