package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	errSize     = errors.New("not a size")
	errDuration = errors.New("not a duration in whole seconds")
	errBool     = errors.New("not true or false")
)

// sizeUnits are Redis's: the unit with a b is binary, the one without decimal.
var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1 << 10,
	"m": 1e6, "mb": 1 << 20,
	"g": 1e9, "gb": 1 << 30,
	"t": 1e12, "tb": 1 << 40,
}

// ParseSize reads a number of bytes: "1048576", "512mb", "2GB". Units are
// Redis's, in any case: kb, mb, gb, tb are powers of 1024 and k, m, g, t powers
// of 1000. Fractions, signs and values beyond an int64 are errors.
func ParseSize(text string) (int64, error) {
	digits := len(text)
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			digits = i
			break
		}
	}
	unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(text[digits:]))]
	if !ok || digits == 0 {
		return 0, errSize
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, errSize
	}
	return n * unit, nil
}

// parsePercent reads "80%" as 80. It accepts 1 to 100.
func parsePercent(text string) (int64, bool) {
	number, found := strings.CutSuffix(text, "%")
	if !found {
		return 0, false
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || n < 1 || n > 100 {
		return 0, false
	}
	return int64(n), true
}

// FormatSize shows bytes for people, in the largest binary unit that leaves at
// least one: 2147483648 is "2GB", 1610612736 is "1.5GB". It rounds to one
// decimal, so it is not for values that are read back.
func FormatSize(bytes int64) string {
	units := []string{"KB", "MB", "GB", "TB"}
	if bytes < 1<<10 {
		return strconv.FormatInt(bytes, 10) + "B"
	}
	value, unit := float64(bytes)/(1<<10), 0
	for value >= 1<<10 && unit < len(units)-1 {
		value /= 1 << 10
		unit++
	}
	return strings.TrimSuffix(strconv.FormatFloat(value, 'f', 1, 64), ".0") + units[unit]
}

// ParseDuration reads seconds ("300") or a number with units ("5m", "1h30m",
// "2d"). The result is never negative and always whole seconds, because that is
// what Redis's own settings can express.
func ParseDuration(text string) (time.Duration, error) {
	const maxSeconds = int64(math.MaxInt64 / time.Second)
	number, unit := text, int64(1)
	if days, found := strings.CutSuffix(strings.ToLower(text), "d"); found {
		number, unit = days, 24*60*60
	}
	if n, err := strconv.ParseUint(number, 10, 63); err == nil {
		if int64(n) > maxSeconds/unit {
			return 0, errDuration
		}
		return time.Duration(int64(n)*unit) * time.Second, nil
	}
	d, err := time.ParseDuration(strings.ToLower(text))
	if err != nil || d < 0 || d%time.Second != 0 {
		return 0, errDuration
	}
	return d, nil
}

// ParseBool reads true, yes and on, or false, no and off, in any case.
func ParseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true, nil
	case "false", "no", "off":
		return false, nil
	}
	return false, errBool
}
