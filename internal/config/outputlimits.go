package config

import (
	"fmt"
	"strconv"
	"strings"
)

// redisOutputLimits is what Redis limits by default. Classes that a source does not name have it.
func redisOutputLimits() OutputBufLimits {
	return OutputBufLimits{
		Replica: OutputBufLimit{Hard: 256 << 20, Soft: 64 << 20, SoftSeconds: 60}, PubSub: OutputBufLimit{Hard: 32 << 20, Soft: 8 << 20, SoftSeconds: 60},
	}
}

// outputBufLimits is Redis's client-output-buffer-limit: groups of class, hard
// limit, soft limit and soft seconds. Classes that are not named stay as they
// are.
func outputBufLimits() kind {
	k := kind{
		name: "string", accepts: "groups of a class (normal, replica or pubsub), two sizes and seconds",
		setRedis: func(v *Values, text string) error {
			words := strings.Fields(text)
			if len(words)%4 != 0 {
				return errRedisBufArgs
			}
			for ; len(words) > 0; words = words[4:] {
				limit := v.ClientOutputBufferLimit.class(words[0])
				if limit == nil {
					return errRedisBufClass
				}
				if !limit.parse(words[1:4]) {
					return errRedisBufValue
				}
			}
			return nil
		},
		getRedis: func(v *Values) string {
			l := &v.ClientOutputBufferLimit
			return fmt.Sprintf("normal %s slave %s pubsub %s", l.Normal, l.Replica, l.PubSub)
		},
	}
	k.set, k.get = inWords(k.setRedis, k.accepts), k.getRedis
	return k
}

func (l *OutputBufLimits) class(name string) *OutputBufLimit {
	switch strings.ToLower(name) {
	case "normal":
		return &l.Normal
	case "slave", "replica":
		return &l.Replica
	case "pubsub":
		return &l.PubSub
	}
	return nil
}

func (l *OutputBufLimit) parse(words []string) bool {
	var errHard, errSoft, errSeconds error
	l.Hard, errHard = ParseSize(words[0])
	l.Soft, errSoft = ParseSize(words[1])
	l.SoftSeconds, errSeconds = strconv.ParseInt(words[2], 10, 32)
	return errHard == nil && errSoft == nil && errSeconds == nil && l.SoftSeconds >= 0
}

// String gives the limit as Redis writes it: hard, soft and seconds.
func (l OutputBufLimit) String() string {
	return fmt.Sprintf("%d %d %d", l.Hard, l.Soft, l.SoftSeconds)
}
