package config

import (
	"math"
	"strconv"
	"strings"
)

const (
	errRedisPercentiles = redisText("Invalid latency-tracking-info-percentiles parameters")
	errRedisPercentile  = redisText("latency-tracking-info-percentiles parameters " +
		"should sit between [0.0,100.0]")
)

// percentiles is a list of percentages with spaces between them, or nothing.
func percentiles(field func(*Values) *[]float64) kind {
	k := kind{
		name:    "list",
		accepts: "percentages from 0 to 100 with spaces between, such as 50 99 99.9, or nothing",
		get: func(v *Values) string {
			var words []string
			for _, p := range *field(v) {
				words = append(words, FormatPercentile(p))
			}
			return strings.Join(words, " ")
		},
		setRedis: func(v *Values, text string) error {
			var list []float64
			if text != "" {
				for _, word := range strings.Split(text, " ") {
					p, err := strconv.ParseFloat(word, 64)
					switch {
					case err != nil || math.IsNaN(p):
						return errRedisPercentiles
					case p < 0 || p > 100:
						return errRedisPercentile
					}
					list = append(list, p)
				}
			}
			*field(v) = list
			return nil
		},
	}
	k.set = inWords(k.setRedis, k.accepts)
	k.getRedis = k.get
	return k
}

// FormatPercentile returns a percentage as Redis shows it: with up to six decimals, such as 99.9.
func FormatPercentile(p float64) string {
	text := strconv.FormatFloat(p, 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
