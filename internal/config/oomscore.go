package config

import (
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// OOMScore is how the kernel's OOM killer is to rate the process.
type OOMScore struct {
	Mode string // "no", "yes" or "absolute": leave the score alone, add to it, or set it

	// Values are Redis's scores for a master, a replica and a background child. There are neither
	// replicas nor children here, so the first one counts.
	Values [3]int
}

// oomScoreModes are what memory.oom_score_adj takes. "relative" is another word for "yes".
var oomScoreModes = []string{"no", "yes", "relative", "absolute"}

// oomScoreMode is one of oomScoreModes. Only Linux has more than "no".
func oomScoreMode() kind {
	words := enum(func(v *Values) *string { return &v.OOMScore.Mode }, oomScoreModes)
	words.setRedis = func(v *Values, text string) error {
		mode := strings.ToLower(text)
		switch {
		case !slices.Contains(oomScoreModes, mode):
			list := strings.Join(oomScoreModes, ", ")
			return errors.New("argument(s) must be one of the following: " + list)
		case mode != "no" && runtime.GOOS != "linux":
			return errors.New("only Linux rates processes for its OOM killer: it must be 'no' here")
		case mode == "relative":
			mode = "yes" // as Redis shows it
		}
		v.OOMScore.Mode = mode
		return nil
	}
	words.set = inWords(words.setRedis, words.accepts)
	return words
}

const (
	errRedisArguments = redisText("wrong number of arguments")
	errRedisOOMScore  = redisText("Invalid oom-score-adj-values, " +
		"elements must be between -2000 and 2000.")
	oomScoreMost = 2000
)

// oomScoreValues are three numbers with spaces between them.
func oomScoreValues() kind {
	k := kind{
		name:    "list",
		accepts: "three numbers from -2000 to 2000 with spaces between them, such as 0 200 800",
		get: func(v *Values) string {
			var words []string
			for _, n := range v.OOMScore.Values {
				words = append(words, strconv.Itoa(n))
			}
			return strings.Join(words, " ")
		},
		setRedis: func(v *Values, text string) error {
			words := strings.Split(text, " ")
			if len(words) != len(v.OOMScore.Values) {
				return errRedisArguments
			}
			for i, word := range words {
				n, err := strconv.Atoi(word)
				if err != nil || n < -oomScoreMost || n > oomScoreMost {
					return errRedisOOMScore
				}
				v.OOMScore.Values[i] = n
			}
			return nil
		},
	}
	k.set = inWords(k.setRedis, k.accepts)
	k.getRedis = k.get
	return k
}
