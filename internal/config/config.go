package config

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redistill/redistill/internal/glob"
)

// Config holds the current values of all settings. All methods may be called
// by any goroutine.
type Config struct {
	values atomic.Pointer[Values]

	mu      sync.Mutex // held while settings change
	sources []Source   // of each row of the table; guarded by mu
	hooks   []hook     // guarded by mu

	reading atomic.Bool // whoever holds mu may wait for a disk; written with mu held
}

type hook struct {
	name  string
	apply func(*Values) error
	reads bool // apply reads files
}

// Values returns the current values. It costs one atomic load. The result is
// shared and stays as it is when settings change later: take it once for a
// decision, and again for the next one.
func (c *Config) Values() *Values { return c.values.Load() }

// OnChange registers apply, which brings a change of the named setting (our
// key, or Redis's name for a row without one) into effect. Set calls it with
// the values to come, before they are published; an error refuses the whole
// change, and the hooks that had succeeded are called again with the old
// values. Hooks run one at a time and must not call Set. It panics if there is
// no such setting, which is a mistake in the program.
func (c *Config) OnChange(name string, apply func(next *Values) error) {
	c.onChange(hook{name: name, apply: apply})
}

// OnChangeRead is OnChange for an apply that reads files, which may take long; ApplyAtOnce does not
// call it.
func (c *Config) OnChangeRead(name string, apply func(next *Values) error) {
	c.onChange(hook{name, apply, true})
}

func (c *Config) onChange(h hook) {
	if find(h.name) == nil {
		panic("config: OnChange of unknown setting " + h.name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append(c.hooks, h)
}

// Pair is a parameter's name and its value as CONFIG GET shows it.
type Pair struct {
	Name, Value string
}

// Get answers CONFIG GET: the parameters whose names match any of the patterns,
// each once. Names are Redis's (values as Redis writes them) and our keys
// (values in our dialect); case does not matter. A name without a wildcard is
// answered as it was asked for. Secrets are shown in clear, as Redis does.
func (c *Config) Get(patterns ...string) []Pair {
	values := c.Values()
	var pairs []Pair
	seen := make(map[string]bool)
	add := func(p *param, name string) {
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			pairs = append(pairs, Pair{name, p.get(values)})
		}
	}
	for _, pattern := range patterns {
		if !strings.ContainsAny(pattern, "*?[") {
			if p := find(pattern); p != nil {
				add(p, pattern)
			}
			continue
		}
		matcher := glob.Compile([]byte(pattern), true)
		for i := range params {
			if matcher.Match([]byte(params[i].name)) {
				add(&params[i], params[i].name)
			}
		}
	}
	return pairs
}

// param is one name under which CONFIG GET and SET reach a setting, with the
// dialect that belongs to the name.
type param struct {
	name string
	row  int
	get  func(*Values) string
	set  func(*Values, string) error
}

// params lists every name of every row. It is never written after start.
var params = paramsOf(settings)

func paramsOf(rows []Setting) []param {
	var list []param
	for i := range rows {
		s := &rows[i]
		for _, name := range s.Redis {
			list = append(list, param{name, i, s.getRedis, s.setRedis})
		}
		if s.Key != "" {
			list = append(list, param{s.Key, i, s.get, s.set})
		}
	}
	return list
}

func find(name string) *param {
	for i := range params {
		if strings.EqualFold(params[i].name, name) {
			return &params[i]
		}
	}
	return nil
}

// Effective is a setting with a key, its current value in our dialect, and
// where the value came from. A secret that is set reads "********".
type Effective struct {
	Setting *Setting
	Value   string
	Source  Source
}

// Effective returns every setting that has a key, in the order of the table.
func (c *Config) Effective() []Effective {
	c.mu.Lock()
	defer c.mu.Unlock()
	values := c.Values()
	var list []Effective
	for i := range settings {
		s := &settings[i]
		if s.Key == "" {
			continue
		}
		value := s.get(values)
		if s.Secret {
			value = masked(value)
		}
		list = append(list, Effective{s, value, c.sources[i]})
	}
	return list
}
