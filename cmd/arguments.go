package cmd

import (
	"os"
	"strings"
	"unsafe"

	"github.com/redistill/redistill/internal/config"
)

// Arguments returns the arguments of this process without the program's name,
// and hides the passwords in them from the list of processes, where anyone on
// the machine could read them.
func Arguments() []string {
	args := make([]string, len(os.Args)-1)
	for i := range args {
		args[i] = strings.Clone(os.Args[i+1])
	}
	for i, part := range secrets(args) {
		overwrite(os.Args[i+1], part)
	}
	return args
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// secrets returns for each argument the password in it, an empty span for none.
func secrets(args []string) []span {
	found := make([]span, len(args))
	for i, arg := range args {
		if name, value, ok := strings.Cut(arg, "="); isSecret(name) {
			if ok {
				found[i] = span{len(arg) - len(value), len(arg)}
			} else if i+1 < len(args) {
				found[i+1] = span{0, len(args[i+1])}
			}
		} else if found[i] == (span{}) {
			found[i] = passwordIn(arg)
		}
	}
	return found
}

// isSecret reports whether an argument is the flag of a secret setting.
func isSecret(arg string) bool {
	name, ok := strings.CutPrefix(arg, "--")
	if !ok || name == "" {
		return false
	}
	for _, s := range config.Settings() {
		if s.Secret && (name == s.Flag || name == s.FlagAlias) {
			return true
		}
	}
	return false
}

// passwordIn finds the password of a target as it is written in an argument, such
// as redis://user:password@host, user:password@host or
// --compare=redis://:password@host.
func passwordIn(arg string) span {
	rest := arg
	if _, after, ok := strings.Cut(arg, "://"); ok {
		rest = after
	} else if strings.HasPrefix(arg, "--") {
		_, rest, _ = strings.Cut(arg, "=")
	}
	authority, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return span{}
	}
	colon := strings.IndexByte(authority[:at], ':')
	if colon < 0 {
		return span{}
	}
	start := len(arg) - len(rest)
	return span{start + colon + 1, start + at}
}

// overwrite puts stars over part of an argument of this process. The runtime
// takes the strings of os.Args from the system without copying them, so this
// changes what the list of processes shows.
func overwrite(arg string, part span) {
	b := unsafe.Slice(unsafe.StringData(arg), len(arg))
	for i := part.from; i < part.to; i++ {
		b[i] = '*'
	}
}
