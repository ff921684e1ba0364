package config

import "errors"

// ErrRestart is why a setting that cannot change at run time stays as it is.
var ErrRestart = errors.New("takes effect with the next start")

// Change is a setting that its sources give another value than the one in effect was.
type Change struct {
	Setting  *Setting
	Source   Source // of the new value
	Old, New string // in our dialect; a secret reads "********"
	Err      error  // why the old value stays in effect; nil if it does not
}

// Reload takes over what is different in fresh, which was loaded from the sources anew, and returns that in the order of the table. What
// CONFIG SET changed gives way as well: afterwards the settings are those of a fresh start, except for those whose change has an Err.
// Changes come into effect together.
func (c *Config) Reload(fresh *Config) []Change {
	c.mu.Lock()
	defer c.unlock()
	changes := c.differences(fresh)
	for {
		refused := c.applyChanges(changes, fresh)
		if refused == nil {
			return changes
		}
		for i := range changes {
			if p := find(refused.Name); changes[i].Setting == &settings[p.row] {
				changes[i].Err = refused.Err
			}
		}
	}
}

// differences lists what is different in fresh. Where nothing is, its sources are taken over. c.mu is held.
func (c *Config) differences(fresh *Config) []Change {
	old, next := c.Values(), fresh.Values()
	var changes []Change
	for i := range settings {
		s := &settings[i]
		if s.Key == "" {
			continue
		}
		ch, different := s.change(old, next)
		if !different {
			c.sources[i] = fresh.sources[i]
			continue
		}
		ch.Source = fresh.sources[i]
		if !s.Mutable {
			ch.Err = ErrRestart
		}
		changes = append(changes, ch)
	}
	return changes
}

// change compares the values of a setting.
func (s *Setting) change(old, next *Values) (ch Change, different bool) {
	ch = Change{Setting: s, Old: s.get(old), New: s.get(next)}
	different = ch.Old != ch.New
	if s.Secret {
		ch.Old, ch.New = masked(ch.Old), masked(ch.New)
	}
	return ch, different
}

// masked stands for a secret.
func masked(value string) string {
	if value == "" {
		return ""
	}
	return "********"
}

// applyChanges brings all changes without an Err into effect, or returns why the first that is refused is. c.mu is held.
func (c *Config) applyChanges(changes []Change, fresh *Config) *SetError {
	old := c.Values()
	next := new(Values)
	*next = *old
	var chosen []*param
	for i := range changes {
		if s := changes[i].Setting; changes[i].Err == nil {
			p := find(s.Key)
			if err := p.set(next, p.get(fresh.Values())); err != nil {
				return &SetError{p.name, err}
			}
			chosen = append(chosen, p)
		}
	}
	if err := c.runHooks(old, next, chosen); err != nil {
		return err
	}
	c.values.Store(next)
	for _, p := range chosen {
		c.sources[p.row] = fresh.sources[p.row]
	}
	return nil
}
