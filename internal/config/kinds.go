package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is how a setting is read into Values and shown again. set and get speak
// our dialect, setRedis and getRedis Redis's; get's text is one that set
// accepts. A setter that fails leaves v unspecified: callers work on a copy.
type kind struct {
	name     string   // what --help calls the value: "size", "duration", ...
	accepts  string   // accepted values in words, for error messages and help
	words    []string // what one of kind "word" takes
	set      func(v *Values, text string) error
	get      func(v *Values) string
	setRedis func(v *Values, text string) error
	getRedis func(v *Values) string
}

// redisText is an error whose words are Redis's own.
type redisText string

func (e redisText) Error() string { return string(e) }

// Error texts of Redis 7 for CONFIG SET.
const (
	errRedisInteger  = redisText("argument couldn't be parsed into an integer")
	errRedisOctal    = redisText("argument couldn't be parsed as an octal number")
	errRedisMemory   = redisText("argument must be a memory value")
	errRedisPercent  = redisText("argument must be a memory or percent value")
	errRedisShare    = redisText("percentage argument must be less or equal to 100")
	errRedisYesNo    = redisText("argument must be 'yes' or 'no'")
	errRedisBufArgs  = redisText("Wrong number of arguments in buffer limit configuration.")
	errRedisBufClass = redisText("Invalid client class specified in buffer limit configuration.")
	errRedisBufValue = redisText("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
)

func checkRange(n, low, high int64) error {
	if n < low || n > high {
		return fmt.Errorf("argument must be between %d and %d inclusive", low, high)
	}
	return nil
}

func parseRedisInt(text string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text { // Redis refuses +5 and 05
		return 0, errRedisInteger
	}
	return n, checkRange(n, low, high)
}

// integer is a whole number from low to high.
func integer[T int | int64](field func(*Values) *T, low, high int64) kind {
	k := kind{
		name:    "int",
		accepts: fmt.Sprintf("a whole number from %d to %d", low, high),
		get:     func(v *Values) string { return strconv.FormatInt(int64(*field(v)), 10) },
		setRedis: func(v *Values, text string) error {
			n, err := parseRedisInt(text, low, high)
			*field(v) = T(n)
			return err
		},
	}
	k.set = inWords(k.setRedis, k.accepts)
	k.getRedis = k.get
	return k
}

// seconds is a duration, which Redis counts in seconds.
func seconds(field func(*Values) *time.Duration) kind {
	const accepts = "whole seconds such as 300, or a number with s, m, h or d such as 5m"
	get := func(v *Values) string { return strconv.FormatInt(int64(*field(v)/time.Second), 10) }
	return kind{
		name:    "duration",
		accepts: accepts,
		set: func(v *Values, text string) error {
			d, err := ParseDuration(text)
			if err != nil || d > math.MaxInt32*time.Second {
				return errors.New("must be " + accepts)
			}
			*field(v) = d
			return nil
		},
		get: get,
		setRedis: func(v *Values, text string) error {
			n, err := parseRedisInt(text, 0, math.MaxInt32)
			*field(v) = time.Duration(n) * time.Second
			return err
		},
		getRedis: get,
	}
}

// size is a number of bytes from low to high.
func size(field func(*Values) *int64, low, high int64) kind {
	k := kind{
		name:    "size",
		accepts: fmt.Sprintf("a size such as 512mb, from %d to %d bytes", low, high),
		get:     func(v *Values) string { return strconv.FormatInt(*field(v), 10) },
		setRedis: func(v *Values, text string) error {
			n, err := ParseSize(text)
			if err != nil {
				return errRedisMemory
			}
			*field(v) = n
			return checkRange(n, low, high)
		},
	}
	k.set = inWords(k.setRedis, k.accepts)
	k.getRedis = k.get
	return k
}

// permissions are those of a file, in octal digits.
func permissions(field func(*Values) *os.FileMode) kind {
	k := kind{
		name:    "string",
		accepts: "permissions in octal digits such as 770, or 0 to leave them to the umask",
		get:     func(v *Values) string { return strconv.FormatUint(uint64(*field(v)), 8) },
		setRedis: func(v *Values, text string) error {
			n, err := strconv.ParseUint(text, 8, 32)
			if err != nil || n > uint64(os.ModePerm) {
				return errRedisOctal
			}
			*field(v) = os.FileMode(n)
			return nil
		},
	}
	k.set = inWords(k.setRedis, k.accepts)
	k.getRedis = k.get
	return k
}

func yesNo(field func(*Values) *bool) kind {
	show := func(yes, no string) func(*Values) string {
		return func(v *Values) string {
			if *field(v) {
				return yes
			}
			return no
		}
	}
	return kind{
		name:    "bool",
		accepts: "true or false",
		set: func(v *Values, text string) (err error) {
			if *field(v), err = ParseBool(text); err != nil {
				return errors.New("must be true or false")
			}
			return nil
		},
		get: show("true", "false"),
		setRedis: func(v *Values, text string) error {
			switch strings.ToLower(text) {
			case "yes":
				*field(v) = true
			case "no":
				*field(v) = false
			default:
				return errRedisYesNo
			}
			return nil
		},
		getRedis: show("yes", "no"),
	}
}

// enum is one of a few words, in any case.
func enum(field func(*Values) *string, words []string) kind {
	list := strings.Join(words, ", ")
	k := kind{
		name:    "word",
		accepts: "one of " + list,
		words:   words,
		get:     func(v *Values) string { return *field(v) },
		setRedis: func(v *Values, text string) error {
			i := slices.Index(words, strings.ToLower(text))
			if i < 0 {
				return errors.New("argument(s) must be one of the following: " + list)
			}
			*field(v) = words[i]
			return nil
		},
	}
	k.set = inWords(k.setRedis, k.accepts)
	k.getRedis = k.get
	return k
}

// text is any string.
func text(field func(*Values) *string) kind {
	set := func(v *Values, s string) error { *field(v) = s; return nil }
	get := func(v *Values) string { return *field(v) }
	return kind{name: "string", accepts: "any text", set: set, get: get, setRedis: set, getRedis: get}
}

// fixed is a parameter of Redis that states a fact about this server and
// cannot be set.
func fixed(value string) kind {
	return kind{getRedis: func(*Values) string { return value }}
}

// only is the row of a parameter that is fixed here, and that Redis can change.
// Setting it to what it is changes nothing, and is allowed.
func only(value string, names ...string) Setting { return onlyAs(value, "", names...) }

// onlyAs is only with a reason for the error.
func onlyAs(value, reason string, names ...string) Setting {
	k := fixed(value)
	k.get = k.getRedis
	k.setRedis = func(_ *Values, s string) error {
		switch {
		case strings.EqualFold(s, value):
			return nil
		case reason != "":
			return fmt.Errorf("the only value here is '%s': %s", value, reason)
		}
		return fmt.Errorf("the only value here is '%s'", value)
	}
	return Setting{Redis: names, Mutable: true, Default: value, kind: k}
}

// inWords replaces Redis's error text by the accepted values in our words.
func inWords(set func(*Values, string) error, accepts string) func(*Values, string) error {
	return func(v *Values, s string) error {
		if set(v, s) != nil {
			return errors.New("must be " + accepts)
		}
		return nil
	}
}

// microseconds is a number of µs; -1 stands for off.
func microseconds(field func(*Values) *time.Duration) kind {
	k := kind{
		name: "int", accepts: "a whole number of microseconds, or -1 for off",
		setRedis: func(v *Values, s string) error {
			n, err := parseRedisInt(s, -1, math.MaxInt64)
			*field(v) = time.Duration(min(n, math.MaxInt64/int64(time.Microsecond))) * time.Microsecond
			return err
		},
		getRedis: func(v *Values) string {
			return strconv.FormatInt(int64(*field(v)/time.Microsecond), 10)
		},
	}
	k.set, k.get = inWords(k.setRedis, k.accepts), k.getRedis
	return k
}

// maxMemory is a size, or a share of Values.Memory, or 0 for no limit.
func maxMemory() kind {
	const accepts = "a size such as 2GB or 512mb, a share of the memory such as 80%, plain bytes, or 0 for no limit"
	return kind{
		name:    "size",
		accepts: accepts,
		set: func(v *Values, text string) error {
			if share, ok := parsePercent(text); ok {
				if v.Memory.Bytes == 0 {
					return errors.New("the machine's memory is unknown, so give a size such as 2GB")
				}
				v.MaxMemory, v.maxMemoryText = v.Memory.Bytes/100*share, text
				return nil
			}
			n, err := ParseSize(text)
			if err != nil {
				return errors.New("must be " + accepts)
			}
			v.MaxMemory, v.maxMemoryText = n, text
			return nil
		},
		get: func(v *Values) string { return v.maxMemoryText },
		setRedis: func(v *Values, text string) error {
			if text == "" {
				text = "0" // as Redis reads it
			}
			n, err := ParseSize(text)
			if err != nil {
				return errRedisMemory
			}
			v.MaxMemory, v.maxMemoryText = n, text
			return nil
		},
		getRedis: func(v *Values) string { return strconv.FormatInt(v.MaxMemory, 10) },
	}
}

// clientsMemory is a size, or a share of Values.MaxMemory, or 0 for no limit.
func clientsMemory() kind {
	k := kind{
		name:    "size",
		accepts: "a size such as 64mb, a share of max_memory such as 5%, plain bytes, or 0 for no limit",
		get: func(v *Values) string {
			if v.clientsShare > 0 {
				return strconv.FormatInt(v.clientsShare, 10) + "%"
			}
			return strconv.FormatInt(v.clientsBytes, 10)
		},
		setRedis: func(v *Values, text string) error {
			if number, isShare := strings.CutSuffix(text, "%"); isShare {
				share, err := parseRedisInt(number, math.MinInt64, math.MaxInt64)
				switch {
				case err != nil || share < 0:
					return errRedisPercent
				case share > 100:
					return errRedisShare
				}
				v.clientsShare, v.clientsBytes = share, 0
				return nil
			}
			n, err := ParseSize(text)
			if err != nil {
				return errRedisPercent
			}
			v.clientsShare, v.clientsBytes = 0, n
			return nil
		},
	}
	parse := k.setRedis
	k.set, k.getRedis = inWords(parse, k.accepts), k.get
	k.setRedis = func(v *Values, text string) error { return parse(v, cmp.Or(text, "0")) } // as Redis reads it
	return k
}

// logLevel is a level of log/slog. Redis has other names for some of them.
func logLevel() kind {
	words := []string{"debug", "info", "warn", "error"}
	accepts := "one of " + strings.Join(words, ", ")
	ours := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	redis := map[string]slog.Level{"debug": slog.LevelDebug, "verbose": slog.LevelInfo, "notice": slog.LevelInfo, "warning": slog.LevelWarn}
	set := func(words map[string]slog.Level, message string) func(*Values, string) error {
		return func(v *Values, text string) error {
			level, ok := words[strings.ToLower(text)]
			if !ok {
				return errors.New(message)
			}
			v.LogLevel = level
			return nil
		}
	}
	return kind{
		name: "word", accepts: accepts, words: words,
		set:      set(ours, "must be "+accepts),
		get:      func(v *Values) string { return strings.ToLower(v.LogLevel.String()) },
		setRedis: set(redis, "argument(s) must be one of the following: debug, verbose, notice, warning"),
		getRedis: func(v *Values) string {
			switch {
			case v.LogLevel < slog.LevelInfo:
				return "debug"
			case v.LogLevel < slog.LevelWarn:
				return "notice"
			}
			return "warning"
		},
	}
}
