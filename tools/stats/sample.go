package stats

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redistill/redistill/tools/client"
)

// Sample is what INFO answered at one time.
type Sample struct {
	Time      time.Time
	fields    map[string]string
	Databases []Database // in their order
	Commands  []Command  // by time spent, the most first

	histograms map[string]histogram // by command, of the times of all calls; nil before Redis 7
}

// Database is one line of the keyspace section.
type Database struct {
	Index   int           `json:"db"`
	Keys    int64         `json:"keys"`
	Expires int64         `json:"expires"`
	AvgTTL  time.Duration `json:"-"`
	TTLms   int64         `json:"avg_ttl_ms"`
}

// Command is what the server tells of one command. Times are microseconds of
// execution in the server, since its start or its last CONFIG RESETSTAT.
type Command struct {
	Name        string             `json:"name"`
	Calls       int64              `json:"calls"`
	Failed      int64              `json:"failed"` // and rejected
	Usec        int64              `json:"usec"`
	UsecPerCall float64            `json:"usec_per_call"`
	Percentiles map[string]float64 `json:"percentiles_usec,omitempty"` // by "p50"; absent before Redis 7
}

// Take asks a server for a sample.
func Take(c *client.Conn) (*Sample, error) {
	reply, err := c.Do("INFO", "everything")
	if err != nil {
		return nil, err
	}
	s, err := parse(reply.String(), time.Now())
	if err != nil {
		return nil, err
	}
	return s, s.takeHistograms(c)
}

// parse reads INFO's reply.
func parse(text string, at time.Time) (*Sample, error) {
	s := &Sample{Time: at, fields: map[string]string{}}
	commands := map[string]*Command{}
	command := func(name string) *Command {
		if commands[name] == nil {
			commands[name] = &Command{Name: name}
		}
		return commands[name]
	}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(client.Printable(strings.TrimRight(line, "\r\n")), ":")
		if !ok {
			continue // a title or an empty line
		}
		if c, ok := strings.CutPrefix(name, "cmdstat_"); ok {
			command(c).addStats(value)
		} else if c, ok := strings.CutPrefix(name, "latency_percentiles_usec_"); ok {
			command(c).addPercentiles(value)
		} else if db, ok := database(name, value); ok {
			s.Databases = append(s.Databases, db)
		} else {
			s.fields[name] = value
		}
	}
	if s.fields["redis_version"] == "" {
		return nil, errors.New("the reply of INFO has no redis_version")
	}
	for _, c := range commands {
		s.Commands = append(s.Commands, *c)
	}
	slices.SortFunc(s.Commands, byTimeSpent)
	return s, nil
}

// byTimeSpent orders the commands that took the most time before others.
func byTimeSpent(a, b Command) int {
	return cmp.Or(cmp.Compare(b.Usec, a.Usec), cmp.Compare(a.Name, b.Name))
}

// pairs reads a=1,b=2.
func pairs(value string) map[string]string {
	m := map[string]string{}
	for pair := range strings.SplitSeq(value, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			m[k] = v
		}
	}
	return m
}

// integer reads a number that INFO wrote; what cannot be read counts as 0.
func integer(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func (c *Command) addStats(value string) {
	m := pairs(value)
	c.Calls, c.Usec = integer(m["calls"]), integer(m["usec"])
	c.Failed = integer(m["failed_calls"]) + integer(m["rejected_calls"])
	c.UsecPerCall, _ = strconv.ParseFloat(m["usec_per_call"], 64)
}

func (c *Command) addPercentiles(value string) {
	c.Percentiles = map[string]float64{}
	for name, text := range pairs(value) {
		if usec, err := strconv.ParseFloat(text, 64); err == nil {
			c.Percentiles[name] = usec
		}
	}
}

func database(name, value string) (Database, bool) {
	number, ok := strings.CutPrefix(name, "db")
	index, err := strconv.Atoi(number)
	if !ok || err != nil {
		return Database{}, false
	}
	m := pairs(value)
	ttl := integer(m["avg_ttl"])
	return Database{index, integer(m["keys"]), integer(m["expires"]), time.Duration(ttl) * time.Millisecond, ttl}, true
}

// Server names the program and its version.
func (s *Sample) Server() string {
	for _, p := range [][2]string{{"redistill_version", "Redistill "}, {"valkey_version", "Valkey "}, {"dragonfly_version", "Dragonfly "}} {
		if v := s.fields[p[0]]; v != "" {
			return p[1] + strings.TrimPrefix(v, "df-")
		}
	}
	return "Redis " + s.fields["redis_version"]
}

// Policy is the eviction policy.
func (s *Sample) Policy() string { return s.fields["maxmemory_policy"] }

// number returns a field's value, false if it is absent or no number.
func (s *Sample) number(name string) (float64, bool) {
	v, err := strconv.ParseFloat(s.fields[name], 64)
	return v, err == nil
}
