package config

import (
	"errors"
	"slices"
	"strings"
)

// ShutdownFlags say how the server ends: the words of SHUTDOWN, and of what signals do. None is the
// default.
type ShutdownFlags uint8

// The flags, in the order in which they are shown.
const (
	ShutdownSave   ShutdownFlags = 1 << iota // take a snapshot, whatever the settings say
	ShutdownNoSave                           // take none, whatever the settings say
	ShutdownNow                              // do not wait
	ShutdownForce                            // whatever is wrong
)

// shutdownWords are the names of the flags, in their order, behind the one that stands for none.
var shutdownWords = []string{"default", "save", "nosave", "now", "force"}

const errShutdownFlags = redisText("shutdown options SAVE and NOSAVE can't be used simultaneously")

// shutdownFlags is words for flags, in any case, with one space between two.
func shutdownFlags(field func(*Values) *ShutdownFlags) kind {
	k := kind{
		name:    "string",
		accepts: "default, or some of save or nosave, now and force, with a space between two",
		get: func(v *Values) string {
			var words []string
			for i, word := range shutdownWords[1:] {
				if *field(v)&(1<<i) != 0 {
					words = append(words, word)
				}
			}
			if words == nil {
				return shutdownWords[0]
			}
			return strings.Join(words, " ")
		},
		setRedis: func(v *Values, text string) error {
			var flags ShutdownFlags
			for word := range strings.SplitSeq(text, " ") {
				i := slices.Index(shutdownWords, strings.ToLower(word))
				if i < 0 {
					return errors.New("argument(s) must be one of the following: " + strings.Join(shutdownWords, ", "))
				}
				flags |= 1 << i >> 1
			}
			*field(v) = flags
			if flags&ShutdownSave != 0 && flags&ShutdownNoSave != 0 {
				return errShutdownFlags
			}
			return nil
		},
	}
	k.set = inWords(k.setRedis, k.accepts)
	k.getRedis = k.get
	return k
}
