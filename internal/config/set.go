package config

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

var (
	errImmutable = errors.New("can't set immutable config")
	errDuplicate = errors.New("duplicate parameter")

	// ErrFiles is why a change cannot be made at once.
	ErrFiles = errors.New("files have to be read, which is not done in a transaction")
)

// SetError is a refused CONFIG SET. Err is nil if there is no such parameter.
type SetError struct {
	Name string // the parameter: as the client wrote it if it is the name that is refused, as the table has it otherwise
	Err  error
}

// Error returns Redis 7's text without the ERR in front.
func (e *SetError) Error() string {
	if e.Err == nil {
		name, _, _ := strings.Cut(e.Name, "\x00") // where Redis's text ends too
		return fmt.Sprintf("Unknown option or number of arguments for CONFIG SET - '%s'", name)
	}
	return fmt.Sprintf("CONFIG SET failed (possibly related to argument '%s') - %s", e.Name, e.Err)
}

// Unwrap returns the reason.
func (e *SetError) Unwrap() error { return e.Err }

// Set answers CONFIG SET: it changes all the named parameters or none. As in
// Redis, first every name is checked, then every value, then the changes are
// brought into effect by the hooks of OnChange. Values are in the dialect of
// the name they come with. The error is a *SetError.
func (c *Config) Set(pairs ...Pair) error {
	_, err := c.Apply(pairs...)
	return err
}

// Apply is Set that also returns what is different now, in the order of the pairs.
func (c *Config) Apply(pairs ...Pair) ([]Change, error) {
	chosen, err := resolve(pairs)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.unlock()
	return c.apply(chosen, pairs)
}

// ApplyAtOnce is Apply that never waits for a disk: it returns an error that wraps ErrFiles, and
// does nothing, where files have to be read, and while others wait for that.
func (c *Config) ApplyAtOnce(pairs ...Pair) ([]Change, error) {
	chosen, err := resolve(pairs)
	if err != nil {
		return nil, err
	}
	for !c.mu.TryLock() {
		if c.reading.Load() {
			return nil, &SetError{chosen[0].name, ErrFiles}
		}
		runtime.Gosched() // nobody else keeps the lock for long
	}
	defer c.unlock()
	for _, h := range c.hooks {
		if i := chosenBy(h, chosen); i >= 0 && h.reads {
			return nil, &SetError{chosen[i].name, ErrFiles}
		}
	}
	return c.apply(chosen, pairs)
}

// unlock gives c.mu back after settings may have changed.
func (c *Config) unlock() {
	c.reading.Store(false)
	c.mu.Unlock()
}

// apply is Apply for parameters that were found. c.mu is held.
func (c *Config) apply(chosen []*param, pairs []Pair) ([]Change, error) {
	old := c.Values()
	next := new(Values)
	*next = *old
	for i, p := range chosen {
		if err := p.set(next, pairs[i].Value); err != nil {
			return nil, &SetError{p.name, err}
		}
	}
	if err := c.runHooks(old, next, chosen); err != nil {
		return nil, err
	}
	c.values.Store(next)
	var changes []Change
	for _, p := range chosen {
		c.sources[p.row] = Source{Origin: FromRuntime}
		if ch, different := settings[p.row].change(old, next); different {
			ch.Source = c.sources[p.row]
			changes = append(changes, ch)
		}
	}
	return changes, nil
}

// resolve finds the parameters and refuses unknown, immutable and repeated
// ones; the first fault counts.
func resolve(pairs []Pair) ([]*param, error) {
	chosen := make([]*param, len(pairs))
	for i, pair := range pairs {
		p := find(pair.Name)
		if p == nil {
			return nil, &SetError{Name: pair.Name}
		}
		if !settings[p.row].Mutable {
			return nil, &SetError{pair.Name, errImmutable}
		}
		for _, earlier := range chosen[:i] {
			if earlier == p {
				return nil, &SetError{pair.Name, errDuplicate}
			}
		}
		chosen[i] = p
	}
	return chosen, nil
}

// runHooks calls the hooks of the chosen settings with next. If one fails it
// calls those that ran before, last first, with old.
func (c *Config) runHooks(old, next *Values, chosen []*param) *SetError {
	var done []hook
	for _, h := range c.hooks {
		i := chosenBy(h, chosen)
		if i < 0 {
			continue
		}
		if h.reads {
			c.reading.Store(true)
		}
		if err := h.apply(next); err != nil {
			for j := len(done) - 1; j >= 0; j-- {
				// The old values were in effect before, so applying them
				// again is the best that can be done whatever it returns.
				_ = done[j].apply(old)
			}
			return &SetError{chosen[i].name, err}
		}
		done = append(done, h)
	}
	return nil
}

func chosenBy(h hook, chosen []*param) int {
	for i, p := range chosen {
		row := &settings[p.row]
		if strings.EqualFold(row.Key, h.name) {
			return i
		}
		for _, name := range row.Redis {
			if strings.EqualFold(name, h.name) {
				return i
			}
		}
	}
	return -1
}
