package bench

import (
	"strconv"
	"strings"

	"github.com/redistill/redistill/tools/client"
)

// snapshot is what INFO and DBSIZE said, by field. It is empty if the server
// has no INFO.
type snapshot map[string]string

func takeSnapshot(c *client.Conn) snapshot {
	s := snapshot{}
	reply, err := c.Do("INFO")
	if err != nil {
		return s
	}
	for line := range strings.Lines(reply.String()) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok {
			s[name] = value
		}
	}
	if reply, err := c.Do("DBSIZE"); err == nil {
		s["dbsize"] = reply.String()
	}
	return s
}

func (s snapshot) integer(name string) *int64 {
	n, err := strconv.ParseInt(s[name], 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// cpu returns the seconds of CPU that the server has used.
func (s snapshot) cpu() (seconds float64, ok bool) {
	user, err1 := strconv.ParseFloat(s["used_cpu_user"], 64)
	sys, err2 := strconv.ParseFloat(s["used_cpu_sys"], 64)
	return user + sys, err1 == nil && err2 == nil
}

// name returns the server's name and version.
func (s snapshot) name() string {
	for _, field := range []string{"redistill", "dragonfly", "valkey", "redis"} {
		if v := s[field+"_version"]; v != "" {
			return field + " " + strings.TrimPrefix(v, "df-")
		}
	}
	return ""
}

// compareSnapshots says what the server did between two snapshots.
func compareSnapshots(before, after snapshot, requests int64) Server {
	s := Server{Name: after.name(), Keys: after.integer("dbsize"), RSS: after.integer("used_memory_rss")}
	used1, ok1 := before.cpu()
	used2, ok2 := after.cpu()
	if ok1 && ok2 && requests > 0 && used2 > used1 {
		perRequest := (used2 - used1) / float64(requests)
		s.CPUPerRequest = &perRequest
	}
	hits1, hits2 := before.integer("keyspace_hits"), after.integer("keyspace_hits")
	misses1, misses2 := before.integer("keyspace_misses"), after.integer("keyspace_misses")
	if hits1 != nil && hits2 != nil && misses1 != nil && misses2 != nil {
		if asked := *hits2 - *hits1 + *misses2 - *misses1; asked > 0 {
			rate := float64(*hits2-*hits1) / float64(asked)
			s.HitRate = &rate
		}
	}
	return s
}
