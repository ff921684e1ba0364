package config

import (
	"errors"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const errRedisSave = redisText("Invalid save parameters")

var errNotPersistent = errors.New("there are no snapshots at intervals unless persistence.enabled is set, which takes a restart")

// saveInterval is the time between snapshots. Redis's parameter is pairs of seconds and numbers of changes; the shortest time counts, and
// one change is enough.
func saveInterval() kind {
	k := seconds(func(v *Values) *time.Duration { return &v.SnapshotInterval })
	k.setRedis = func(v *Values, text string) error {
		words := strings.Fields(text)
		if len(words)%2 != 0 {
			return errRedisSave
		}
		next := time.Duration(0)
		for i, word := range words {
			n, err := parseRedisInt(word, int64(1-i%2), math.MaxInt32)
			if err != nil {
				return errRedisSave
			}
			if d := time.Duration(n) * time.Second; i%2 == 0 && (next == 0 || d < next) {
				next = d
			}
		}
		if next > 0 && !v.Persistence {
			return errNotPersistent
		}
		v.SnapshotInterval = next
		return nil
	}
	k.getRedis = func(v *Values) string {
		if !v.Persistence || v.SnapshotInterval == 0 {
			return ""
		}
		return strconv.FormatInt(int64(v.SnapshotInterval/time.Second), 10) + " 1"
	}
	return k
}

// directoryOf returns the directory of a file, absolute if that can be told. It may ask the disk.
func directoryOf(file string) string {
	dir := filepath.Dir(file)
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
